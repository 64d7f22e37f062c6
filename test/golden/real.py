"""The independent road on real networks: reads an ONNX file with the onnx package, runs its nodes by PyTorch, and walks back
by autograd with the rectifiers' backward replaced (road.py). In float64, so that it is the more exact side.

Any pictures, any units:

    python real.py MODEL.onnx --pictures FILE.bin --shape N,C,H,W --out FOLDER --unit VALUE:CHANNEL:Y:X[:PICTURE] ...
           [--methods deconvnet,guided,gradient] [--dtype float64]

FILE.bin is little-endian float32, row-major, already preprocessed. VALUE is the name of a tensor of the graph (it may hold
colons: the numbers are read from the right), Y and X are 0 for [N, C] values. Writes FOLDER/expected.json and expected.bin
as make.py does, without activations; exit status 2 and one line on stderr where the network or the request is not one that
it can do.

The committed golden of the two networks (README.md says of what form):

    python real.py --golden MODELS_FOLDER
"""

import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

import road

HERE = pathlib.Path(__file__).resolve().parent
METHODS = ["deconvnet", "guided", "gradient"]


class Refusal(Exception):
    pass


def pads_of(attributes, sizes, kernel, strides, dilations):
    """Padding before and after, for F.pad: left, right, top, bottom."""
    auto = attributes.get("auto_pad", b"NOTSET").decode()
    if auto in ("NOTSET", "VALID"):
        top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0]) if auto == "NOTSET" else [0, 0, 0, 0]
        return [left, right, top, bottom]
    result = []
    for size, k, s, d in zip(sizes, kernel, strides, dilations):
        total = max(0, (-(-size // s) - 1) * s + (k - 1) * d + 1 - size)
        small, large = total // 2, total - total // 2
        result.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return [*result[1], *result[0]]


def window(attributes, x, kernel):
    strides = attributes.get("strides", [1, 1])
    dilations = attributes.get("dilations", [1, 1])
    return strides, dilations, pads_of(attributes, x.shape[2:], kernel, strides, dilations)


def convolve(attributes, x, weight, bias=None):
    strides, dilations, pads = window(attributes, x, weight.shape[2:])
    return F.conv2d(F.pad(x, pads), weight, bias, strides, 0, dilations, attributes.get("group", 1))


def max_pool(attributes, x):
    kernel = attributes["kernel_shape"]
    strides, dilations, pads = window(attributes, x, kernel)
    return F.max_pool2d(F.pad(x, pads, value=float("-inf")), kernel, strides, 0, dilations, bool(attributes.get("ceil_mode", 0)))


def average_pool(attributes, x):
    kernel = attributes["kernel_shape"]
    strides, dilations, pads = window(attributes, x, kernel)
    if attributes.get("ceil_mode", 0) or list(dilations) != [1, 1]:
        raise Refusal("AveragePool with ceil_mode or dilations")
    total = F.avg_pool2d(F.pad(x, pads), kernel, strides)
    if attributes.get("count_include_pad", 0):
        return total
    return total / F.avg_pool2d(F.pad(torch.ones_like(x), pads), kernel, strides)


def clip(attributes, x, low=None, high=None):
    low = attributes.get("min", low)
    high = attributes.get("max", high)
    if low is None or float(low) != 0 or high is None or float(high) != 6:
        raise Refusal("Clip with other bounds than 0 and 6")
    return road.relu6(x)


def gemm(attributes, a, b, c=None):
    a = a.T if attributes.get("transA", 0) else a
    b = b.T if attributes.get("transB", 0) else b
    y = attributes.get("alpha", 1.0) * (a @ b)
    return y if c is None else y + attributes.get("beta", 1.0) * c


def batch_norm(attributes, x, scale, shift, mean, var):
    if attributes.get("training_mode", 0):
        raise Refusal("BatchNormalization in training mode")
    return F.batch_norm(x, mean, var, scale, shift, False, 0.0, attributes.get("epsilon", 1e-5))


OPS = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    "Clip": clip,
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "Conv": convolve,
    "Dropout": lambda a, x, *_: x,
    "Flatten": lambda a, x: torch.flatten(x, 1) if a.get("axis", 1) == 1 else (_ for _ in ()).throw(Refusal("Flatten at another axis than 1")),
    "Gemm": gemm,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "Identity": lambda a, x: x,
    "LeakyRelu": lambda a, x: road.leaky(x, a.get("alpha", 0.01)),
    "MatMul": lambda a, x, y: x @ y,
    "MaxPool": max_pool,
    "Relu": lambda a, x: road.relu(x),
    "Reshape": lambda a, x, shape: x.reshape([x.shape[i] if n == 0 else int(n) for i, n in enumerate(shape.tolist())]),
    "Softmax": lambda a, x: torch.softmax(x, a.get("axis", -1)),
}


class Network:
    def __init__(self, path, dtype=torch.float64):
        self.model = onnx.load(path)
        self.dtype = dtype
        self.constants = {}
        for tensor in self.model.graph.initializer:
            self.keep(tensor.name, numpy_helper.to_array(tensor))
        self.nodes = []
        for node in self.model.graph.node:
            if node.op_type == "Constant":
                self.keep(node.output[0], numpy_helper.to_array(helper.get_attribute_value(node.attribute[0])))
            else:
                self.nodes.append((node, {a.name: helper.get_attribute_value(a) for a in node.attribute}))
        self.input = next(i.name for i in self.model.graph.input if i.name not in self.constants)
        self.leaky = any(node.op_type == "LeakyRelu" for node, _ in self.nodes)

    def keep(self, name, array):
        tensor = torch.from_numpy(np.array(array))
        self.constants[name] = tensor.to(self.dtype) if tensor.is_floating_point() else tensor

    def run(self, picture, wanted):
        """The value of that name, for [1, C, H, W]; what comes after it is not run."""
        values = {"": None, **self.constants, self.input: picture}
        for node, attributes in self.nodes:
            op = OPS.get(node.op_type)
            if op is None:
                raise Refusal(f"{node.op_type} ({node.name or node.output[0]})")
            values[node.output[0]] = op(attributes, *[values[name] for name in node.input])
            if node.output[0] == wanted:
                return values[wanted]
        raise Refusal(f"no value {wanted}")

    def walk(self, picture, value, channel, y, x, methods):
        with torch.enable_grad():
            return road.walk(lambda p: self.run(p, value), picture, channel, y, x, methods)

    def spread(self, picture, value, at, methods, limit=float("inf")):
        with torch.enable_grad():
            return road.spread(lambda p: self.run(p, value), picture, at, methods, limit)


def requested(text):
    parts = text.split(":")
    numbers = 0
    while numbers < 4 and numbers < len(parts) - 1 and parts[-1 - numbers].isdigit():
        numbers += 1
    if numbers < 3:
        raise Refusal(f"not VALUE:CHANNEL:Y:X[:PICTURE]: {text}")
    value = ":".join(parts[:-numbers])
    channel, y, x, *picture = map(int, parts[-numbers:])
    return value, channel, y, x, picture[0] if picture else 0


def answer(options):
    shape = [int(n) for n in options.shape.split(",")]
    pictures = np.fromfile(options.pictures, dtype="<f4")
    if len(shape) != 4 or pictures.size != np.prod(shape):
        raise Refusal(f"{options.pictures} holds {pictures.size} numbers, not {options.shape}")
    network = Network(options.model, getattr(torch, options.dtype))
    pictures = torch.from_numpy(pictures.reshape(shape)).to(network.dtype)
    methods = options.methods.split(",")
    store = road.Store()
    layers = {}
    for text in options.unit:
        value, channel, y, x, picture = requested(text)
        try:
            activation, signals = network.walk(pictures[picture : picture + 1], value, channel, y, x, methods)
        except IndexError as error:
            raise Refusal(f"{text}: {error}") from None
        unit = {"picture": picture, "channel": channel, "y": y, "x": x, "activation": activation}
        layers.setdefault(value, []).append({**unit, **{m: store.add_cropped(s) for m, s in signals.items()}})
    record = {"case": pathlib.Path(options.model).stem, "input": {"name": network.input, "shape": shape}, "methods": methods}
    store.write(options.out, {**record, "layers": [{"value": value, "units": units} for value, units in layers.items()]})


# The golden.


def synthetic(height, width):
    """Three channels of whole numbers 0 to 255 by integer arithmetic alone: stripes, rings and a fine grain."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    triangle = lambda n: np.where(n % 256 < 128, 2 * (n % 256), 511 - 2 * (n % 256))
    channels = []
    for c in range(3):
        stripes = triangle(3 * x + (c + 1) * y)
        rings = triangle((x * x + y * y) // 32 + 40 * c)
        grain = (73 * x + 151 * y + 199 * c + 31 * x * y) % 64
        channels.append((3 * stripes + 4 * rings + 4 * grain) // 8)
    return np.stack(channels)


FORMULA = (
    "triangle(n) = let m = n mod 256: m < 128 ? 2m : 511 - 2m; stripes = triangle(3x + (c + 1)y); "
    "rings = triangle(floor((x*x + y*y) / 32) + 40c); grain = (73x + 151y + 199c + 31xy) mod 64; "
    "pixel[c][y][x] = floor((3 stripes + 4 rings + 4 grain) / 8); input = float32((pixel - mean[c]) / divisor)"
)
GOLDENS = {
    "squeezenet1.0": {"mean": [123, 117, 104], "divisor": 1, "layers": ["conv1_relu", "fire4_concat", "fire9_concat"]},
    "tinydarknet": {"mean": [0, 0, 0], "divisor": 255, "layers": ["conv1_leaky", "conv6_leaky", "conv14_leaky"]},
}
LARGEST_EXACT = 64 * 64
GRID = 16


def block_sums(signal):
    """[C, H, W] summed over 16 x 16 blocks: block i holds the rows floor(i H / 16) up to floor((i + 1) H / 16)."""
    _, height, width = signal.shape
    rows = [i * height // GRID for i in range(GRID)]
    columns = [i * width // GRID for i in range(GRID)]
    return np.add.reduceat(np.add.reduceat(signal, rows, 1), columns, 2)


def described(store, signal):
    """As it is where small, else by sums over blocks, of values and of magnitudes, and by its strongest elements."""
    box = road.box_of(signal)
    sums = {"sum": float(signal.sum()), "magnitude": float(np.abs(signal).sum()), "square": float((signal**2).sum()), "largest": float(np.abs(signal).max())}
    if (box[2] - box[0]) * (box[3] - box[1]) <= LARGEST_EXACT:
        return {**store.add_cropped(signal), **sums}
    order = np.argsort(-np.abs(signal), axis=None, kind="stable")[:32]
    places = np.stack(np.unravel_index(order, signal.shape), 1)
    strongest = {"at": places.tolist(), "values": store.add(signal.reshape(-1)[order])}
    return {"box": box, **sums, "blocks": store.add(block_sums(signal)), "magnitudes": store.add(block_sums(np.abs(signal))), "strongest": strongest}


def chosen(network, picture, value, maps, methods):
    """Two units with their spread: a strong one inside the map, and a strong one of another channel at the map's rim.

    Of the 24 strongest the first that no rounding decides; in a deep layer there may be none: then the least sensitive.
    """
    _, height, width = maps.shape
    order = [tuple(int(v) for v in np.unravel_index(i, maps.shape)) for i in np.argsort(-maps, axis=None, kind="stable")]
    margin = lambda at: min(at[1], at[2], height - 1 - at[1], width - 1 - at[2])
    found = []
    for wanted in (lambda at: margin(at) >= 2, lambda at: margin(at) <= 1 and at[0] != found[0][0][0]):
        best = None
        for at in [at for at in order if maps[at] > 0 and wanted(at)][:24]:
            limit = best[1] if best else float("inf")
            spread = network.spread(picture, value, at, methods, limit)
            if spread < limit:
                best = (at, spread)
            if spread <= road.STABLE:
                break
        found.append(best)
    return found


def check_forward(path, network, picture, values):
    """The interpreter's activations against ONNX Runtime's."""
    import onnxruntime

    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(value) for value in values)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for value, theirs in zip(values, session.run(None, {network.input: picture.to(torch.float32).numpy()})):
        ours = network.run(picture, value).numpy()
        error = np.abs(ours - theirs).max() / np.abs(ours).max()
        if not error < 1e-5:
            raise SystemExit(f"{path}, {value}: the interpreter and ONNX Runtime differ by {error}")


def golden(folder):
    # ONNX Runtime's activations are within 3e-7 to 9e-7 of the maximum at their worst place: a deviation of 2e-7 or less.
    road.AMPLITUDE = 3e-7
    for name, plan in GOLDENS.items():
        path = pathlib.Path(folder) / f"{name}.onnx"
        network = Network(path)
        shape = [d.dim_value for d in next(i for i in network.model.graph.input if i.name == network.input).type.tensor_type.shape.dim]
        pixels = synthetic(*shape[2:])
        exact = (pixels - np.array(plan["mean"])[:, None, None]) / plan["divisor"]
        picture = torch.from_numpy(exact.astype(np.float32)[None]).to(network.dtype)
        methods = METHODS + (["deconvnet-own"] if network.leaky else [])
        check_forward(path, network, picture, plan["layers"])
        store = road.Store()
        layers = []
        for value in plan["layers"]:
            maps = network.run(picture, value)[0].numpy()
            units = []
            for at, spread in chosen(network, picture, value, maps, methods):
                activation, signals = network.walk(picture, value, *at, methods)
                described_all = {m: described(store, s) for m, s in signals.items()}
                units.append({"channel": at[0], "y": at[1], "x": at[2], "activation": activation, "spread": float(f"{spread:.2g}"), **described_all})
            layers.append({"value": value, "shape": list(maps.shape), "sum": float(maps.sum()), "largest": float(maps.max()), "units": units})
        record = {
            "model": f"{name}.onnx",
            "picture": {
                "formula": FORMULA, "mean": plan["mean"], "divisor": plan["divisor"], "channels": "rgb", "shape": shape,
                "pixelSum": int(pixels.sum()), "firstPixels": pixels[:, 0, :8].tolist(), "lastPixels": pixels[:, -1, -8:].tolist(),
            },
            "input": network.input, "methods": methods, "layers": layers,
        }
        store.write(HERE / "real" / name, record)
        print(f"{name}: {[(l['value'], [(u['channel'], u['y'], u['x'], round(u['activation'], 3), u['spread']) for u in l['units']]) for l in layers]} {store.size * 4 // 1024} KB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--pictures")
    parser.add_argument("--shape")
    parser.add_argument("--unit", action="append", default=[])
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--dtype", default="float64", choices=["float32", "float64"])
    parser.add_argument("--out")
    parser.add_argument("--golden", metavar="MODELS_FOLDER")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if options.golden:
        golden(options.golden)
        return
    if not (options.model and options.pictures and options.shape and options.unit and options.out):
        parser.error("MODEL, --pictures, --shape, --unit and --out are needed")
    unknown = set(options.methods.split(",")) - {*METHODS, "deconvnet-own"}
    if unknown:
        parser.error(f"no method {', '.join(sorted(unknown))}")
    try:
        answer(options)
    except Refusal as refusal:
        print(f"real.py: {refusal}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
