"""Activations and norms as PyTorch's two exporters write them, with the gradient that its autograd gives: pieces.json.gz.

Run by hand with torch, onnx and onnxscript: python pieces.py
"""

import base64
import gzip
import json
import math
import pathlib
import tempfile

import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class LayerNorm2d(nn.Module):
    """ConvNeXt's, on a map with channels last for a while."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ChannelsFirst(nn.Module):
    """ConvNeXt's own code between its stages."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        unit = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * unit + self.bias[:, None, None]


class BatchNormLike(ChannelsFirst):
    """As TensorFlow writes a layer norm: x * (inv * scale) + (bias - mean * inv * scale)."""

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = ((x - mean) * (x - mean)).mean(1, keepdim=True)
        inverse = torch.rsqrt(variance + 1e-3) * self.weight[:, None, None]
        return x * inverse + (self.bias[:, None, None] - mean * inverse)


SCALE = math.sqrt(2 / math.pi)
# By name: the module, and the op (or ops) that stand in the prepared graph between the convolutions.
MODULES = {
    "SiLU": (nn.SiLU(), "Swish"),
    "x sigmoid(1.702 x)": (Apply(lambda x: x * torch.sigmoid(1.702 * x)), "Swish"),
    "Hardswish": (nn.Hardswish(), "HardSwish"),
    "x relu6(x + 3) / 6": (Apply(lambda x: x * F.relu6(x + 3) / 6), "HardSwish"),
    "x (relu6(x + 3) / 6)": (Apply(lambda x: x * (F.relu6(x + 3) / 6)), "HardSwish"),
    "relu6(x + 3) / 6": (Apply(lambda x: F.relu6(x + 3) / 6), "HardSigmoid"),
    "Hardsigmoid": (nn.Hardsigmoid(), "HardSigmoid"),
    "GELU": (nn.GELU(), "Gelu"),
    "x 0.5 (1 + erf)": (Apply(lambda x: x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))), "Gelu"),
    "GELU by tanh": (nn.GELU(approximate="tanh"), "Gelu"),
    "GELU by tanh, by hand": (Apply(lambda x: 0.5 * x * (1 + torch.tanh(SCALE * (x + 0.044715 * x**3)))), "Gelu"),
    "GELU by tanh, factored": (
        Apply(lambda x: 0.5 * x * (1 + torch.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x)))),
        "Gelu",
    ),
    "Mish": (nn.Mish(), "Mish"),
    "Softplus": (nn.Softplus(), "Softplus"),
    "Softplus, beta 2": (nn.Softplus(beta=2), "Softplus"),
    "log(1 + exp(x))": (Apply(lambda x: torch.log(1 + torch.exp(x))), "Softplus"),
    "Softsign": (nn.Softsign(), "Softsign"),
    "Threshold": (nn.Threshold(0.5, 0.0), "ThresholdedRelu"),
    "Hardtanh": (nn.Hardtanh(-2, 3), "Clip"),
    "hard tanh by where": (
        Apply(lambda x: torch.where(x > 1.5, 1.5, torch.where(x < -0.5, -0.5, x))),
        "Clip",
    ),
    "min(ReLU, 6)": (Apply(lambda x: torch.minimum(F.relu(x), torch.tensor(6.0))), "Clip"),
    "ReLU by where": (Apply(lambda x: torch.where(x > 0, x, torch.zeros_like(x))), "Relu"),
    "ReLU by masked_fill": (Apply(lambda x: x.masked_fill(x < 0, 0.0)), "Relu"),
    "ReLU by mask": (Apply(lambda x: x * (x > 0)), "Relu"),
    "(x + |x|) / 2": (Apply(lambda x: (x + x.abs()) / 2), "Relu"),
    "leaky by where": (Apply(lambda x: torch.where(x > 0, x, 0.1 * x)), "LeakyRelu"),
    "leaky by two ReLUs": (Apply(lambda x: F.relu(x) - 0.2 * F.relu(-x)), "LeakyRelu"),
    "ELU by where": (Apply(lambda x: torch.where(x > 0, x, 0.8 * (torch.exp(x) - 1))), "Elu"),
    "SELU by where": (
        Apply(lambda x: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * (torch.exp(x) - 1))),
        "Selu",
    ),
    "CELU by where": (Apply(lambda x: torch.where(x > 0, x, 1.5 * (torch.exp(x / 1.5) - 1))), "Celu"),
    "Hardshrink": (nn.Hardshrink(), "Shrink"),
    "Softshrink": (nn.Softshrink(0.4), "Shrink"),
    "1 / (1 + exp(-x))": (Apply(lambda x: 1 / (1 + torch.exp(-x))), "Sigmoid"),
    "max(x, 0.1 x)": (Apply(lambda x: torch.maximum(x, 0.1 * x)), "LeakyRelu"),
    "ELU": (nn.ELU(0.7), "Elu"),
    "SELU": (nn.SELU(), "Selu"),
    "CELU": (nn.CELU(1.5), "Celu"),
    "PReLU": (nn.PReLU(6), "PRelu"),
    "LayerNorm, channels last": (LayerNorm2d(6), "ChannelNormalization"),
    "LayerNorm, by hand": (ChannelsFirst(6), "ChannelNormalization"),
    "LayerNorm, as TensorFlow's": (BatchNormLike(6), "ChannelNormalization"),
    "GroupNorm": (nn.GroupNorm(3, 6), "GroupNormalization"),
    "LRN": (nn.LocalResponseNorm(5, alpha=0.5), "LRN"),
    "InstanceNorm": (nn.InstanceNorm2d(6, affine=True), "InstanceNormalization"),
}


