"""Layers that export as PyTorch's own and walk back as the methods say, and what random_graphs.py and families.py share:
low-entropy weights, both exporters, the choice of units, and the compact store (README.md, differential/).
"""

import copy
import io
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F

import pt2
import road
from pack import Pack, fingerprint
from values import name_of, values_of

HERE = pathlib.Path(__file__).resolve().parent
# `-derivative` takes the derivative of what the paper has no rule for; without, the signal is rectified there.
MODES = ["deconvnet", "deconvnet-derivative", "guided", "guided-derivative", "gradient"]
# ONNX Runtime's activations deviate by 2e-7 of the map's largest, or less.
road.AMPLITUDE = 4e-7


def exporting():
    return torch.onnx.is_in_onnx_export() or torch.compiler.is_exporting()


def native():
    return road.PLAIN or exporting()


def rectifies():
    return not road.MODE.endswith("derivative") and road.MODE != "gradient"


def shaken(x):
    """What a rectifier or a switch gets, off by some roundings while road.spread asks for it. Exact zeros stay ties."""
    if road.NOISE is None:
        return x
    noise = torch.randn(x.shape, generator=road.NOISE, dtype=x.dtype) * (x != 0)
    return x + road.AMPLITUDE * x.detach().abs().max() * noise


class Ruled(torch.autograd.Function):
    """A pointwise function whose backward is what the current method does with its role."""

    @staticmethod
    def forward(ctx, x, function, role):
        ctx.function, ctx.role = function, role
        x = shaken(x)
        ctx.save_for_backward(x)
        return function(x)

    @staticmethod
    def backward(ctx, grad):
        with torch.enable_grad():
            x = ctx.saved_tensors[0].detach().requires_grad_(True)
            (derivative,) = torch.autograd.grad(ctx.function(x).sum(), x)
        if ctx.role == "smooth":
            return grad.clamp(min=0) if rectifies() else grad * derivative, None, None
        if road.MODE.startswith("deconvnet"):
            return grad.clamp(min=0), None, None
        if road.MODE.startswith("guided"):
            return grad.clamp(min=0) * derivative, None, None
        return grad * derivative, None, None


class RectifiedSignal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad.clamp(min=0)


def ruled(x, function, role):
    return function(x) if native() else Ruled.apply(x, function, role)


def gate(x, g):
    """A product of two signals: the gate is held where the method rectifies."""
    if native() or not rectifies():
        return x * g
    return RectifiedSignal.apply(x * g.detach())


RECTIFIERS = {
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky": lambda x: F.leaky_relu(x, 0.125),
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 1.5),
    "threshold": lambda x: F.threshold(x, 0.25, 0.0),
}
SMOOTH = {
    "elu": lambda x: F.elu(x, 0.75),
    "selu": F.selu,
    "celu": lambda x: F.celu(x, 1.5),
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu-tanh": lambda x: F.gelu(x, approximate="tanh"),
    "mish": F.mish,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
}
BASIC = ["relu", "relu", "relu6", "leaky"]


class Act(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        role = "rectifier" if self.kind in RECTIFIERS else "smooth"
        return ruled(x, (RECTIFIERS if role == "rectifier" else SMOOTH)[self.kind], role)

    def extra_repr(self):
        return self.kind


class Prelu(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return ruled(x, lambda v: F.prelu(v, self.weight), "rectifier")


class MaxPool(nn.Module):
    def __init__(self, *arguments, **options):
        super().__init__()
        self.pool = nn.MaxPool2d(*arguments, **options)

    def forward(self, x):
        return self.pool(x if native() else shaken(x))


class GlobalMax(nn.Module):
    """Exports as ReduceMax or GlobalMaxPool. Ties go to the first, which PyTorch's amax does not do."""

    def __init__(self, reduces=True):
        super().__init__()
        self.reduces = reduces

    def forward(self, x):
        if not native():
            return F.max_pool2d(shaken(x), x.shape[2:])
        if self.reduces:
            return torch.amax(x, (2, 3), keepdim=True)
        return named(x, lambda v: F.max_pool2d(v, v.shape[2:]), "GlobalMaxPool", 1)


class Lrn(nn.Module):
    """PyTorch writes it in pieces; `whole`: as LRN."""

    def __init__(self, size, alpha=1e-2, beta=0.75, k=1.0, whole=False):
        super().__init__()
        self.size, self.alpha, self.beta, self.k, self.whole = size, alpha, beta, k, whole

    def forward(self, x):
        norm = lambda v: F.local_response_norm(v, self.size, self.alpha, self.beta, self.k)
        if self.whole and exporting():
            return named(x, norm, "LRN", 13, size=self.size, alpha=self.alpha, beta=self.beta, bias=self.k)
        y = norm(x)
        return y if native() or not road.MODE.startswith("deconvnet") else x + (y - x).detach()


class Held(nn.Module):
    """A normalisation by the picture's own statistics. The deconvnet holds them, as it holds switches."""

    def held(self):
        return not native() and road.MODE.startswith("deconvnet")

    def scaled(self, x, axes, eps):
        centred = x - x.mean(axes, keepdim=True).detach()
        return centred / (x.var(axes, unbiased=False, keepdim=True).detach() + eps).sqrt()


class GroupNorm(Held):
    def __init__(self, groups, channels):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)

    def forward(self, x):
        if not self.held():
            return self.norm(x)
        parted = x.reshape(x.shape[0], self.norm.num_groups, -1)
        y = self.scaled(parted, (2,), self.norm.eps).reshape(x.shape)
        return y * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]


