"""What the window should show of the demo study, by PyTorch alone: decodes and resizes the pictures with Pillow, runs the
network, picks the nine strongest of a unit, walks back, and writes the tiles as they look (demo/<layer>-<unit>.json, .bin).

Run: python demo.py
"""

import json
import pathlib

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from PIL import Image

import road

HERE = pathlib.Path(__file__).parent
STUDY = HERE.parent.parent / "assets/demo-study"
SIDE = 64
CONTRAST = 1  # where the window starts
UNITS = [("conv4", 65), ("conv3", 10), ("conv2", 5)]


def network():
    weights = {w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in onnx.load(STUDY / "model.onnx").graph.initializer}

    def run(x, last):
        for stage in range(1, last + 1):
            w = weights[f"conv{stage}.weight"]
            x = road.relu(F.conv2d(x, w, weights[f"conv{stage}.bias"], padding=w.shape[2] // 2))
            if stage < last:
                x = F.max_pool2d(x, 2)
        return x

    return run


def pictures():
    files = sorted((p.relative_to(STUDY / "pictures").as_posix() for p in (STUDY / "pictures").rglob("*.webp")), key=lambda s: s.encode())
    tensors = []
    for name in files:
        image = Image.open(STUDY / "pictures" / name).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)
        tensors.append(np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255)
    return files, torch.from_numpy(np.stack(tensors))


def field(last):
    """Size, stride and first start of the receptive field, from the kernels alone."""
    size, stride, start = 1, 1, 0
    for stage in range(1, last + 1):
        kernel = 5 if stage == 1 else 3
        size += (kernel - 1) * stride
        start -= (kernel // 2) * stride
        if stage < last:
            size += stride
            stride *= 2
    return size, stride, start


def level_of(signal):
    """The least |value| that at most one in 200 of those that are not zero exceeds."""
    sizes = np.sort(np.abs(signal[signal != 0]))[::-1]
    return sizes[len(sizes) // 200] if len(sizes) else 0.0


def main():
    run = network()
    files, inputs = pictures()
    out = HERE / "demo"
    out.mkdir(exist_ok=True)
    for layer, unit in UNITS:
        last = int(layer[4:])
        with torch.no_grad():
            maps = torch.cat([run(inputs[i : i + 64], last)[:, unit] for i in range(0, len(files), 64)])
        best, place = maps.flatten(1).max(1)
        order = sorted(range(len(files)), key=lambda i: (-best[i].item(), i))[:9]
        size, stride, start = field(last)
        tiles, signals = [], []
        for index in order:
            y, x = divmod(int(place[index]), maps.shape[2])
            activation, found = road.walk(lambda p: run(p, last), inputs[index : index + 1], unit, y, x, ["deconvnet"])
            padded = np.pad(found["deconvnet"], ((0, 0), (size, size), (size, size)))
            top, left = start + y * stride + size, start + x * stride + size
            signals.append(padded[:, top : top + size, left : left + size])
            tiles.append({"file": files[index], "y": y, "x": x, "activation": activation})
        level = max(level_of(signal) for signal in signals)
        looks = [(128 + np.clip(np.rint(127 * CONTRAST * signal / level), -127, 127)).astype(np.uint8) for signal in signals]
        (out / f"{layer}-{unit}.bin").write_bytes(np.stack(looks).tobytes())
        record = {"layer": layer, "unit": unit, "contrast": CONTRAST, "size": size, "tiles": tiles}
        (out / f"{layer}-{unit}.json").write_text(json.dumps(record, indent=1) + "\n")
        print(layer, unit, [t["file"] for t in tiles][:3], size)


if __name__ == "__main__":
    main()
