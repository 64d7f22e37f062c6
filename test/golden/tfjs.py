"""TensorFlow.js graph models with outputs by TensorFlow, written without tensorflowjs: the format is a GraphDef in JSON and
its constants one after the other. `python test/golden/tfjs.py` (tensorflow 2.21) writes test/golden/tfjs."""

import base64
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.grappler import tf_optimizer
from tensorflow.python.training.saver import export_meta_graph

OUT = pathlib.Path(__file__).parent / "tfjs"
DTYPES = {tf.float32: "float32", tf.int32: "int32", tf.bool: "bool", tf.int64: "int32"}


def fused(frozen):
    """As the converter does: Grappler folds batch norms and fuses biases and activations."""
    definition = frozen.graph.as_graph_def()
    for node in definition.node:
        node.device = "/device:CPU:0"  # what is on no device is not fused
    meta = export_meta_graph(graph_def=definition, graph=frozen.graph)
    fetch = meta_graph_pb2.CollectionDef()
    fetch.node_list.value.extend(t.name for t in frozen.outputs)
    meta.collection_def["train_op"].CopyFrom(fetch)
    config = config_pb2.ConfigProto()
    rewrite = config.graph_options.rewrite_options
    rewrite.meta_optimizer_iterations = 1
    rewrite.optimizers.extend(["debug_stripper", "remap", "constfold", "arithmetic", "dependency"])
    return tf_optimizer.OptimizeGraph(config, meta)


def quantised(values, kind):
    if kind == "float16":
        return values.astype(np.float16), {"dtype": "float16"}
    steps = 255 if kind == "uint8" else 65535
    low, high = float(values.min()), float(values.max())
    scale = (high - low) / steps or 1.0
    return np.round((values - low) / scale).astype(kind), {"dtype": kind, "scale": scale, "min": low}


def constants(graph, quantise=None):
    """The constants of a graph as a manifest and one blob, and of quantised ones the values that they stand for."""
    weights, data, back = [], b"", {}
    for node in graph.node:
        if node.op != "Const":
            continue
        values = tf.make_ndarray(node.attr["value"].tensor)
        entry = {"name": node.name, "shape": list(values.shape), "dtype": DTYPES[tf.as_dtype(values.dtype)]}
        values = values.astype(entry["dtype"])
        if quantise and entry["dtype"] == "float32" and values.size > 8:
            values, entry["quantization"] = quantised(values, quantise)
            plain = values.astype(np.float32)
            if quantise != "float16":
                plain = (values * entry["quantization"]["scale"] + entry["quantization"]["min"]).astype(np.float32)
            back[node.name] = plain
        weights.append(entry)
        data += values.tobytes()
    return weights, data, back


def save(folder, graph, outputs, weights, data, shards=1):
    """Writes model.json and shards; the constants are taken out of the graph."""
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.ClearField("tensor_content")
            for field in ("float_val", "int_val", "int64_val", "bool_val"):
                node.attr["value"].tensor.ClearField(field)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [f"group1-shard{i + 1}of{shards}.bin" for i in range(shards)]
    step = -(-len(data) // shards)
    for i, path in enumerate(paths):
        (folder / path).write_bytes(data[i * step : (i + 1) * step])
    model = {
        "format": "graph-model",
        "generatedBy": tf.__version__,
        "signature": {
            "inputs": {"picture": {"name": "picture:0", "dtype": "DT_FLOAT"}},
            "outputs": {f"output_{i}": {"name": o, "dtype": "DT_FLOAT"} for i, o in enumerate(outputs)},
        },
        "modelTopology": json.loads(json_format.MessageToJson(graph, indent=None)),
        "weightsManifest": [{"paths": paths, "weights": weights}],
    }
    (folder / "model.json").write_text(json.dumps(model, separators=(",", ":")))


def write(name, function, shape, optimise=True, quantise=None, shards=1):
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec([None, *shape], tf.float32, name="picture"))
    frozen = convert_variables_to_constants_v2(concrete)
    graph = fused(frozen) if optimise else frozen.graph.as_graph_def()
    weights, data, back = constants(graph, quantise)
    run = graph if not back else tf.compat.v1.GraphDef.FromString(graph.SerializeToString())
    for node in run.node:
        if node.name in back:
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(back[node.name]))
    x = np.random.default_rng(7).uniform(-1, 1, [2, *shape]).astype(np.float32)
    imported = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(run, name=""), [])
    outputs = [t.name for t in frozen.outputs]
    call = imported.prune(["picture:0"], outputs)
    results = [np.asarray(r) for r in call(tf.constant(x))]
    folder = OUT / name
    save(folder, graph, outputs, weights, data, shards)
    encode = lambda a: {"shape": list(a.shape), "data": base64.b64encode(a.astype("<f4").tobytes()).decode()}
    (folder / "expected.json").write_text(json.dumps({"input": encode(x), "outputs": [encode(r) for r in results]}))
    ops = sorted({n.op for n in graph.node})
    print(name, len(data), [r.shape for r in results], *ops)


rng = np.random.default_rng(1)


def var(*shape, scale=None):
    fan = np.prod(shape[:-1]) if len(shape) > 1 else 4
    return tf.constant(rng.normal(0, scale or fan**-0.5, shape).astype(np.float32))