class InstanceNorm(Held):
    def __init__(self, channels, affine):
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels, affine=affine)

    def forward(self, x):
        if not self.held():
            return self.norm(x)
        y = self.scaled(x, (2, 3), self.norm.eps)
        return y * self.norm.weight[:, None, None] + self.norm.bias[:, None, None] if self.norm.affine else y


class LayerNorm(Held):
    """Over the channels of each place (ConvNeXt), or over the whole map."""

    def __init__(self, shape, last=False):
        super().__init__()
        self.norm, self.last = nn.LayerNorm(shape), last

    def forward(self, x):
        if self.last:
            x = x.permute(0, 2, 3, 1)
        if self.held():
            axes = tuple(range(-len(self.norm.normalized_shape), 0))
            y = self.scaled(x, axes, self.norm.eps) * self.norm.weight + self.norm.bias
        else:
            y = self.norm(x)
        return y.permute(0, 3, 1, 2) if self.last else y


class Symbol(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, function, op, attributes):
        return function(x)

    @staticmethod
    def symbolic(g, x, function, op, attributes):
        return g.op(op, x, **{f"{key}_{'f' if isinstance(value, float) else 'i'}": value for key, value in attributes.items()})


def named(x, function, op, since, **attributes):
    """function(x), exported as this one node of ONNX, which PyTorch itself writes in pieces or leaves out."""
    if torch.compiler.is_exporting():
        return torch.onnx.ops.symbolic(op, [x], attrs=attributes, dtype=x.dtype, shape=function(x).shape, version=since)
    return Symbol.apply(x, function, op, attributes) if torch.onnx.is_in_onnx_export() else function(x)


def root_mean(x, kernel, stride):
    """The root of the sum of squares; where a window is all zero it is zero, and so is the derivative."""
    total = F.avg_pool2d(x * x, kernel, stride) * (kernel[0] * kernel[1])
    return torch.where(total > 0, total.clamp(min=1e-30).sqrt(), 0)


class LpPool(nn.Module):
    """Exports as LpPool; over the whole map as GlobalLpPool."""

    def __init__(self, kernel=None, stride=None):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x):
        if self.kernel is None:
            return named(x, lambda v: root_mean(v, list(v.shape[2:]), [1, 1]), "GlobalLpPool", 2, p=2)
        return named(x, lambda v: root_mean(v, self.kernel, self.stride), "LpPool", 18, kernel_shape=self.kernel, strides=self.stride, p=2)


class SpaceToDepth(nn.Module):
    """PixelUnshuffle by 2, as the op (whose channels are in another order)."""

    def forward(self, x):
        return named(x, lambda v: F.pixel_unshuffle(v, 2).unflatten(1, (-1, 4)).transpose(1, 2).flatten(1, 2), "SpaceToDepth", 13, blocksize=2)


class Idle(nn.Module):
    """Identity, Dropout or Cast, which do nothing."""

    def __init__(self, op):
        super().__init__()
        self.op = op

    def forward(self, x):
        return named(x, torch.clone, self.op, 13, **({"to": 1} if self.op == "Cast" else {}))

    def extra_repr(self):
        return self.op


class Threshold(Act):
    """x above a quarter, else 0; exports as ThresholdedRelu."""

    def __init__(self):
        super().__init__("threshold")

    def forward(self, x):
        return named(x, super().forward, "ThresholdedRelu", 10, alpha=0.25) if exporting() else super().forward(x)


class Maxout(nn.Module):
    """The larger of two; where they are equal the first has the signal."""

    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        if native():
            return torch.maximum(a, b)
        a, b = shaken(a), shaken(b)
        return torch.where(a >= b, a, b)


