"""Writes differential/families.gz: the networks of the literature with their own topology, narrow and for small pictures.

Run: python families.py [NAME ...]      (all, or some to look at; only all are written)
"""

import logging
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

import nets
from nets import HERE, Act, Apply, Branches, Gated, Lrn, MaxPool, Residual

Seq = nn.Sequential


def conv(i, o, k, s=1, p=None, g=1, act="relu", norm=True, bias=None):
    """Convolution, batch norm, activation; the padding keeps the map's size if not given."""
    k = k if isinstance(k, tuple) else (k, k)
    p = tuple(n // 2 for n in k) if p is None else p
    parts = [nn.Conv2d(i, o, k, s, p, groups=g, bias=not norm if bias is None else bias)]
    if norm:
        parts.append(nn.BatchNorm2d(o))
    if act:
        parts.append(Act(act))
    return Seq(*parts)


def plain(i, o, k, s=1, p=None, g=1):
    return conv(i, o, k, s, p, g, norm=False)


def head(c, classes=6):
    return Seq(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))


def alexnet():
    """Grouped convolutions and response normalisation as in the paper (Krizhevsky et al. 2012)."""
    features = [plain(3, 8, 11, 4, 2), Lrn(5), MaxPool(3, 2), plain(8, 12, 5, g=2), Lrn(5), MaxPool(3, 2), plain(12, 16, 3), plain(16, 16, 3, g=2), plain(16, 12, 3, g=2), MaxPool(3, 2)]
    return Seq(*features, nn.Flatten(), nn.Dropout(), nn.Linear(12, 16), Act("relu"), nn.Dropout(), nn.Linear(16, 16), Act("relu"), nn.Linear(16, 6)), 67, ["0", "6", "8"]


def zfnet():
    """Zeiler and Fergus, figure 3."""
    features = [plain(3, 8, 7, 2, 1), MaxPool(3, 2, 1), Lrn(5), plain(8, 12, 5, 2, 0), MaxPool(3, 2, 1), Lrn(5), plain(12, 16, 3), plain(16, 16, 3), plain(16, 12, 3), MaxPool(3, 2)]
    return Seq(*features, nn.Flatten(), nn.Linear(12, 16), Act("relu"), nn.Linear(16, 16), Act("relu"), nn.Linear(16, 6)), 63, ["0", "3", "8"]


def vgg16():
    parts, i = [], 3
    for o, count in ((4, 2), (6, 2), (8, 3), (8, 3), (8, 3)):
        for _ in range(count):
            parts.append(plain(i, o, 3))
            i = o
        parts.append(MaxPool(2))
    return Seq(*parts, nn.Flatten(), nn.Linear(8, 12), Act("relu"), nn.Dropout(), nn.Linear(12, 12), Act("relu"), nn.Linear(12, 6)), 32, ["1", "8", "16"]


def inception(i, one, three, five, pooled):
    return Branches(plain(i, one, 1), Seq(plain(i, three[0], 1), plain(*three, 3)), Seq(plain(i, five[0], 1), plain(*five, 5)), Seq(MaxPool(3, 1, 1), plain(i, pooled, 1)))


def googlenet():
    """With response normalisation, without batch norms, as in the paper (Szegedy et al. 2014); nine inceptions."""
    pool = lambda: MaxPool(3, 2, ceil_mode=True)
    m = lambda i: inception(i, 4, (3, 4), (2, 3), 3)
    return Seq(plain(3, 6, 7, 2), pool(), Lrn(5), plain(6, 6, 1), plain(6, 8, 3), Lrn(5), pool(), m(8), m(14), pool(), *[m(14) for _ in range(5)], pool(), m(14), m(14), head(14)), 64, ["4", "8", "16"]


def average():
    return nn.AvgPool2d(3, 1, 1)