def conv(x, i, o, k, stride=1, padding="SAME", bias=True, **more):
    y = tf.nn.conv2d(x, var(k, k, i, o), stride, padding, **more)
    return tf.nn.bias_add(y, var(o, scale=0.2)) if bias else y


def depthwise(x, c, k, stride=1, multiplier=1, padding="SAME"):
    strides = [1, stride, stride, 1]
    return tf.nn.bias_add(tf.nn.depthwise_conv2d(x, var(k, k, c, multiplier), strides, padding), var(c * multiplier))


def norm(x, c):
    mean, variance = var(c, scale=0.3), tf.constant(rng.uniform(0.5, 2, c).astype(np.float32))
    return tf.compat.v1.nn.fused_batch_norm(x, var(c, scale=1), var(c), mean, variance, 1e-3, is_training=False)[0]


def vgg(x):
    x = tf.nn.relu(conv(x, 3, 8, 3))
    x = tf.nn.relu(norm(conv(x, 8, 8, 3, 2, bias=False), 8))
    x = tf.nn.max_pool2d(x, 3, 2, "SAME")
    x = tf.nn.leaky_relu(conv(x, 8, 12, 3, padding="VALID"), 0.1)
    x = tf.reshape(x, [tf.shape(x)[0], -1])
    x = tf.nn.relu(tf.matmul(x, var(12 * 4, 10)) + var(10))
    return tf.nn.softmax(tf.matmul(x, var(10, 6)) + var(6))


def mobile(x):
    x = tf.nn.relu6(norm(conv(x, 3, 8, 3, 2, bias=False), 8))
    y = tf.nn.relu6(norm(depthwise(x, 8, 3), 8))
    y = norm(conv(y, 8, 8, 1, bias=False), 8)
    x = x + y
    x = tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])
    x = tf.nn.relu6(depthwise(x, 8, 3, 2, 2, "VALID"))
    gate = tf.reduce_mean(x, [1, 2], keepdims=True)
    gate = tf.nn.sigmoid(conv(tf.nn.relu(conv(gate, 16, 4, 1)), 4, 16, 1))
    x = x * gate
    return tf.matmul(tf.reduce_mean(x, [1, 2]), var(16, 5)), x


def inception(x):
    x = tf.nn.elu(conv(x, 3, 6, 5, 2, padding=[[0, 0], [1, 2], [2, 0], [0, 0]]))
    a = tf.nn.relu(conv(x, 6, 4, 1))
    b = tf.nn.relu(conv(x, 6, 4, 3, dilations=2))
    c = conv(tf.nn.avg_pool2d(x, 3, 1, "SAME"), 6, 4, 1)
    d = tf.nn.selu(conv(x, 6, 4, 3))
    x = tf.concat([a, b, c, d], 3)
    left, right = tf.split(x, 2, 3)
    x = tf.nn.local_response_normalization(tf.maximum(left, right), 2, 1.0, 0.3, 0.75)
    return tf.reduce_max(x, [1, 2]), tf.nn.tanh(x)


def decoder(x):
    x = tf.nn.relu(conv(x, 3, 8, 3, 2))
    size = tf.shape(x)
    up = tf.nn.conv2d_transpose(x, var(3, 3, 6, 8), tf.stack([size[0], 16, 16, 6]), 2, "SAME")
    near = tf.compat.v1.image.resize_nearest_neighbor(x, [16, 16], half_pixel_centers=True)
    line = tf.compat.v1.image.resize_bilinear(x, [13, 15], half_pixel_centers=True)
    corners = tf.compat.v1.image.resize_bilinear(x, [13, 15], align_corners=True)
    depth = tf.nn.depth_to_space(near, 2)
    return up, tf.nn.space_to_depth(near, 2), depth[:, 1:-2, ::2, 0], line + corners, tf.nn.softplus(tf.square(up))


def old_dilated(x):
    x = tf.nn.relu(conv(x, 3, 4, 3))
    y = tf.space_to_batch(x, [2, 2], [[2, 2], [2, 3]])
    y = tf.nn.conv2d(y, var(3, 3, 4, 5), 1, "VALID")
    y = tf.batch_to_space(y, [2, 2], [[0, 0], [0, 1]])
    y = tf.pad(tf.nn.relu(tf.nn.bias_add(y, var(5))), [[0, 0], [1, 2], [2, 1], [0, 0]], "REFLECT")
    return tf.transpose(y, [0, 3, 1, 2]), tf.expand_dims(tf.math.rsqrt(tf.math.squared_difference(y, 1.5) + 0.1)[:, 2], 1)


if __name__ == "__main__":
    cases = [
        ("vgg", vgg, [15, 15, 3], {"shards": 2}),
        ("vgg-plain", vgg, [15, 15, 3], {"optimise": False}),
        ("vgg-uint8", vgg, [15, 15, 3], {"quantise": "uint8"}),
        ("mobile", mobile, [16, 18, 3], {}),
        ("mobile-float16", mobile, [16, 18, 3], {"quantise": "float16"}),
        ("mobile-uint16", mobile, [16, 18, 3], {"quantise": "uint16"}),
        ("inception", inception, [17, 14, 3], {}),
        ("decoder", decoder, [16, 16, 3], {"optimise": False}),
        ("dilated", old_dilated, [10, 11, 3], {"optimise": False}),
    ]
    for name, function, shape, more in cases:
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            rng = np.random.default_rng(1)
            write(name, function, shape, **more)
