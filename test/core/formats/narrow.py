"""Weights of less than a byte and of eight-bit floats, with the values that onnx and ONNX Runtime read: narrow.json.

Run by hand with onnx, ml_dtypes and onnxruntime: python narrow.py
"""

import base64
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

T = TensorProto
BITS = {T.FLOAT8E4M3FN: 8, T.FLOAT8E4M3FNUZ: 8, T.FLOAT8E5M2: 8, T.FLOAT8E5M2FNUZ: 8, T.UINT4: 4, T.INT4: 4}
for name, bits in {"FLOAT4E2M1": 4, "FLOAT8E8M0": 8, "UINT2": 2, "INT2": 2}.items():
    if hasattr(T, name):
        BITS[getattr(T, name)] = bits
BITS[T.BFLOAT16] = 16


def plain(value):
    value = float(value)
    return value if np.isfinite(value) else str(value)


cases = []
for kind, bits in BITS.items():
    # Every code once, and one more, so that the last byte is not full.
    count = 256 if bits == 16 else 2**bits + (bits < 8)
    codes = np.arange(count) * (257 if bits == 16 else 1) % 2**bits
    if bits == 16:
        raw = codes.astype("<u2").tobytes()
        typed = [int(code) for code in codes]
    else:
        packed = np.zeros(-(-count * bits // 8), np.uint8)
        for i, code in enumerate(codes):
            packed[i * bits // 8] |= int(code) << (i * bits % 8)
        raw = packed.tobytes()
        typed = [int(byte) for byte in packed]
    tensors = {}
    for spelling in ("raw", "typed"):
        tensor = TensorProto(name="w", data_type=kind, dims=[count])
        if spelling == "raw":
            tensor.raw_data = raw
        else:
            tensor.int32_data.extend(typed)
        tensors[spelling] = base64.b64encode(tensor.SerializeToString()).decode()
    values = numpy_helper.to_array(TensorProto.FromString(base64.b64decode(tensors["raw"]))).astype(np.float32)
    cases.append({"type": T.DataType.Name(kind).lower(), "tensors": tensors, "values": [plain(v) for v in values]})

# A convolution whose filters are dequantised from them.
nets = []
rng = np.random.default_rng(4)
x = np.round(rng.standard_normal((1, 2, 5, 5)) * 32).astype(np.float32) / 32
for kind in (T.INT4, T.UINT4, T.FLOAT8E4M3FN, T.FLOAT8E5M2):
    size = 3 * 2 * 3 * 3
    weights = TensorProto(name="w", data_type=kind, dims=[3, 2, 3, 3])
    weights.raw_data = (
        rng.integers(0, 256, size // 2, dtype=np.uint8) if BITS[kind] == 4 else rng.integers(0, 100, size, dtype=np.uint8)
    ).tobytes()
    zero = TensorProto(name="z", data_type=kind, dims=[3])
    zero.raw_data = bytes([0x31, 0x02]) if BITS[kind] == 4 else bytes(3)
    scale = numpy_helper.from_array(np.array([0.25, 0.5, 0.125], np.float32), "s")
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["f"], "dequantise", axis=0),
        helper.make_node("Conv", ["x", "f"], ["c"], "conv", kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c"], ["y"], "relu"),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [info("x", T.FLOAT, ["N", 2, 5, 5])],
        [info("y", T.FLOAT, ["N", 3, 3, 3])],
        [weights, zero, scale],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    (y,) = onnxruntime.InferenceSession(model).run(None, {"x": x})
    nets.append(
        {
            "type": T.DataType.Name(kind).lower(),
            "model": base64.b64encode(model).decode(),
            "picture": x.flatten().tolist(),
            "result": [float(f"{v:.8g}") for v in y.flatten().tolist()],
        }
    )
path = pathlib.Path(__file__).with_name("narrow.json")
path.write_text(json.dumps({"onnx": onnx.__version__, "tensors": cases, "nets": nets}, separators=(",", ":")) + "\n")