def inception_v3():
    a = lambda i: Branches(conv(i, 4, 1), Seq(conv(i, 3, 1), conv(3, 4, 5)), Seq(conv(i, 3, 1), conv(3, 4, 3), conv(4, 4, 3)), Seq(average(), conv(i, 2, 1)))
    b = lambda i: Branches(conv(i, 6, 3, 2, 0), Seq(conv(i, 3, 1), conv(3, 4, 3), conv(4, 4, 3, 2, 0)), MaxPool(3, 2))
    c = lambda i: Branches(
        conv(i, 4, 1), Seq(conv(i, 3, 1), conv(3, 3, (1, 7)), conv(3, 4, (7, 1))),
        Seq(conv(i, 3, 1), conv(3, 3, (7, 1)), conv(3, 3, (1, 7)), conv(3, 3, (7, 1)), conv(3, 4, (1, 7))), Seq(average(), conv(i, 4, 1)),
    )
    d = lambda i: Branches(Seq(conv(i, 3, 1), conv(3, 4, 3, 2, 0)), Seq(conv(i, 3, 1), conv(3, 3, (1, 7)), conv(3, 3, (7, 1)), conv(3, 3, 3, 2, 0)), MaxPool(3, 2))
    pair = lambda i: Branches(conv(i, 3, (1, 3)), conv(i, 3, (3, 1)))
    e = lambda i: Branches(conv(i, 4, 1), Seq(conv(i, 4, 1), pair(4)), Seq(conv(i, 4, 1), conv(4, 4, 3), pair(4)), Seq(average(), conv(i, 3, 1)))
    stem = [conv(3, 4, 3, 2, 0), conv(4, 4, 3, 1, 0), conv(4, 6, 3), MaxPool(3, 2), conv(6, 6, 1), conv(6, 8, 3, 1, 0), MaxPool(3, 2)]
    return Seq(*stem, a(8), a(14), a(14), b(14), c(24), c(16), c(16), c(16), d(16), e(23), e(19), head(19)), 107, ["2", "9", "14"]


def basic(i, o, s):
    short = conv(i, o, 1, s, act=None) if s > 1 or i != o else None
    return Seq(Residual(Seq(conv(i, o, 3, s), conv(o, o, 3, act=None)), short), Act("relu"))


def bottleneck(i, m, o, s, g=1, excite=False):
    parts = [conv(i, m, 1), conv(m, m, 3, s, g=g)] + ([squeeze(m, 2, "relu", "sigmoid")] if excite else []) + [conv(m, o, 1, act=None)]
    return Seq(Residual(Seq(*parts), conv(i, o, 1, s, act=None) if s > 1 or i != o else None), Act("relu"))


def stages(block, i, widths, counts, first=1):
    parts = []
    for n, (o, count) in enumerate(zip(widths, counts)):
        for k in range(count):
            parts.append(block(i, o, (first if n == 0 else 2) if k == 0 else 1))
            i = o
    return parts


def resnet18():
    return Seq(conv(3, 4, 7, 2), MaxPool(3, 2, 1), *stages(basic, 4, (4, 6, 8, 10), (2, 2, 2, 2)), head(10)), 64, ["2", "5", "9"]


