"""Writes differential/random-*.gz: random networks through both exporters of PyTorch, and what they should give.

Run: python random_graphs.py [PACK ...]      (0 to 7; each alone, two minutes of one core)
"""

import json
import logging
import random
import sys
import warnings
from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import nets
from nets import HERE, Act, Apply, Branches, Gated, GlobalMax, Idle, Lrn, MaxPool, Maxout, Residual

SEED = 20261124
PACKS, CASES = 8, 26
# The first packs: what the paper's networks and those after them are made of. The others: every op, smooth activations and
# gates too.
BASIC_PACKS = 2
# A unit that PyTorch itself, in float32, has further than this from its float64 cannot be compared within 1e-4.
ROUNDING = 2e-5


class Parted(nn.Module):
    """Half of the channels as they are, half through `body` (ShuffleNet)."""

    def __init__(self, body, split):
        super().__init__()
        self.body, self.split = body, split

    def forward(self, x):
        a, b = torch.split(x, [x.shape[1] // 2, x.shape[1] - x.shape[1] // 2], 1) if self.split else x.chunk(2, 1)
        return torch.cat([self.body(b), a], 1)


class Maker:
    """Draws a network step by step; each step is run at once, so that the next one knows the shape that it gets."""

    def __init__(self, rng, everything):
        self.rng, self.everything = rng, everything

    def chance(self, p):
        return self.rng.random() < p

    def act(self):
        kind = self.rng.choice([*nets.BASIC, *nets.RECTIFIERS, *nets.SMOOTH] if self.everything else nets.BASIC)
        return nets.Threshold() if kind == "threshold" else Act(kind)

    def conv(self, c, h, w, same=False, out=None):
        """Any convolution; `same` keeps the map's size."""
        rng = self.rng
        out = out or rng.choice([4, 5, 6, 8])
        groups = rng.choice([1, 1, 1, 2, c])
        if c % groups:
            groups = 1
        if out % groups:
            out = groups * max(1, out // groups)
        kernel = [rng.choice([1, 3, 3, 5]), rng.choice([1, 3, 3, 5])] if same else [rng.choice([1, 2, 3, 3, 4, 5]) for _ in range(2)]
        dilation = [rng.choice([1, 1, 1, 2]) for _ in range(2)]
        if same:
            return nn.Conv2d(c, out, kernel, padding=[(k - 1) * d // 2 for k, d in zip(kernel, dilation)], dilation=dilation, groups=groups, bias=self.chance(0.7))
        stride = [rng.choice([1, 1, 2, 3]) if size > 8 else 1 for size in (h, w)]
        padding = [rng.randint(0, k // 2) for k in kernel]
        if any(size + 2 * p < (k - 1) * d + 1 for size, k, d, p in zip((h, w), kernel, dilation, padding)):
            return self.conv(c, h, w, same=True, out=out)
        convolution = nn.Conv2d(c, out, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=self.chance(0.7))
        if self.chance(0.2):
            pads = [rng.randint(0, 2) for _ in range(4)]
            return nn.Sequential(Apply(lambda x: F.pad(x, pads), f"pad {pads}"), convolution)
        return convolution

    def norm(self, c, h, w):
        rng = self.rng
        kinds = ["batch", "batch", "lrn"] + (["group", "instance", "layer", "layer-last"] if self.everything else [])
        kind = rng.choice(kinds)
        if kind == "batch":
            return nn.BatchNorm2d(c)
        if kind == "lrn":
            return Lrn(rng.choice([3, 5]), whole=self.chance(0.5))
        if kind == "group":
            return nets.GroupNorm(rng.choice([g for g in (1, 2, 3, 4) if c % g == 0]), c)
        if kind == "instance":
            return nets.InstanceNorm(c, self.chance(0.5))
        return nets.LayerNorm([c], last=True) if kind == "layer-last" else nets.LayerNorm([c, h, w])

    def conv_block(self, c, h, w, same=False, out=None):
        parts = [self.conv(c, h, w, same, out)]
        width = next(m for m in reversed(list(parts[0].modules())) if isinstance(m, nn.Conv2d)).out_channels
        if self.chance(0.4):
            parts.append(nn.BatchNorm2d(width))
        if self.chance(0.85):
            parts.append(self.act())
        return nn.Sequential(*parts)

    def pool(self, c, h, w):
        rng = self.rng
        kernel = [rng.choice([2, 3, 3]) for _ in range(2)]
        stride = [rng.choice([1, 2, 2, 3]) for _ in range(2)]
        padding = [rng.randint(0, k // 2) for k in kernel]
        ceil = self.chance(0.5)
        if min(h, w) < 5:
            return None
        if self.chance(0.5):
            dilation = rng.choice([1, 1, 1, 2])
            return MaxPool(kernel, stride, padding, dilation=dilation, ceil_mode=ceil)
        return nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=self.chance(0.5))

    def residual(self, c, h, w):
        body = nn.Sequential(self.conv_block(c, h, w, same=True, out=c), self.conv(c, h, w, same=True, out=c))
        if body[1].out_channels != c or next(m for m in body[0].modules() if isinstance(m, nn.Conv2d)).out_channels != c:
            return None
        short = nn.Conv2d(c, c, 1) if self.chance(0.3) else None
        return nn.Sequential(Residual(body, short), self.act())

    def branches(self, c, h, w):
        made = [self.conv_block(c, h, w, same=True, out=self.rng.choice([2, 3, 4])) for _ in range(self.rng.choice([2, 2, 3]))]
        if self.chance(0.4):
            pool = self.rng.choice([MaxPool(3, 1, 1), nn.AvgPool2d(3, 1, 1, count_include_pad=self.chance(0.5))])
            made.append(nn.Sequential(pool, nn.Conv2d(c, 2, 1), self.act()))
        return Branches(*made)

    def constants(self, c, h, w):
        rng = self.rng
        levels = [k / 8 for k in range(4, 14)]
        k = torch.tensor([rng.choice(levels) for _ in range(c)]).reshape(1, c, 1, 1)
        s = rng.choice(levels)
        return rng.choice([
            Apply(lambda x: x + k.to(x.dtype), "+ per channel"), Apply(lambda x: x - s, "- scalar"), Apply(lambda x: s - x, "scalar -"),
            Apply(lambda x: x * k.to(x.dtype), "* per channel"), Apply(lambda x: x / k.to(x.dtype), "/ per channel"), Apply(lambda x: x * s, "* scalar"),
        ])

    def cut(self, c, h, w):
        rng = self.rng
        if min(h, w) < 6 or c < 4:
            return None
        a, b = rng.randint(0, 2), rng.randint(1, 2)
        return rng.choice([
            Apply(lambda x: x[:, 1:], "channels 1:"), Apply(lambda x: x[:, :, a:, :-b], f"rows {a}:, columns :-{b}"),
            Apply(lambda x: x[:, :-1, b:-b], f"channels :-1, rows {b}:-{b}"),
            Apply(lambda x: x[:, :, a::2, :-b:2], f"rows {a}::2, columns :-{b}:2"),
        ])

    steps = {"conv_block": 10, "pool": 4, "residual": 3, "branches": 3, "constants": 1, "cut": 1, "alone": 1}
    more = {"transposed": 3, "root_mean": 1, "padded": 2, "resized": 2, "shuffled": 3, "gated": 3, "parted": 2, "prelu": 2, "maxout": 1, "idle": 2, "weighted": 1, "mixed": 2, "context": 1}

    def alone(self, c, h, w):
        return nn.Sequential(self.norm(c, h, w), self.act())

    def transposed(self, c, h, w):
        rng = self.rng
        if h * w > 200:
            return None
        groups = 2 if c % 2 == 0 and self.chance(0.3) else 1
        kernel, stride = [rng.choice([2, 3, 4]) for _ in range(2)], [rng.choice([1, 2, 2, 3]) for _ in range(2)]
        padding = [rng.randint(0, (k - 1) // 2) for k in kernel]
        extra = [rng.randint(0, max(0, s - 1)) for s in stride]
        out = rng.choice([4, 6])
        return nn.Sequential(nn.ConvTranspose2d(c, out, kernel, stride, padding, extra, groups, dilation=rng.choice([1, 1, 2]) if max(extra) == 0 else 1), self.act())

    def root_mean(self, c, h, w):
        if min(h, w) < 5:
            return None
        return nets.LpPool([self.rng.choice([2, 3]) for _ in range(2)], [self.rng.choice([1, 2]) for _ in range(2)])

    def padded(self, c, h, w):
        if min(h, w) < 3:
            return None
        mode = self.rng.choice(["reflect", "replicate", "circular", "constant"])
        pads = [self.rng.randint(0, 2) for _ in range(4)]
        return Apply(lambda x: F.pad(x, pads, mode=mode, **({"value": 0.5} if mode == "constant" else {})), f"{mode} {pads}")

    def resized(self, c, h, w):
        rng = self.rng
        if h * w > 150:
            return None
        size = (h * 2 + rng.randint(-1, 1), w + rng.randint(0, 3))
        return rng.choice([
            nn.Upsample(scale_factor=2, mode="nearest"), nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            nn.Upsample(size=size, mode="nearest"), nn.Upsample(size=size, mode="bilinear"), nn.Upsample(size=size, mode="bilinear", align_corners=True),
        ])

    def shuffled(self, c, h, w):
        kinds = []
        if c % 4 == 0 and h * w < 200:
            kinds.append(nn.Sequential(nn.PixelShuffle(2), self.conv_block(c // 4, 2 * h, 2 * w, same=True, out=4)))
        if h % 2 == 0 and w % 2 == 0 and min(h, w) > 4:
            kinds.append(nn.Sequential(self.rng.choice([nn.PixelUnshuffle(2), nets.SpaceToDepth()]), self.conv_block(4 * c, h // 2, w // 2, same=True, out=6)))
        if c % 2 == 0:
            kinds.append(Apply(lambda x: x.view(x.shape[0], 2, c // 2, h, w).transpose(1, 2).reshape(x.shape[0], c, h, w), "channel shuffle"))
        return self.rng.choice(kinds) if kinds else None

    def gated(self, c, h, w):
        squash = self.rng.choice(["sigmoid", "hardsigmoid"])
        if self.chance(0.3):
            return Gated(nn.Sequential(nn.Conv2d(c, c, 1), Act(squash)))
        share = 1 / (h * w)
        pool = self.rng.choice([
            nn.AdaptiveAvgPool2d(1), Apply(lambda x: x.mean((2, 3), keepdim=True), "mean"), GlobalMax(), GlobalMax(reduces=False),
            nn.Sequential(nets.LpPool(), Apply(lambda x: x * share, "* share")), Apply(lambda x: x.sum((2, 3), keepdim=True) * share, "sum"),
        ])
        return Gated(nn.Sequential(pool, nn.Conv2d(c, 3, 1), self.act(), nn.Conv2d(3, c, 1), Act(squash)))

    def parted(self, c, h, w):
        if c % 2 or c < 4:
            return None
        return Parted(self.conv_block(c // 2, h, w, same=True, out=4), self.chance(0.5))

    def maxout(self, c, h, w):
        return Maxout(nn.Conv2d(c, 4, 3, padding=1), nn.Conv2d(c, 4, 1))

    def idle(self, c, h, w):
        return nn.Sequential(Idle(self.rng.choice(["Identity", "Dropout", "Cast"])), self.conv_block(c, h, w, same=True))

    def weighted(self, c, h, w):
        """Pooling by fixed weights, as a convolution (Zhang 2019)."""
        if min(h, w) < 5:
            return None
        line = torch.tensor([1.0, 2.0, 1.0])
        weights = (line[:, None] * line / 16).expand(c, 1, 3, 3).clone()
        return Apply(lambda x: F.conv2d(x, weights.to(x.dtype), stride=2, padding=1, groups=c), "weighted pooling")

    def mixed(self, c, h, w):
        """A product with a matrix: over the channels by einsum, or of every row."""
        rng = self.rng
        n = rng.choice([4, 5, 6])
        draw = lambda rows: torch.tensor([[rng.randint(-8, 8) / 8 for _ in range(n)] for _ in range(rows)])
        if self.chance(0.5):
            a = draw(c)
            return Apply(lambda x: torch.einsum("nchw,cd->ndhw", x, a.to(x.dtype)) * 0.5, "einsum")
        b = draw(w)
        return Apply(lambda x: torch.matmul(x, b.to(x.dtype)) * 0.5, "matmul")

    def context(self, c, h, w):
        """Every place gets something of the whole map."""
        return nn.Sequential(Apply(lambda x: x + x.mean((2, 3), keepdim=True), "+ mean"), self.act())

    def prelu(self, c, h, w):
        return nn.Sequential(self.conv(c, h, w, same=True, out=c), nets.Prelu(c)) if c <= 8 else None

    def net(self, index):
        rng = self.rng
        channels, height, width = rng.choice([1, 2, 3, 3]), rng.randint(14, 25), rng.randint(14, 25)
        x = torch.zeros(1, channels, height, width)
        depth = rng.randint(2, 20)
        parts = [self.conv_block(channels, height, width)]
        x = parts[0](x)
        kinds, odds = zip(*({**self.steps, **self.more} if self.everything else self.steps).items())
        while len(parts) < depth:
            step = getattr(self, rng.choices(kinds, odds)[0])(*x.shape[1:])
            if step is None:
                continue
            y = step.eval()(x)
            if min(y.shape[2:]) < 2 or y.shape[1] > 16 or y.numel() > 5000:
                continue
            parts.append(step)
            x = y
        head = rng.choice(["none", "mean", "pool", "linear", *(["max", "norm"] if self.everything else [])])
        if head == "linear" and x[0].numel() > 400:
            head = "mean"
        ends = {
            "none": [], "mean": [Apply(lambda x: x.mean((2, 3)), "mean")], "pool": [nn.AdaptiveAvgPool2d(1), nn.Flatten()],
            "max": [GlobalMax(self.chance(0.5)), nn.Flatten()], "norm": [nets.LpPool(), nn.Flatten()],
            "linear": [nn.Flatten(), nn.Linear(x[0].numel(), 6), self.act()],
        }[head]
        parts += ends
        if ends:
            parts.append(nn.Linear(6 if head == "linear" else x.shape[1], 5))
        return nn.Sequential(*parts), channels, height, width


def taps_of(net):
    """Modules to look at: an early, a middle, a deep one, each with others to fall back on. No convolution before its norm."""
    leaves = [n for n, m in net.named_modules() if n and not list(m.children())]
    # The walk does not call what nets.py wraps.
    names = [n.removesuffix(".norm").removesuffix(".pool") for n in leaves]
    modules = dict(net.named_modules())
    fit = [n for i, n in enumerate(names) if i + 1 == len(names) or not isinstance(modules[names[i + 1]], nn.BatchNorm2d)]
    third = (len(fit) + 2) // 3
    return [list(reversed(fit[i : i + third]))[:6] for i in range(0, len(fit), third)]


def made_of(net):
    """What the network is made of, in words."""
    words = set()
    for m in net.modules():
        if isinstance(m, (Act, Apply, Idle)):
            words.add(m.extra_repr().split(" [")[0])
        elif not isinstance(m, (nn.Sequential, nn.ModuleList)):
            words.add(type(m).__name__)
    return sorted(words)


def unlike(net, x, exports):
    """The exporter whose model gives another output than the network in ONNX Runtime, or None."""
    with torch.no_grad():
        wanted = net.double()(x.double()).numpy()
    net.float()
    for key, (model, fixed) in exports.items():
        got = nets.outputs_of(model, x[:1] if fixed else x)
        here = wanted[:1] if fixed else wanted
        if got.shape != here.shape or not np.abs(got - here).max() <= 1e-4 * np.abs(here).max():
            return key
    return None


def drawn(index, everything, count):
    """The network with this number, exported: (network, pictures, models), or None if that does not work."""
    rng = random.Random(f"{everything} {SEED + index}")
    torch.manual_seed(SEED + index)
    net, channels, height, width = Maker(rng, everything).net(index)
    x = nets.pictures(channels, height, width, SEED + index)
    nets.randomise(net, SEED + index, x)
    fixed = index % 4 == 0
    exports = {}
    for key, dynamo in (("old", False), ("new", True)):
        try:
            exports[key] = (nets.exported(net, x, dynamo, fixed, fold=index % 2 == 0), fixed)
        except Exception as error:
            return count(f"{key} exporter fails", error)
        try:
            nets.outputs_of(exports[key][0], x[:1] if fixed else x)
        except Exception as error:
            return count(f"{key} exporter's model does not run in ONNX Runtime", error)
    key = unlike(net, x, exports)
    if key:
        return count(f"{key} exporter's model computes something else")
    return net, x, exports


def write(number):
    """Draws until that many graphs could be exported and run, and writes them as one file."""
    pack, counts = nets.Pack(), Counter()
    index = 1000 * number

    def count(what, error=None):
        counts[what] += 1
        if not what.startswith("units"):
            print(f"{index}: {what}{': ' + str(error).strip().splitlines()[0][-150:] if error else ''}", flush=True)

    while len(pack.cases) < CASES:
        made = drawn(index, number >= BASIC_PACKS, count)
        if made:
            net, x, exports = made
            layers = nets.add_case(pack, str(index), net, x, taps_of(net), exports, count=lambda what: count(what), rounding=ROUNDING, made=made_of(net))
            if layers:
                print(f"{index}: {len(net)} steps, {layers} layers", flush=True)
            else:
                count("no layer with a unit that no rounding decides")
        index += 1
    pack.write(HERE / "differential" / f"random-{number}.gz")
    print(json.dumps({"drawn": index - 1000 * number, **counts}), flush=True)


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    for number in [int(a) for a in sys.argv[1:]] or range(PACKS):
        write(number)


if __name__ == "__main__":
    main()
