"""Writes the golden cases: small networks exported by torch.onnx.export, and what they should give (see README.md).

Run: python make.py            (PyTorch 2.13, onnx, onnxruntime, numpy; requirements.txt)
"""

import copy
import io
import pathlib
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

import hand
import road

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE / "cases"
MODES = ["deconvnet", "guided", "gradient"]


def exporting():
    return torch.onnx.is_in_onnx_export() or torch.compiler.is_exporting()


def native():
    return road.PLAIN or exporting()


class Relu(nn.Module):
    """A ReLU that exports as one and walks back as the method says."""

    def forward(self, x):
        return torch.relu(x) if native() else road.relu(x)


class Leaky(nn.Module):
    def forward(self, x):
        return F.leaky_relu(x, 0.1) if native() else road.leaky(x, 0.1)


class Relu6(nn.Module):
    def forward(self, x):
        return F.relu6(x) if native() else road.relu6(x)


def conv(i, o, k, **options):
    return nn.Conv2d(i, o, k, **options)


class Vgg(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 6, 3, padding=1), Relu(), conv(6, 6, 3, padding=1), Relu(), nn.MaxPool2d(2),
            conv(6, 8, 3, padding=1), Relu(), conv(8, 8, 3, padding=1), Relu(), nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(nn.Linear(8 * 6 * 6, 12), Relu(), nn.Dropout(), nn.Linear(12, 5))
        self.taps = ["features.3", "features.8", "head.1"]

    def forward(self, x):
        return self.head(torch.flatten(self.features(x), 1))


class Alex(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 6, 7, stride=3, padding=2), Relu(), nn.MaxPool2d(3, 2),
            conv(6, 8, 5, padding=2, groups=2), Relu(), nn.MaxPool2d(3, 2),
            conv(8, 6, 3, padding=1), Relu(),
        )
        self.head = nn.Linear(6 * 2 * 2, 4)
        self.taps = ["features.1", "features.4", "features.7"]

    def forward(self, x):
        return self.head(torch.flatten(self.features(x), 1))


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(i, o, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = conv(o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o)
        self.relu1, self.relu2 = Relu(), Relu()
        self.short = nn.Sequential(conv(i, o, 1, stride=stride, bias=False), nn.BatchNorm2d(o)) if stride > 1 or i != o else None

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + (x if self.short is None else self.short(x)))


class Res(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 6, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(6), Relu(), nn.MaxPool2d(3, 2, 1))
        self.layer1, self.layer2 = Block(6, 6, 1), Block(6, 8, 2)
        self.fc = nn.Linear(8, 5)
        self.taps = ["layer1.relu1", "layer1", "layer2"]

    def forward(self, x):
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.layer2(self.layer1(self.stem(x))), 1), 1))


class Fire(nn.Module):
    def __init__(self, i, s, e):
        super().__init__()
        self.squeeze, self.one, self.three = conv(i, s, 1), conv(s, e, 1), conv(s, e, 3, padding=1)
        self.relu, self.relu_one, self.relu_three = Relu(), Relu(), Relu()

    def forward(self, x):
        x = self.relu(self.squeeze(x))
        return torch.cat([self.relu_one(self.one(x)), self.relu_three(self.three(x))], 1)


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.relu = conv(3, 6, 3, stride=2), Relu()
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.fire2, self.fire3 = Fire(6, 3, 4), Fire(8, 4, 5)
        self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.final, self.relu_final = conv(10, 5, 1), Relu()
        self.taps = ["fire2.relu_three", "fire3", "relu_final"]

    def forward(self, x):
        x = self.pool1(self.relu(self.conv1(x)))
        x = self.pool3(self.fire3(self.fire2(x)))
        return torch.flatten(F.adaptive_avg_pool2d(self.relu_final(self.final(x)), 1), 1)