def resnet50():
    return Seq(conv(3, 4, 7, 2), MaxPool(3, 2, 1), *stages(lambda i, o, s: bottleneck(i, o // 3, o, s), 4, (9, 12, 15, 18), (3, 4, 6, 3)), head(18)), 64, ["3", "8", "16"]


def resnext50():
    return Seq(conv(3, 4, 7, 2), MaxPool(3, 2, 1), *stages(lambda i, o, s: bottleneck(i, o // 2, o, s, g=o // 4), 4, (8, 12, 16, 20), (3, 4, 6, 3)), head(20)), 64, ["3", "8", "16"]


class Preactivated(nn.Module):
    """Identity mappings (He et al. 2016): norm and rectifier before each convolution, the shortcut from behind the first."""

    def __init__(self, i, o, s):
        super().__init__()
        self.first = Seq(nn.BatchNorm2d(i), Act("relu"))
        self.body = Seq(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), Act("relu"), nn.Conv2d(o, o, 3, 1, 1, bias=False))
        self.short = nn.Conv2d(i, o, 1, s, bias=False) if s > 1 or i != o else None

    def forward(self, x):
        y = self.first(x)
        return self.body(y) + (x if self.short is None else self.short(y))


def resnet_v2():
    return Seq(plain(3, 4, 7, 2), MaxPool(3, 2, 1), *stages(Preactivated, 4, (4, 6, 8, 10), (2, 2, 2, 2)), nn.BatchNorm2d(10), Act("relu"), head(10)), 64, ["3.body.2", "6.body.2", "11"]


def fire(i, s, e):
    return Seq(plain(i, s, 1), Branches(plain(s, e, 1), plain(s, e, 3)))


def squeezenet():
    pool = lambda: MaxPool(3, 2, ceil_mode=True)
    parts = [plain(3, 6, 3, 2, 0), pool(), fire(6, 2, 4), fire(8, 2, 4), pool(), fire(8, 3, 5), fire(10, 3, 5), pool(), fire(10, 3, 6), fire(12, 3, 6), fire(12, 4, 8), fire(16, 4, 8)]
    return Seq(*parts, nn.Dropout(), plain(16, 6, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), 65, ["2", "6", "11"]


class Dense(nn.Module):
    def __init__(self, i, growth):
        super().__init__()
        self.body = Seq(nn.BatchNorm2d(i), Act("relu"), conv(i, 4, 1), nn.Conv2d(4, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


def densenet():
    """DenseNet-121's blocks of 6, 12, 24 and 16, the two long ones cut to 8 and 6."""
    parts, c = [conv(3, 4, 7, 2), MaxPool(3, 2, 1)], 4
    for n, count in enumerate((6, 8, 6, 4)):
        for _ in range(count):
            parts.append(Dense(c, 2))
            c += 2
        if n < 3:
            parts.append(Seq(nn.BatchNorm2d(c), Act("relu"), nn.Conv2d(c, c // 2, 1, bias=False), nn.AvgPool2d(2)))
            c //= 2
    return Seq(*parts, nn.BatchNorm2d(c), Act("relu"), head(c)), 64, ["3.body.1", "11.body.1", "30"]


def mobilenet_v1():
    separable = lambda i, o, s: Seq(conv(i, i, 3, s, g=i), conv(i, o, 1))
    plan = [(4, 6, 1), (6, 8, 2), (8, 8, 1), (8, 10, 2), (10, 10, 1), (10, 12, 2), *[(12, 12, 1)] * 5, (12, 14, 2), (14, 14, 1)]
    return Seq(conv(3, 4, 3, 2), *[separable(*p) for p in plan], head(14)), 64, ["2", "6", "12"]


def inverted(i, o, k, s, expand, act, excite=None):
    m = i * expand
    parts = [conv(i, m, 1, act=act)] if expand > 1 else []
    parts.append(conv(m, m, k, s, g=m, act=act))
    if excite:
        parts.append(squeeze(m, max(2, i // 2), *excite))
    parts.append(conv(m, o, 1, act=None))
    return Residual(Seq(*parts)) if s == 1 and i == o else Seq(*parts)


def squeeze(c, m, act, gate):
    return Gated(Seq(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, m, 1), Act(act), nn.Conv2d(m, c, 1), Act(gate)))


def mobilenet_v2():
    parts, i = [conv(3, 4, 3, 2, act="relu6")], 4
    for t, o, n, s in ((1, 4, 1, 1), (6, 4, 2, 2), (6, 5, 3, 2), (6, 6, 4, 2), (6, 6, 3, 1), (6, 8, 3, 2), (6, 10, 1, 1)):
        for k in range(n):
            parts.append(inverted(i, o, 3, s if k == 0 else 1, t, "relu6"))
            i = o
    return Seq(*parts, conv(10, 16, 1, act="relu6"), head(16)), 64, ["3.body.0", "8.body.1", "14.0"]


def mobilenet_v3():
    r, h = "relu", "hardswish"
    se = ("relu", "hardsigmoid")
    plan = [
        (4, 4, 3, 1, 1, r, None), (4, 5, 3, 2, 4, r, None), (5, 5, 3, 1, 3, r, None), (5, 6, 5, 2, 3, r, se), (6, 6, 5, 1, 3, r, se), (6, 6, 5, 1, 3, r, se),
        (6, 8, 3, 2, 6, h, None), (8, 8, 3, 1, 2, h, None), (8, 8, 3, 1, 2, h, None), (8, 8, 3, 1, 2, h, None), (8, 8, 3, 1, 6, h, se), (8, 8, 3, 1, 6, h, se),
        (8, 10, 5, 2, 6, h, se), (10, 10, 5, 1, 6, h, se), (10, 10, 5, 1, 6, h, se),
    ]
    return Seq(conv(3, 4, 3, 2, act=h), *[inverted(*p) for p in plan], conv(10, 16, 1, act=h), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 12), Act(h), nn.Linear(12, 6)), 64, ["3", "6", "9"]


class Shuffle(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        m = o // 2
        self.split = s == 1
        self.short = None if self.split else Seq(conv(i, i, 3, s, g=i, act=None), conv(i, m, 1))
        self.body = Seq(conv(m if self.split else i, m, 1), conv(m, m, 3, s, g=m, act=None), conv(m, m, 1))

    def forward(self, x):
        a, b = x.chunk(2, 1) if self.split else (x, x)
        y = torch.cat([a if self.split else self.short(a), self.body(b)], 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def shufflenet_v2():
    return Seq(conv(3, 4, 3, 2), MaxPool(3, 2, 1), *stages(Shuffle, 4, (8, 12, 16), (4, 8, 4), first=2), conv(16, 20, 1), head(20)), 64, ["3", "8", "17"]


def efficientnet():
    parts, i = [conv(3, 4, 3, 2, act="silu")], 4
    for t, o, n, s, k in ((1, 4, 1, 1, 3), (6, 4, 2, 2, 3), (6, 5, 2, 2, 5), (6, 6, 3, 2, 3), (6, 6, 3, 1, 5), (6, 8, 4, 2, 5), (6, 8, 1, 1, 3)):
        for j in range(n):
            parts.append(inverted(i, o, k, s if j == 0 else 1, t, "silu", ("silu", "sigmoid")))
            i = o
    return Seq(*parts, conv(8, 16, 1, act="silu"), head(16)), 64, ["2", "6", "12"]


def regnet_y():
    return Seq(conv(3, 4, 3, 2), *stages(lambda i, o, s: bottleneck(i, o, o, s, g=o // 4, excite=True), 4, (4, 8, 12, 12), (1, 3, 6, 2), first=2), head(12)), 64, ["1", "4", "10"]


def regnet_x():
    return Seq(conv(3, 4, 3, 2), *stages(lambda i, o, s: bottleneck(i, o, o, s, g=o // 4), 4, (4, 8, 12, 12), (1, 3, 6, 2), first=2), head(12)), 64, ["1", "4", "10"]


class NextBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(c, c, 7, padding=3, groups=c), nets.LayerNorm([c])
        self.up, self.act, self.down = nn.Linear(c, 4 * c), Act("gelu"), nn.Linear(4 * c, c)
        self.scale = nn.Parameter(torch.full((c,), 0.5))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.down(self.act(self.up(y)))).permute(0, 3, 1, 2)


def convnext():
    parts, i = [Seq(nn.Conv2d(3, 4, 4, 4), nets.LayerNorm([4], last=True))], 4
    for n, (o, count) in enumerate(zip((4, 6, 8, 10), (3, 3, 9, 3))):
        if n:
            parts.append(Seq(nets.LayerNorm([i], last=True), nn.Conv2d(i, o, 2, 2)))
        parts += [NextBlock(o) for _ in range(count)]
        i = o
    return Seq(*parts, nn.AdaptiveAvgPool2d(1), Apply(lambda x: x.flatten(1), "flatten"), nets.LayerNorm([10]), nn.Linear(10, 6)), 64, ["2", "6", "16"]


FAMILIES = {
    "AlexNet": alexnet, "ZFNet": zfnet, "VGG-16": vgg16, "GoogLeNet": googlenet, "Inception v3": inception_v3, "ResNet-18": resnet18,
    "ResNet-50": resnet50, "ResNet v2": resnet_v2, "ResNeXt-50": resnext50, "SqueezeNet 1.1": squeezenet, "DenseNet": densenet,
    "MobileNet v1": mobilenet_v1, "MobileNet v2": mobilenet_v2, "MobileNet v3": mobilenet_v3, "ShuffleNet v2": shufflenet_v2,
    "EfficientNet": efficientnet, "RegNet-X": regnet_x, "RegNet-Y": regnet_y, "ConvNeXt": convnext,
}


def neighbours(net, tap):
    """The layer, and those beside it where every unit of it hangs on roundings."""
    at = int(tap.split(".")[0])
    return [tap, *(str(at + step) for step in (1, -1, 2, -2) if 0 < at + step < len(net) - 1)]


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    pack = nets.Pack()
    for n, (name, make) in enumerate(FAMILIES.items()):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        # Another seed where every unit of a layer hangs on roundings.
        for seed in range(n, n + 400, 100):
            net, size, taps = make()
            x = nets.pictures(3, size, size, 200 + seed)
            nets.randomise(net, 100 + seed, x)
            exports = {"old": nets.exported(net, x, False, False), "new": nets.exported(net, x, True, False), "pt2": nets.Archive(net, x)}
            exports = {key: (model, False) for key, model in exports.items()}
            attempt = nets.Pack()
            layers = nets.add_case(attempt, name, net, x, [neighbours(net, tap) for tap in taps], exports)
            print(f"{name}: {sum(p.numel() for p in net.parameters())} weights, {layers} of {len(taps)} layers, {attempt.size} bytes", flush=True)
            if layers == len(taps):
                break
        else:
            raise SystemExit(f"{name}: a layer was not found in both models, or has no stable unit")
        nets.add_case(pack, name, net.float(), x, [[layer["module"]] for layer in attempt.cases[0]["layers"]], exports)
    if not sys.argv[1:]:
        pack.write(HERE / "differential" / "families.gz")


if __name__ == "__main__":
    main()