class Gated(nn.Module):
    """x times what `body` makes of it: squeeze and excitation, or a gate for each place."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return gate(x, self.body(x))


class Apply(nn.Module):
    """A function without weights, as a step."""

    def __init__(self, function, text):
        super().__init__()
        self.function, self.text = function, text

    def forward(self, x):
        return self.function(x)

    def extra_repr(self):
        return self.text


class Residual(nn.Module):
    def __init__(self, body, short=None):
        super().__init__()
        self.body, self.short = body, short

    def forward(self, x):
        return self.body(x) + (x if self.short is None else self.short(x))


class Branches(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


# Weights.


def coarse(shape, generator, deviation):
    """Random numbers of about this deviation in 63 levels, whole multiples of a power of two: they compress well."""
    step = 2.0 ** np.round(np.log2(deviation / 12))
    return torch.clamp(torch.round(torch.randn(shape, generator=generator) * deviation / step), -31, 31) * step


def randomise(net, seed, x):
    """Weights from a seed; the running statistics of batch norms are about what pictures x have there."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
                fan = module.weight[0].numel()
                if isinstance(module, nn.ConvTranspose2d):
                    fan = max(1, module.weight.numel() // module.out_channels // (module.stride[0] * module.stride[1]))
                module.weight.copy_(coarse(module.weight.shape, generator, (2 / fan) ** 0.5))
                if module.bias is not None:
                    module.bias.copy_(coarse(module.bias.shape, generator, 0.25))
            elif isinstance(module, Prelu):
                module.weight.copy_(0.25 + coarse(module.weight.shape, generator, 0.125).abs())
            elif getattr(module, "weight", None) is not None:
                module.weight.copy_(1 + coarse(module.weight.shape, generator, 0.25))
                if module.bias is not None:
                    module.bias.copy_(coarse(module.bias.shape, generator, 0.25))
        norms = [module for module in net.eval().modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
            norm.train()
        if norms:
            net(x)
        net.eval()
        for norm in norms:
            norm.running_mean.copy_(torch.round(norm.running_mean * 8) / 8)
            norm.running_var.copy_(torch.round(norm.running_var.clamp(min=0.125) * 8) / 8)


def pictures(channels, height, width, seed):
    """Two smooth pictures with some noise, in whole 1/32."""
    rng = np.random.default_rng(seed)
    seeds = torch.from_numpy(rng.standard_normal((2, channels, 6, 6)).astype(np.float32))
    smooth = F.interpolate(seeds, (height, width), mode="bicubic", align_corners=False).numpy()
    return torch.from_numpy(np.round((1.5 * smooth + 0.3 * rng.standard_normal(smooth.shape)) * 32).astype(np.float32) / 32)


# Export.


def strip(message):
    """Takes out what the exporters note about the exporting program: stack traces and module paths with every node."""
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.type == field.TYPE_MESSAGE:
            for child in value if hasattr(value, "__len__") and not hasattr(value, "ListFields") else [value]:
                strip(child)


def exported(net, x, dynamo, fixed, fold=True):
    one = x[:1] if fixed else x
    if dynamo:
        shapes = None if fixed else ({0: torch.export.Dim("N", min=1, max=64)},)
        program = torch.onnx.export(net, (one,), dynamo=True, dynamic_shapes=shapes, input_names=["x"], output_names=["y"], external_data=False, verbose=False)
        model = program.model_proto
    else:
        buffer = io.BytesIO()
        training = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
        axes = None if fixed else {"x": {0: "N"}, "y": {0: "N"}}
        torch.onnx.export(net, (one,), buffer, dynamo=False, opset_version=17, training=training, dynamic_axes=axes, input_names=["x"], output_names=["y"])
        model = onnx.load_from_string(buffer.getvalue())
    strip(model)
    # Not full_check: its shape inference is wrong for some pools with ceil_mode, which ONNX Runtime runs well.
    onnx.checker.check_model(model)
    return model


class Archive(torch.fx.Interpreter):
    """A network as torch.export.save writes it."""

    def __init__(self, net, x):
        program = torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("N", min=1, max=64)},))
        super().__init__(program.module())
        self.kept = {}
        # Now: the weights are the network's own, which is to become one of float64.
        self.data = pt2.archive(program)
        self.weights = [tensor.detach().numpy().tobytes() for tensor in program.state_dict.values()]

    def run_node(self, node):
        result = super().run_node(node)
        # Transpositions between channels last and first are seen through by the app: it has no such value.
        if node.op == "call_function" and "permute" not in str(node.target):
            # What the app calls it: by the module where it is one of PyTorch's own, else by module and operation.
            path, kind = [*(node.meta.get("nn_module_stack") or {}).values()][-1]
            kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
            self.kept[path if kind.startswith("torch.nn.modules.") else f"{path}/{node.name}"] = result
        return result

    def values(self, x):
        with torch.no_grad():
            self.run(x)
        return {name: value.numpy() for name, value in self.kept.items() if isinstance(value, torch.Tensor)}

    def add_to(self, pack):
        return pack.add_file(self.data, self.weights)


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def outputs_of(model, x):
    """The model's own output for pictures x."""
    return session_of(model).run(None, {model.graph.input[0].name: x.numpy()})[0]


