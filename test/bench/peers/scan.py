"""A scan of a network's layers as a PyTorch user would write it, timed some batches at a time.

Forward hooks on every ReLU and join take the maximum of each map and its place; after each batch the top nine per unit are kept.
Arguments: threads. Reads lines from standard input and answers each with one line of JSON:

    load NAME FOLDER BATCH SIDE     VGG-16 (weights.bin as bench writes it), SqueezeNet or demo (weights drawn here: they do not
                                    change the time); pictures.bin (float32) as bench writes it
    scan COUNT                      so many batches
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

BLOCKS = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]
K = 9


class Fire(nn.Module):
    def __init__(self, width, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(width, squeeze, 1), nn.ReLU())
        self.one, self.three = nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)
        self.join = nn.ReLU()

    def forward(self, x):
        x = self.squeeze(x)
        return self.join(torch.cat([self.one(x), self.three(x)], dim=1))


def squeezenet():
    layers, width = [nn.Conv2d(3, 96, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)], 96
    for i, (squeeze, expand) in enumerate(
        [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
    ):
        layers.append(Fire(width, squeeze, expand))
        width = 2 * expand
        if i in (2, 6):
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
    return nn.Sequential(*layers, nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def demo():
    layers, width = [], 3
    for out, kernel in [(32, 5), (64, 3), (96, 3), (128, 3)]:
        layers += [nn.Conv2d(width, out, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2)]
        width = out
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(128, 53))


def vgg16(folder):
    flat = torch.from_numpy(np.fromfile(f"{folder}/weights.bin", dtype=np.float32))
    layers, at, width = [], 0, 3
    for block in BLOCKS:
        for out in block:
            conv = nn.Conv2d(width, out, 3, padding=1)
            size = out * width * 9
            conv.weight.data = flat[at : at + size].reshape(out, width, 3, 3).clone()
            conv.bias.data = flat[at + size : at + size + out].clone()
            at += size + out
            width = out
            layers += [conv, nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
    head = [nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, *head)


def load(name, folder, batch, side):
    model = vgg16(folder) if name == "VGG-16" else squeezenet() if name == "SqueezeNet" else demo()
    pictures = torch.from_numpy(np.fromfile(f"{folder}/pictures.bin", dtype=np.float32)).reshape(-1, 3, side, side)
    return model.eval(), pictures[:batch].contiguous()


class Top:
    """Hooks that keep the nine strongest pictures of every unit."""

    def __init__(self, model):
        self.tables, self.first = {}, 0
        for index, module in enumerate(model.modules()):
            if isinstance(module, nn.ReLU):
                module.register_forward_hook(lambda _m, _i, out, index=index: self.take(index, out))

    def take(self, index, out):
        maps = out.flatten(2) if out.dim() == 4 else out.unsqueeze(2)
        values, places = maps.max(dim=2)
        pictures = torch.arange(self.first, self.first + len(out)).unsqueeze(1).expand_as(values)
        if index in self.tables:
            kept = self.tables[index]
            values, places, pictures = (torch.cat(pair) for pair in zip(kept, (values, places, pictures)))
        best, order = values.topk(min(K, len(values)), dim=0)
        self.tables[index] = (best, places.gather(0, order), pictures.gather(0, order))


@torch.no_grad()
def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    model = top = pictures = None
    for line in sys.stdin:
        command, *words = line.split()
        answer = {}
        if command == "load":
            model, pictures = load(words[0], words[1], int(words[2]), int(words[3]))
            top = Top(model)
        elif command == "scan":
            start = time.perf_counter()
            for _ in range(int(words[0])):
                model(pictures)
                top.first += len(pictures)
            answer["ms"] = 1000 * (time.perf_counter() - start)
        print(json.dumps(answer), flush=True)


main()
