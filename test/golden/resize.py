"""Writes resize.json: what PyTorch's interpolate makes of a 3x4 map, and its derivative, for each mode and size.

python resize.py
"""

import json
import pathlib

import torch
from torch.nn.functional import interpolate

picture = [[3.0, -1.0, 4.0, 1.0], [-5.0, 9.0, 2.0, -6.0], [5.0, 3.0, -8.0, 7.0]]
modes = {
    "nearest": {"mode": "nearest"},
    "nearest-exact": {"mode": "nearest-exact"},
    "bilinear": {"mode": "bilinear", "align_corners": False},
    "bilinear, corners aligned": {"mode": "bilinear", "align_corners": True},
    "bicubic": {"mode": "bicubic", "align_corners": False},
    "bicubic, corners aligned": {"mode": "bicubic", "align_corners": True},
}
sizes = [(6, 8), (5, 7), (2, 3), (2, 9)]


def case(options, size):
    x = torch.tensor(picture, dtype=torch.float64)[None, None].requires_grad_()
    out = interpolate(x, size=size, **options)
    # The signal 1, 2, 3, ... at the output, row by row.
    signal = torch.arange(1, out.numel() + 1, dtype=torch.float64).reshape(out.shape)
    (back,) = torch.autograd.grad(out, x, signal)
    numbers = lambda tensor: [round(value, 9) for value in tensor.flatten().tolist()]
    return {"size": size, "out": numbers(out), "back": numbers(back)}


cases = {name: [case(options, size) for size in sizes] for name, options in modes.items()}
text = json.dumps({"picture": picture, "cases": cases}, separators=(",", ":"))
pathlib.Path(__file__).with_name("resize.json").write_text(text.replace('},{"size"', '},\n{"size"') + "\n")