class Mixed(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.b1, self.b3a, self.b3b, self.b5 = conv(i, 3, 1), conv(i, 3, 1), conv(3, 4, 3, padding=1), conv(i, 3, 5, padding=2)
        self.bp = conv(i, 2, 1)
        self.relus = nn.ModuleList([Relu() for _ in range(5)])

    def forward(self, x):
        r = self.relus
        three = r[2](self.b3b(r[1](self.b3a(x))))
        pooled = r[4](self.bp(F.max_pool2d(x, 3, 1, 1)))
        mean = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return torch.cat([r[0](self.b1(x)), three, r[3](self.b5(x)), pooled, mean], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.relu = conv(3, 6, 3, stride=2, padding=1), Relu()
        self.mixed1, self.mixed2 = Mixed(6), Mixed(18)
        self.last, self.relu_last = conv(30, 6, 3, padding=1), Relu()
        self.taps = ["mixed1", "mixed2.relus.3", "relu_last"]

    def forward(self, x):
        x = F.max_pool2d(self.mixed1(self.relu(self.stem(x))), 3, 2)
        return self.relu_last(self.last(self.mixed2(x)))


class Inverted(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        m = 2 * i
        self.expand, self.bn1, self.act1 = conv(i, m, 1, bias=False), nn.BatchNorm2d(m), Relu6()
        self.depth, self.bn2, self.act2 = conv(m, m, 3, stride=stride, padding=1, groups=m, bias=False), nn.BatchNorm2d(m), Relu6()
        self.project, self.bn3 = conv(m, o, 1, bias=False), nn.BatchNorm2d(o)
        self.same = stride == 1 and i == o

    def forward(self, x):
        y = self.act2(self.bn2(self.depth(self.act1(self.bn1(self.expand(x))))))
        y = self.bn3(self.project(y))
        return x + y if self.same else y


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.bn, self.act = conv(3, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4), Relu6()
        self.b1, self.b2, self.b3 = Inverted(4, 6, 2), Inverted(6, 6, 1), Inverted(6, 8, 2)
        self.fc = nn.Linear(8, 4)
        self.taps = ["b1.act2", "b2.act1", "b3.act2"]

    def forward(self, x):
        return self.fc(self.b3(self.b2(self.b1(self.act(self.bn(self.stem(x)))))).mean([2, 3]))


class Dilated(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv(3, 5, 3, dilation=2, padding=2), conv(5, 6, 3), conv(6, 5, 3, dilation=2)
        self.ra, self.rb, self.rc = Relu(), Relu(), Relu()
        self.taps = ["ra", "rb", "rc"]

    def forward(self, x):
        x = self.rb(self.b(F.pad(self.ra(self.a(x)), (0, 2, 1, 0))))
        return self.rc(self.c(F.pad(x, (3, 1, 2, 2))))


class PadEdit(nn.Module):
    """Exports with symmetric pads, which `edit` then makes asymmetric; here the same by F.pad. The shapes stay."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv(3, 5, 5, stride=2, padding=2), conv(5, 6, 3, dilation=2, padding=2), conv(6, 5, 3, padding=1)
        self.ra, self.rb, self.rc = Relu(), Relu(), Relu()
        # ONNX's order: top, left, bottom, right.
        self.pads = {"a": [1, 4, 3, 0], "b": [3, 0, 1, 4], "pool": [0, 2, 2, 0], "c": [2, 1, 0, 1]}
        self.taps = ["ra", "rb", "rc"]

    def padded(self, x, layer):
        top, left, bottom, right = self.pads[layer]
        value = float("-inf") if layer == "pool" else 0.0
        return F.pad(x, (left, right, top, bottom), value=value)

    def convolve(self, x, layer):
        module = getattr(self, layer)
        if exporting():
            return module(x)
        return F.conv2d(self.padded(x, layer), module.weight, module.bias, module.stride, 0, module.dilation)

    def forward(self, x):
        x = self.rb(self.convolve(self.ra(self.convolve(x, "a")), "b"))
        x = F.max_pool2d(x, 3, 2, 1) if exporting() else F.max_pool2d(self.padded(x, "pool"), 3, 2)
        return self.rc(self.convolve(x, "c"))

    def edit(self, model):
        order = iter(["a", "b", "pool", "c"])
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.name == "pads":
                    attribute.ints[:] = self.pads[next(order)]


class Gray(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(conv(1, 4, 5), Relu(), nn.MaxPool2d(2), conv(4, 6, 5), Relu(), nn.MaxPool2d(2))
        self.fc1, self.relu, self.fc2 = nn.Linear(6 * 4 * 4, 10), Relu(), nn.Linear(10, 4)
        self.taps = ["net.1", "net.4", "relu"]

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(self.net(x).reshape(1, -1) if x.shape[0] == 1 else self.net(x).flatten(1))))


class OneByOne(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            conv(3, 5, 5, stride=2), Relu(), nn.MaxPool2d(2), conv(5, 6, 3), Relu(), nn.MaxPool2d(2, ceil_mode=True), conv(6, 8, 2), Relu(), conv(8, 4, 1),
        )
        self.taps = ["net.1", "net.4", "net.7"]

    def forward(self, x):
        return self.net(x)


class Ceil(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = conv(2, 4, 3, padding=1), conv(4, 5, 3, padding=1), conv(5, 5, 3, padding=1), conv(5, 4, 3, padding=1)
        self.ra, self.rb, self.rc, self.rd = Relu(), Relu(), Relu(), Relu()
        self.taps = ["rb", "rc", "rd"]

    def forward(self, x):
        x = F.max_pool2d(self.ra(self.a(x)), 3, 2, 1, ceil_mode=True)
        x = F.avg_pool2d(self.rb(self.b(x)), 3, 2, 1, count_include_pad=True)
        x = F.avg_pool2d(self.rc(self.c(x)), 2, 2, 1, count_include_pad=False)
        return self.rd(self.d(x))


class CeilMean(nn.Module):
    """Average pools whose last window sticks out beyond the padding, without and with the padding counted."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv(2, 4, 3, padding=1), conv(4, 5, 3, padding=1), conv(5, 4, 3, padding=1)
        self.ra, self.rb, self.rc = Relu(), Relu(), Relu()
        self.taps = ["ra", "rb", "rc"]

    def forward(self, x):
        x = F.avg_pool2d(self.ra(self.a(x)), 3, 2, 0, ceil_mode=True, count_include_pad=False)
        x = F.avg_pool2d(self.rb(self.b(x)), 3, 2, 1, ceil_mode=True, count_include_pad=True)
        return self.rc(self.c(x))


class Dark(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            conv(3, 5, 3, padding=1), Leaky(), nn.MaxPool2d(2), conv(5, 6, 3, padding=1), Leaky(), nn.MaxPool2d(2), conv(6, 8, 3, padding=1), Leaky(),
        )
        self.taps = ["net.1", "net.4", "net.7"]

    def forward(self, x):
        return self.net(x)


class PreActivation(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 5, 3, padding=1)
        self.bn1, self.r1, self.c1 = nn.BatchNorm2d(5), Relu(), conv(5, 5, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.bn2, self.r2, self.c2, self.r3 = nn.BatchNorm2d(5), Relu(), conv(5, 6, 3, padding=1), Relu()
        self.taps = ["r1", "r2", "r3"]

    def forward(self, x):
        x = self.stem(x)
        x = self.pool(x + self.c1(self.r1(self.bn1(x))))
        return self.r3(self.c2(self.r2(self.bn2(x))))


class SamePad(nn.Module):
    """TensorFlow's SAME at even sizes: the odd element of padding goes to the end (UPPER) or the start (LOWER)."""

    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 5, 3, stride=2), conv(5, 6, 4)
        self.ra, self.rb = Relu(), Relu()
        self.taps = ["ra", "rb", "pool"]
        self.pool = nn.Identity()

    def forward(self, x):
        x = self.ra(self.a(F.pad(x, (0, 1, 0, 1))))
        x = self.rb(self.b(F.pad(x, (2, 1, 2, 1))))
        return self.pool(F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-1e30), 3, 2))

    def onnx(self, size):
        weights = [numpy_helper.from_array(p.detach().numpy(), n) for n, p in self.named_parameters()]
        node = helper.make_node
        nodes = [
            node("Conv", ["x", "a.weight", "a.bias"], ["conv_a"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
            node("Relu", ["conv_a"], ["relu_a"]),
            node("Conv", ["relu_a", "b.weight", "b.bias"], ["conv_b"], kernel_shape=[4, 4], auto_pad="SAME_LOWER"),
            node("Relu", ["conv_b"], ["relu_b"]),
            node("MaxPool", ["relu_b"], ["pool"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
        ]
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ["N", 3, size, size]), ("pool", ["N", 6, size // 4, size // 4]))]
        graph = helper.make_graph(nodes, "samepad", ends[:1], ends[1:], weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def pictures(channels, size, seed):
    """Three smooth pictures with some noise; the second is exactly zero over a part, so that pools tie."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.standard_normal((3, channels, 6, 6)).astype(np.float32))
    smooth = F.interpolate(coarse, (size, size), mode="bicubic", align_corners=False).numpy()
    result = (1.5 * smooth + 0.2 * rng.standard_normal(smooth.shape)).astype(np.float32)
    result[1, :, : size // 2, size // 3 :] = 0
    return result


def randomise(net, seed):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda shape: torch.randn(shape, generator=generator)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                fan = module.weight[0].numel()
                module.weight.copy_(draw(module.weight.shape) * (2 / fan) ** 0.5)
                if module.bias is not None:
                    module.bias.copy_(draw(module.bias.shape) * 0.3 + 0.1)
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(1 + 0.4 * draw(module.weight.shape))
                module.bias.copy_(0.3 * draw(module.bias.shape))
                module.running_mean.copy_(0.3 * draw(module.bias.shape))
                module.running_var.copy_(0.5 + draw(module.bias.shape) ** 2)


def tap_of(net, name):
    """Runs the network and returns what the named module gave."""
    kept = {}
    module = net.get_submodule(name)
    handle = module.register_forward_hook(lambda _m, _i, out: kept.__setitem__("out", out))

    def run(x):
        net(x)
        return kept["out"]

    return run, handle


def value_name(model, feeds, wanted):
    """The tensor of the ONNX graph that holds these values; of several the first that a layer ends in."""
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    for node in model.graph.node:
        for name in node.output:
            if name and name not in {o.name for o in extended.graph.output}:
                extended.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(extended.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    order = {name: i for i, node in enumerate(model.graph.node) for name in node.output}
    found = [
        (order.get(name, 10**6), name)
        for name, value in zip(names, session.run(None, feeds))
        if isinstance(value, np.ndarray) and value.shape == wanted.shape and value.dtype == np.float32 and np.allclose(value, wanted, rtol=1e-4, atol=1e-5)
    ]
    if not found:
        raise SystemExit(f"no tensor of the graph holds the wanted values {wanted.shape}")
    return min(found)[1]


def places(maps, stable, bound=None):
    """The strongest unit of all, one at an edge or corner of the map, one inside: [picture, channel, y, x].

    The further two have another channel than those before and, where it goes, another picture; below `bound`, so that a
    rectifier with an upper limit lets them through. Where a map has no inside, any other place will do. All are stable:
    what they should give does not hang on how a sum was rounded.
    """
    height, width = maps.shape[2:] if maps.ndim == 4 else (1, 1)
    full = maps.reshape(*maps.shape[:2], height, width)
    order = [tuple(int(v) for v in np.unravel_index(i, full.shape)) for i in np.argsort(-full, axis=None, kind="stable")]
    chosen = [order[0]]
    if not stable(order[0]):
        raise SystemExit("the strongest unit of a layer hangs on roundings: take another seed")
    edge = lambda at: at[2] in (0, height - 1) or at[3] in (0, width - 1)
    anywhere = lambda at: True
    fresh = lambda at: at[1] not in {c[1] for c in chosen} and full[at] > 0 and (bound is None or full[at] < bound)
    other = lambda at: at[0] not in {c[0] for c in chosen}
    for wanted in (edge, lambda at: not edge(at)):
        tries = [lambda at: wanted(at) and other(at), wanted, other, anywhere]
        found = next((at for rule in tries for at in order if fresh(at) and rule(at) and stable(at)), None)
        if found is None:
            raise SystemExit("a layer has fewer than three active, stable units")
        chosen.append(found)
    return chosen


def strip_origin(message):
    """Takes out where the exporting program lay: the new exporter notes a stack trace with every node."""
    for field, value in message.ListFields():
        if field.name == "metadata_props":
            kept = [(p.key, p.value) for p in value if "stack_trace" not in p.key]
            del value[:]
            for key, text in kept:
                value.add(key=key, value=text)
        elif field.type == field.TYPE_MESSAGE:
            for child in value if hasattr(value, "__len__") and not hasattr(value, "ListFields") else [value]:
                strip_origin(child)


def case(name, net, channels, size, seed, dynamo=False, fixed=False, keep_norms=False, modes=MODES, bound=None):
    randomise(net, seed)
    net.eval()
    x = torch.from_numpy(pictures(channels, size, seed + 100))
    one = x[:1] if fixed else x
    if hasattr(net, "onnx"):
        model = net.onnx(size)
    else:
        buffer = io.BytesIO()
        if dynamo:
            shapes = None if fixed else ({0: torch.export.Dim("N", min=1, max=64)},)
            program = torch.onnx.export(net, (one,), dynamo=True, dynamic_shapes=shapes, input_names=["x"], output_names=["y"], external_data=False, verbose=False)
            model = program.model_proto
        else:
            training = torch.onnx.TrainingMode.PRESERVE if keep_norms else torch.onnx.TrainingMode.EVAL
            axes = None if fixed else {"x": {0: "N"}, "y": {0: "N"}}
            torch.onnx.export(net, (one,), buffer, dynamo=False, opset_version=17, training=training, dynamic_axes=axes, input_names=["x"], output_names=["y"])
            model = onnx.load_from_string(buffer.getvalue())
    if hasattr(net, "edit"):
        net.edit(model)
    strip_origin(model)
    onnx.checker.check_model(model, full_check=True)
    folder = CASES / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    store = road.Store()
    record = {"case": name, "input": {"name": "x", **store.add(x.numpy())}, "methods": modes, "layers": []}
    feeds = {model.graph.input[0].name: one.numpy()}
    record["input"]["name"] = model.graph.input[0].name
    record["opset"] = next(o.version for o in model.opset_import if o.domain == "")
    for tap in net.taps:
        run, handle = tap_of(net, tap)
        with torch.no_grad():
            maps = torch.cat([run(x[i : i + 1]) for i in range(3)]).numpy()
        value = value_name(model, feeds, maps[: one.shape[0]])
        units = []
        stable = lambda at: road.is_stable(run, x[at[0] : at[0] + 1], at[1:], modes)
        for picture, channel, y, column in places(maps, stable, bound):
            activation, signals = road.walk(run, x[picture : picture + 1], channel, y, column, modes)
            plain = road.plain_gradient(run, x[picture : picture + 1], channel, y, column)
            compare(f"{name} {tap}: gradient and plain autograd", signals["gradient"], plain, 1e-6)
            units.append({"picture": picture, "channel": channel, "y": y, "x": column, "activation": activation, **{m: store.add_cropped(s) for m, s in signals.items()}})
        handle.remove()
        record["layers"].append({"module": tap, "value": value, "activations": store.add(maps), "units": units})
    store.write(folder, record)
    ops = sorted({node.op_type for node in model.graph.node})
    print(f"{name}: {[layer['value'] for layer in record['layers']]} {ops} {store.size * 4 // 1024} KB")
    return net, x


def compare(what, one, other, tolerance):
    scale = max(np.abs(one).max(), np.abs(other).max(), 1e-30)
    error = np.abs(one - other).max() / scale
    if not error <= tolerance:
        raise SystemExit(f"{what} differ by {error}")


def check_second_formula(net, x):
    """The VGG case once more by unpooling and transposed convolutions written out, against the road by autograd."""
    layers = list(net.features)[:9]
    values, switches = [x[:1]], {}
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.MaxPool2d):
            out, switches[i] = F.max_pool2d(values[-1], 2, return_indices=True)
        else:
            out = layer(values[-1])
        values.append(out.detach())
    at = np.unravel_index(int(values[-1].argmax()), values[-1].shape)
    run, handle = tap_of(net, "features.8")
    _, signals = road.walk(run, x[:1], int(at[1]), int(at[2]), int(at[3]), MODES)
    handle.remove()
    for mode in MODES:
        signal = torch.zeros_like(values[-1])
        signal[at] = values[-1][at]
        for i in reversed(range(9)):
            layer = layers[i]
            if isinstance(layer, nn.MaxPool2d):
                signal = F.max_unpool2d(signal, switches[i], 2)
            elif isinstance(layer, Relu):
                signal = signal if mode == "gradient" else signal.clamp(min=0)
                signal = signal if mode == "deconvnet" else signal * (values[i] > 0)
            else:
                signal = F.conv_transpose2d(signal, layer.weight, padding=layer.padding)
        compare(f"vgg: the two roads of {mode}", signal[0].detach().numpy(), signals[mode], 1e-5)


def check_folding(net, x):
    """Batch norms in evaluation mode walk back as the convolutions they are folded into."""
    folded = copy.deepcopy(net)
    for module in list(folded.modules()):
        pairs = [("conv1", "bn1"), ("conv2", "bn2")] if isinstance(module, Block) else [("0", "1")] if isinstance(module, nn.Sequential) and len(module) > 1 else []
        for first, second in pairs:
            setattr(module, first, nn.utils.fusion.fuse_conv_bn_eval(getattr(module, first), getattr(module, second)))
            setattr(module, second, nn.Identity())
    if any(isinstance(m, nn.BatchNorm2d) for m in folded.modules()):
        raise SystemExit("a batch norm was left unfolded")
    results = []
    for network in (net, folded):
        run, handle = tap_of(network, "layer2")
        results.append(road.walk(run, x[2:], 3, 1, 2, MODES))
        handle.remove()
    compare("resnet: activation, folded and not", *(np.float64(r[0]) for r in results), 1e-5)
    for mode in MODES:
        compare(f"resnet: {mode}, folded and not", results[0][1][mode], results[1][1][mode], 1e-5)


def main():
    (HERE / "hand.json").write_text(road.to_json(hand.examples()))
    check_second_formula(*case("vgg", Vgg(), 3, 24, 41))
    case("alexnet", Alex(), 3, 40, 22)
    check_folding(*case("resnet", Res(), 3, 32, 3, keep_norms=True))
    case("resnet-dynamo", Res(), 3, 32, 4, dynamo=True)
    case("squeezenet", Squeeze(), 3, 33, 5, fixed=True)
    case("inception", Inception(), 3, 28, 66, dynamo=True)
    case("mobilenetv2", Mobile(), 3, 32, 7, bound=6)
    case("dilated", Dilated(), 3, 22, 8)
    case("gray", Gray(), 1, 28, 9, fixed=True)
    case("onexone", OneByOne(), 3, 29, 30)
    case("ceil", Ceil(), 2, 26, 11)
    case("leaky", Dark(), 3, 24, 12, modes=MODES + ["deconvnet-own"])
    case("samepad", SamePad(), 3, 24, 13)
    case("bnalone", PreActivation(), 3, 20, 14, keep_norms=True)
    case("padedit", PadEdit(), 3, 26, 15)
    case("ceilmean", CeilMean(), 2, 24, 16)


if __name__ == "__main__":
    main()