def recorder(net, module):
    """Returns a function that runs the network and gives what the module gave."""
    kept = {}
    handle = module.register_forward_hook(lambda _m, _i, out: kept.__setitem__("out", out))

    def run(x):
        net(x)
        return kept["out"]

    return run, handle


# The golden numbers.


def places(maps, stable, wanted):
    """The strongest stable unit, and one of another channel at the map's rim: [picture, channel, y, x]."""
    height, width = maps.shape[2:] if maps.ndim == 4 else (1, 1)
    full = maps.reshape(*maps.shape[:2], height, width)
    order = [tuple(int(v) for v in np.unravel_index(i, full.shape)) for i in np.argsort(-full, axis=None, kind="stable")]
    rim = lambda at: at[2] in (0, height - 1) or at[3] in (0, width - 1)
    chosen = []
    for rule in (lambda at: True, rim)[:wanted]:
        candidates = [at for at in order if full[at] != 0 and rule(at) and at[1] not in {c[1] for c in chosen}][:16]
        found = next((at for at in candidates if stable(at)), None)
        if found:
            chosen.append(found)
    return chosen


def add_case(pack, name, net, x, taps, exports, wanted=2, count=lambda what: None, rounding=None, **more):
    """Writes a case with these layers: of each list of modules the first that both models have a value for.

    `count` is told of every unit that was looked at, and why it was passed over; `more` goes into the case. `rounding`: units
    are passed over whose signals in float32 are further than this from those in float64, as a share of the largest.
    """
    values = {}
    for key, (model, fixed) in exports.items():
        pictures = x[:1] if fixed else x
        values[key] = model.values(pictures) if isinstance(model, Archive) else values_of(model, pictures.numpy())
    single = copy.deepcopy(net).float() if rounding else None
    exact = net.double()
    assumes = any(isinstance(m, Gated) or isinstance(m, Act) and m.kind in SMOOTH for m in net.modules())
    # Where the paper has a rule for everything, the choice of another makes no difference.
    modes = MODES if assumes else [m for m in MODES if not m.endswith("derivative")]
    x64 = x.double()
    layers, found = [], {}
    for rank, tap in ((rank, tap) for rank, choices in enumerate(taps) for tap in choices):
        if rank in found or tap in found.values():
            continue
        run, handle = recorder(exact, exact.get_submodule(tap))
        run32 = recorder(single, single.get_submodule(tap))[0] if rounding else None
        with torch.no_grad():
            maps = run(x64).numpy()
        names = {key: name_of(values[key], maps[: 1 if fixed else None]) for key, (_, fixed) in exports.items()}
        if all(names.values()) and maps.ndim in (2, 4):

            def stable(at):
                fit = road.is_stable(run, x64[at[0] : at[0] + 1], at[1:], modes)
                if fit and rounding and road.deviation(run32, run, x64[at[0] : at[0] + 1], at[1:], modes) > rounding:
                    count("units that float32 rounds too far")
                    return False
                count("units" if fit else "units that a rounding decides")
                return fit

            units = []
            for picture, channel, y, column in places(maps, stable, wanted):
                activation, signals = road.walk(run, x64[picture : picture + 1], channel, y, column, modes)
                plain = road.plain_gradient(run, x64[picture : picture + 1], channel, y, column)
                scale = max(np.abs(plain).max(), 1e-30)
                if not np.abs(plain - signals["gradient"]).max() <= 1e-9 * scale:
                    raise SystemExit(f"{name} {tap}: the gradient is not PyTorch's own derivative")
                prints = []
                for mode in MODES:
                    box, numbers = fingerprint(signals[mode if assumes else mode.removesuffix("-derivative")])
                    prints.append([pack.add(numbers.tobytes()), len(numbers), *box])
                units.append([picture, channel, y, column, activation, prints])
            if units:
                found[rank] = tap
                layers.append({"module": tap, "values": names, "units": units})
        handle.remove()
    if not layers:
        return 0
    models = {}
    for key, (model, _) in exports.items():
        models[key] = model.add_to(pack) if isinstance(model, Archive) else pack.add_model(model)
    at = pack.add(x.numpy().astype("<f4").tobytes())
    pack.cases.append({"name": name, **more, "input": [at, list(x.shape)], "models": models, "layers": layers})
    return len(layers)
