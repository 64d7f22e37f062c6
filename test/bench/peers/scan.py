"""A scan of VGG-16's layers as a PyTorch user would write it, timed one batch at a time.

Forward hooks on every ReLU take the maximum of each map and its place; after each batch the top nine per unit are kept.
Arguments: threads. Reads lines from standard input and answers each with one line of JSON:

    load FOLDER BATCH        weights.bin and pictures.bin (float32) as bench writes them
    scan                     one batch
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

BLOCKS = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]
K = 9


def load(folder, batch):
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
    pictures = torch.from_numpy(np.fromfile(f"{folder}/pictures.bin", dtype=np.float32)).reshape(-1, 3, 224, 224)
    return nn.Sequential(*layers, *head).eval(), pictures[:batch].contiguous()


class Top:
    """Hooks that keep the nine strongest pictures of every unit."""

    def __init__(self, model):
        self.tables, self.first = {}, 0
        for index, module in enumerate(model):
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
            model, pictures = load(words[0], int(words[1]))
            top = Top(model)
        elif command == "scan":
            start = time.perf_counter()
            model(pictures)
            top.first += len(pictures)
            answer["ms"] = 1000 * (time.perf_counter() - start)
        print(json.dumps(answer), flush=True)


main()
