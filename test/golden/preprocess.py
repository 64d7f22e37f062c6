"""Small golden for the preprocessing: two synthetic pictures as PNG and the tensors that they should become, by Pillow and
NumPy alone (see README.md).

Run: python preprocess.py
"""

import pathlib

import numpy as np
from PIL import Image

import road

FOLDER = pathlib.Path(__file__).resolve().parent / "preprocess"


def synthetic(width, height, seed):
    """Whole numbers by integer arithmetic: a colour ramp with hard-edged bars and a little grain; nothing is symmetric."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    red = x * 255 // (width - 1)
    green = y * 255 // (height - 1)
    blue = np.where((x * 3 + y * 2 + seed) % 17 < 6, 230, 40)
    grain = (x * 37 + y * 91 + x * y * 5 + seed) % 23
    picture = np.stack([(red + grain) % 256, np.minimum(green + grain, 255), blue - grain], 2)
    picture[: height // 4, : width // 3] = [255, 0, 10 + seed]
    return picture.astype(np.uint8)


def resized(image, width, height):
    """Pillow's bilinear with antialiasing, 8 bits a channel: what torchvision's Resize does to a PIL picture."""
    return image.resize((width, height), Image.Resampling.BILINEAR)


def torchvision_way(image, shorter, crop, mean, std):
    """Resize(shorter) -> CenterCrop(crop) -> ToTensor -> Normalize, with torchvision's own arithmetic."""
    width, height = image.size
    longer = int(shorter * max(width, height) / min(width, height))
    image = resized(image, *((shorter, longer) if width <= height else (longer, shorter)))
    width, height = image.size
    top, left = int(round((height - crop[0]) / 2)), int(round((width - crop[1]) / 2))
    image = image.crop((left, top, left + crop[1], top + crop[0]))
    tensor = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
    return (tensor - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]


def caffe_way(image, size, mean):
    """Stretched to the size, BGR, 0 to 255 minus the mean of B, G and R. (Caffe itself resizes by other filters.)"""
    tensor = np.asarray(resized(image, size[1], size[0]), dtype=np.float32)[:, :, ::-1].transpose(2, 0, 1)
    return tensor - np.float32(mean)[:, None, None]


def letterbox_way(image, size, background):
    """The whole picture in the middle, the rest in one grey; 0 to 1. Where the bars are uneven the first is the smaller."""
    scale = min(size[1] / image.width, size[0] / image.height)
    width, height = (int(np.floor(n * scale + 0.5)) for n in image.size)
    canvas = Image.new("RGB", (size[1], size[0]), background)
    canvas.paste(resized(image, width, height), ((size[1] - width) // 2, (size[0] - height) // 2))
    return np.asarray(canvas, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)


def bicubic_way(image, size):
    """Stretched by Pillow's bicubic filter with antialiasing; 0 to 1."""
    tensor = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BICUBIC), dtype=np.float32)
    return tensor.transpose(2, 0, 1) / np.float32(255)


def gray_way(image, size):
    """Stretched in colour, then Rec. 601 luma as Pillow's convert('L') has it; 0 to 1."""
    return np.asarray(resized(image, size[1], size[0]).convert("L"), dtype=np.float32)[None] / np.float32(255)


MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PICTURES = {"wide.png": (50, 37, 3), "tall.png": (33, 60, 8)}
WAYS = [
    ("torchvision", {"shorter": 27, "size": [24, 24], "mean": MEAN, "std": STD}, lambda i: torchvision_way(i, 27, (24, 24), MEAN, STD)),
    ("torchvision", {"shorter": 28, "size": [20, 25], "mean": MEAN, "std": STD}, lambda i: torchvision_way(i, 28, (20, 25), MEAN, STD)),
    ("caffe", {"size": [24, 24], "mean": [104, 117, 123]}, lambda i: caffe_way(i, (24, 24), [104, 117, 123])),
    ("caffe", {"size": [64, 40], "mean": [104, 117, 123]}, lambda i: caffe_way(i, (64, 40), [104, 117, 123])),
    ("letterbox", {"size": [24, 24], "background": [128, 128, 128]}, lambda i: letterbox_way(i, (24, 24), (128, 128, 128))),
    ("letterbox", {"size": [28, 22], "background": [128, 128, 128]}, lambda i: letterbox_way(i, (28, 22), (128, 128, 128))),
    ("bicubic", {"size": [40, 20]}, lambda i: bicubic_way(i, (40, 20))),
    ("bicubic", {"size": [61, 70]}, lambda i: bicubic_way(i, (61, 70))),
    ("gray", {"size": [24, 24]}, lambda i: gray_way(i, (24, 24))),
]


def main():
    FOLDER.mkdir(exist_ok=True)
    store = road.Store()
    cases = []
    for name, (width, height, seed) in PICTURES.items():
        Image.fromarray(synthetic(width, height, seed)).save(FOLDER / name, optimize=False, compress_level=9)
        image = Image.open(FOLDER / name).convert("RGB")
        pixels = store.add(np.asarray(image, dtype=np.float32))
        cases += [{"picture": name, "way": "pixels", "tensor": pixels}]
        cases += [{"picture": name, "way": way, **options, "tensor": store.add(make(image))} for way, options, make in WAYS]
    store.write(FOLDER, {"pictures": [{"name": n, "width": w, "height": h} for n, (w, h, _) in PICTURES.items()], "cases": cases})
    print(f"{len(cases)} tensors, {store.size * 4 // 1024} KB")


if __name__ == "__main__":
    main()
