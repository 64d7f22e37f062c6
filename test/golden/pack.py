"""The compact store of the differential packs (README.md, differential/): many small networks in one file, a few numbers for each
reconstruction. NumPy alone, so that it serves PyTorch and Keras, whose environments differ.
"""

import gzip
import json
import struct

import numpy as np

PLACES = 24
GOLDEN_RATIO = 0.6180339887498949


def box_of(array):
    rows = np.flatnonzero(np.any(array != 0, axis=(0, 2)))
    columns = np.flatnonzero(np.any(array != 0, axis=(0, 1)))
    return [0, 0, 0, 0] if rows.size == 0 else [int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1]


def fingerprint(signal):
    """[C, H, W]: the box outside of which it is zero; sums, and values at fixed places of the box (differential.ts repeats it)."""
    box = box_of(signal)
    inside = np.ascontiguousarray(signal[:, box[0] : box[2], box[1] : box[3]])
    n = inside.size
    flat = inside.reshape(-1)
    pattern = (np.arange(n) * 73 % 101 - 50) / 50
    sums = [flat.sum(), np.abs(flat).sum(), (flat * pattern).sum(), np.abs(flat).max() if n else 0.0]
    at = np.arange(n) if n <= PLACES else np.floor((np.arange(PLACES) * GOLDEN_RATIO) % 1 * n).astype(np.int64)
    return box, np.concatenate([sums, flat[at]]).astype("<f4")


class Pack:
    """All cases of a file: an index in JSON, the models and the numbers, in one gzip."""

    def __init__(self):
        self.cases, self.parts, self.size, self.known = [], [], 0, {}

    def add(self, data):
        """The place of these bytes; equal ones are kept once."""
        if data not in self.known:
            self.known[data] = self.size
            self.parts.append(data)
            self.size += len(data)
        return self.known[data]

    def add_file(self, data, blobs):
        """A file in segments [place, length], so that blobs (weights) which several files hold alike are kept once."""
        cuts = {0, len(data)}
        for blob in blobs:
            at = data.find(blob) if len(blob) >= 128 else -1
            while at >= 0:
                cuts |= {at, at + len(blob)}
                at = data.find(blob, at + len(blob))
        edges = sorted(cuts)
        segments = [data[a:b] for a, b in zip(edges, edges[1:])]
        return [[self.add(s + b"\0" * (-len(s) % 4)), len(s)] for s in segments]

    def add_model(self, model):
        """An ONNX model."""
        return self.add_file(model.SerializeToString(deterministic=True), [tensor.raw_data for tensor in model.graph.initializer])

    def write(self, path):
        index = json.dumps(self.cases, separators=(",", ":")).encode()
        index += b" " * (-len(index) % 4)
        data = struct.pack("<I", len(index)) + index + b"".join(self.parts)
        # No time stamp and no name in the header: the same cases, the same bytes.
        path.write_bytes(gzip.compress(data, 9, mtime=0))
        print(f"{path.name}: {len(self.cases)} cases, {path.stat().st_size // 1024} KB")
