"""The deconvnet of VGG-16 as a PyTorch user would write it, timed one request at a time.

Pools with indices, unpooling, rectifying and conv_transpose2d, on whole pictures, a batch of nine. Reads lines from standard
input and answers each with one line of JSON:

    load FOLDER              weights.bin and pictures.bin (float32) as bench.ts writes them
    unit LAYER UNITS         LAYER as conv3_3; UNITS is "channel:y:x" for each picture, separated by commas
    keep FILE                writes the last result there, float32 [9, 3, 224, 224]
"""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

BLOCKS = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]


def load(folder):
    flat = torch.from_numpy(np.fromfile(f"{folder}/weights.bin", dtype=np.float32))
    filters, at, width = {}, 0, 3
    for b, block in enumerate(BLOCKS):
        for c, out in enumerate(block):
            size = out * width * 9
            weight = flat[at : at + size].reshape(out, width, 3, 3).clone()
            bias = flat[at + size : at + size + out].clone()
            filters[f"conv{b + 1}_{c + 1}"] = (weight, bias)
            at += size + out
            width = out
    assert at == len(flat), "weights.bin has another size"
    pictures = torch.from_numpy(np.fromfile(f"{folder}/pictures.bin", dtype=np.float32)).reshape(-1, 3, 224, 224)
    return filters, pictures


@torch.no_grad()
def deconvnet(filters, pictures, layer, units):
    x, steps = pictures, []
    for b, block in enumerate(BLOCKS):
        for c in range(len(block)):
            name = f"conv{b + 1}_{c + 1}"
            x = F.relu(F.conv2d(x, *filters[name], padding=1))
            steps.append(name)
            if name == layer:
                break
        else:
            size = x.shape
            x, switches = F.max_pool2d(x, 2, 2, return_indices=True)
            steps.append((switches, size))
            continue
        break
    signal = torch.zeros_like(x)
    for n, (channel, row, column) in enumerate(units):
        signal[n, channel, row, column] = x[n, channel, row, column]
    for step in reversed(steps):
        if isinstance(step, str):
            signal = F.conv_transpose2d(F.relu(signal), filters[step][0], padding=1)
        else:
            signal = F.max_unpool2d(signal, step[0], 2, 2, output_size=step[1])
    return signal


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    filters = pictures = result = None
    for line in sys.stdin:
        command, *words = line.split()
        answer = {}
        if command == "load":
            filters, pictures = load(words[0])
        elif command == "unit":
            units = [tuple(map(int, unit.split(":"))) for unit in words[1].split(",")]
            start = time.perf_counter()
            result = deconvnet(filters, pictures, words[0], units)
            answer["ms"] = 1000 * (time.perf_counter() - start)
        elif command == "keep":
            result.numpy().tofile(words[0])
        print(json.dumps(answer), flush=True)


main()