# What the old exporter does not write.
only_new = {"Threshold"}


def strip(message):
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.type == field.TYPE_MESSAGE:
            for child in value if hasattr(value, "__len__") and not hasattr(value, "ListFields") else [value]:
                strip(child)


def exported(net, x, dynamo):
    if dynamo:
        shapes = ({0: torch.export.Dim("N", min=1, max=8)},)
        model = torch.onnx.export(net, (x,), dynamo=True, verbose=False, dynamic_shapes=shapes).model_proto
    else:
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            axes = {"x": {0: "N"}}
            torch.onnx.export(net, (x,), file.name, dynamo=False, opset_version=17, input_names=["x"], dynamic_axes=axes)
            model = onnx.load(file.name)
    strip(model)
    return base64.b64encode(model.SerializeToString(deterministic=True)).decode()


cases = []
for name, (module, op) in MODULES.items():
    torch.manual_seed(3)
    for parameter in module.parameters():
        parameter.data = torch.round((torch.randn_like(parameter) * 0.3 + 1) * 64) / 64
    net = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), module, nn.Conv2d(6, 3, 3)).eval()
    for conv in (net[0], net[2]):
        conv.weight.data = torch.round(torch.randn_like(conv.weight) * 16) / 64
    x = torch.round(torch.randn(1, 2, 7, 8) * 64) / 32
    exporters = ("dynamo",) if name in only_new else ("torchscript", "dynamo")
    models = {exporter: exported(net, torch.cat([x, x]), exporter == "dynamo") for exporter in exporters}
    x = x.double().requires_grad_()
    unit = net.double()(x)[0, 1, 2, 3]
    (gradient,) = torch.autograd.grad(unit * unit.detach(), x)
    cases.append(
        {
            "name": name,
            "op": op,
            "models": models,
            "picture": x.flatten().tolist(),
            "activation": unit.item(),
            "gradient": [float(f"{v:.8g}") for v in gradient.flatten().tolist()],
        }
    )
path = pathlib.Path(__file__).with_name("pieces.json.gz")
path.write_bytes(gzip.compress(json.dumps(cases).encode(), 9, mtime=0))
