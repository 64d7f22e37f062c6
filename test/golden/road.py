"""The independent road: deconvnet, guided backprop and gradient by PyTorch's autograd with the ReLU's backward replaced.

Nothing of the app's own formulas is here: no transposed filters, no switches, no cones. Batch norms run in evaluation
mode, where their derivative is the scale that folding would give.
"""

import json
import pathlib
import re

import numpy as np
import torch

from pack import box_of

MODE = "gradient"
# A torch.Generator: what every rectifier gets is off by some roundings, as from one runtime to another.
NOISE = None
# Its deviation, as a share of the largest value of the map.
AMPLITUDE = 1e-6
# Spread up to which a unit counts as one that no rounding decides; tests may then ask for 1e-4.
STABLE = 5e-5
# True: PyTorch's own rectifiers and their own derivatives, to hold the gradient of this file against.
PLAIN = False


class Rectifier(torch.autograd.Function):
    """A rectifier whose backward is what the current method does. `low` is the slope below zero, `high` an upper bound."""

    @staticmethod
    def forward(ctx, x, low, high):
        ctx.low = low
        ctx.high = high
        if NOISE is not None:
            x = x + AMPLITUDE * x.abs().max() * torch.randn(x.shape, generator=NOISE, dtype=x.dtype)
        ctx.save_for_backward(x)
        y = torch.where(x > 0, x, x * low)
        return y if high is None else torch.clamp(y, max=high)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        inside = torch.ones_like(x) if ctx.high is None else (x < ctx.high).to(x.dtype)
        slope = torch.where(x > 0, inside, torch.full_like(x, ctx.low))
        if MODE == "deconvnet":
            return grad.clamp(min=0), None, None
        if MODE == "deconvnet-own":
            return torch.where(grad > 0, grad, grad * ctx.low), None, None
        if MODE == "guided":
            return grad.clamp(min=0) * slope, None, None
        return grad * slope, None, None


def relu(x):
    return Rectifier.apply(x, 0.0, None)


def leaky(x, slope):
    return Rectifier.apply(x, slope, None)


def relu6(x):
    return Rectifier.apply(x, 0.0, 6.0)


def walk(run, picture, channel, y, x, modes):
    """run(picture) gives the tap [1, C, H, W] or [1, C]. Returns activation and, by method, the signal at the picture."""
    global MODE
    signals = {}
    activation = None
    for MODE in modes:
        picture = picture.detach().clone().requires_grad_(True)
        tap = run(picture)
        seed = torch.zeros_like(tap)
        at = (0, channel) if tap.dim() == 2 else (0, channel, y, x)
        activation = tap[at].item()
        seed[at] = tap[at].detach()
        (signal,) = torch.autograd.grad(tap, picture, grad_outputs=seed)
        signals[MODE] = signal[0].detach().numpy()
    return activation, signals


def plain_gradient(run, picture, channel, y, x):
    """The same walk by PyTorch's untouched derivatives."""
    global PLAIN
    PLAIN = True
    try:
        return walk(run, picture, channel, y, x, ["gradient"])[1]["gradient"]
    finally:
        PLAIN = False


def spread(run, picture, at, modes, limit=float("inf")):
    """By how much rounding may move the signals, relative to their largest: the most over a few draws of NOISE.

    Not small where pools choose between equal positive values, as over a region of one colour, or where a rectifier or a
    switch hangs on a value within a rounding of zero. Equal zeros stay equal, and are fine. Stops once above the limit.
    """
    global NOISE
    exact = {}
    most = 0.0
    try:
        for seed in range(4):
            noise = torch.Generator().manual_seed(seed)
            for mode in modes:
                if mode not in exact:
                    exact[mode] = walk(run, picture, *at, [mode])[1][mode]
                NOISE = noise
                noisy = walk(run, picture, *at, [mode])[1][mode]
                NOISE = None
                scale, error = np.abs(exact[mode]).max(), np.abs(noisy - exact[mode]).max()
                most = max(most, float(error / scale) if scale > 0 else float(error > 0))
                if most > limit:
                    return most
    finally:
        NOISE = None
    return most


def is_stable(run, picture, at, modes):
    return spread(run, picture, at, modes, STABLE) <= STABLE


def deviation(single, double, picture, at, modes):
    """By how much PyTorch's own float32 is off, relative to the largest: activation and signals of the same network in both."""
    activation, signals = walk(double, picture.double(), *at, modes)
    rounded, others = walk(single, picture.float(), *at, modes)
    most = abs(rounded - activation) / abs(activation)
    for mode in modes:
        scale, error = np.abs(signals[mode]).max(), np.abs(others[mode] - signals[mode]).max()
        most = max(most, float(error / scale) if scale > 0 else float(error > 0))
    return most


def to_json(record):
    """Indented, lists of numbers on one line."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    return re.sub(r"\[\s+([^\[\]{}\"]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text) + "\n"


class Store:
    """Arrays of a case in one file of little-endian float32, and where each lies in it."""

    def __init__(self):
        self.parts = []
        self.size = 0

    def add(self, array):
        array = np.ascontiguousarray(array, dtype="<f4")
        ref = {"offset": self.size, "shape": list(array.shape)}
        self.parts.append(array.tobytes())
        self.size += array.size
        return ref

    def add_cropped(self, array):
        """[C, H, W] cut to the box [y0, x0, y1, x1) outside of which all is exactly zero."""
        box = box_of(array)
        return {**self.add(array[:, box[0] : box[2], box[1] : box[3]]), "box": box}

    def write(self, folder, record):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "expected.bin").write_bytes(b"".join(self.parts))
        (folder / "expected.json").write_text(to_json(record))
