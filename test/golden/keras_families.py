"""The CNN families of keras.applications, narrow and with their true topology, in every format that Keras is saved in, with what
Keras itself gives, forward and back (keras_road.py).

    python keras_families.py [NAME ...]     with keras 3, tf_keras (Keras 2), tensorflow, tf2onnx and onnxruntime

Writes keras-families/NAME.gz (README.md). Weights are coarse, so that they compress; the statistics of batch norms are those that the pictures have.
"""

import contextlib
import io
import json
import logging
import os
import shutil
import sys
import tempfile
import types
import zipfile
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf2onnx  # noqa: E402
import tf_keras  # noqa: E402
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2  # noqa: E402

import keras_road as road  # noqa: E402
import tfjs  # noqa: E402
from keras_layers import write_tfjs  # noqa: E402
from pack import Pack, fingerprint  # noqa: E402
from values import values_of  # noqa: E402

HERE = Path(__file__).resolve().parent
OUT = HERE / "keras-families"


@contextlib.contextmanager
def narrow(library, divisor):
    """keras.applications with fewer channels: every filter count is divided."""

    def divided(count):
        return count if count <= 16 else max(2, count // divisor)  # the classes stay

    def fewer(cls, field):
        class Narrow:
            def __new__(_, *args, **kwargs):
                if field in kwargs:
                    kwargs[field] = divided(kwargs[field])
                elif args:
                    args = (divided(args[0]), *args[1:])
                return cls(*args, **kwargs)

        return Narrow

    layers = library.layers
    proxy = types.SimpleNamespace(**{k: getattr(layers, k) for k in dir(layers) if not k.startswith("__")})
    for cls, field in (("Conv2D", "filters"), ("SeparableConv2D", "filters"), ("Dense", "units")):
        setattr(proxy, cls, fewer(getattr(layers, cls), field))
    package = "keras.src.applications" if library is keras else "tf_keras.src.applications"
    modules = [m for n, m in sys.modules.items() if n.startswith(package) and hasattr(m, "layers")]
    old = [(module, key, getattr(module, key)) for module in modules for key in ("layers", "VersionAwareLayers") if hasattr(module, key)]
    for module, key, _ in old:
        setattr(module, key, proxy if key == "layers" else lambda: proxy)
    try:
        yield
    finally:
        for module, key, value in old:
            setattr(module, key, value)


def families(library):
    """Name, divisor of the filter counts, whether pictures are bytes, maker, and the layers that are compared; of several in one string the first that has a unit which no rounding decides."""
    a = library.applications
    source = "keras.src.applications" if library is keras else "tf_keras.src.applications"
    module = lambda name: __import__(f"{source}.{name}", fromlist=["x"])
    convnext, densenet, nasnet, mobilenet_v3 = map(module, ("convnext", "densenet", "nasnet", "mobilenet_v3"))
    efficientnet, efficientnet_v2 = map(module, ("efficientnet", "efficientnet_v2"))
    top = dict(include_top=True, weights=None, classes=16, classifier_activation=None)
    named = lambda name: {"name" if library is keras else "model_name": name}
    picture = lambda size: dict(input_shape=(size, size, 3))
    yield "vgg16", 32, False, lambda: a.VGG16(**picture(32), **top), ["block1_conv2", "block3_conv2", "block5_conv3", "predictions"]
    yield "resnet50", 32, False, lambda: a.ResNet50(input_shape=(33, 32, 3), **top), ["conv2_block1_1_relu", "conv3_block2_out", "conv5_block3_out conv5_block1_out conv4_block6_out"]
    yield "resnet50v2", 32, False, lambda: a.ResNet50V2(**picture(32), **top), ["conv2_block2_1_relu", "conv3_block2_out", "post_relu conv5_block2_out conv4_block6_1_relu"]
    yield "inceptionv3", 32, False, lambda: a.InceptionV3(**picture(75), **top), ["activation_6", "mixed1", "mixed8 mixed6 mixed4"]
    yield "xception", 64, False, lambda: a.Xception(**picture(71), **top), ["block2_sepconv2_act", "block4_pool block3_pool block3_sepconv2_act", "block14_sepconv2_act block11_sepconv1_act block6_sepconv1_act block5_sepconv2_act"]
    yield "densenet", 8, False, lambda: densenet.DenseNet([2, 2, 2, 2], **picture(32), **top), ["conv2_block1_1_relu", "pool3_pool", "relu"]
    yield "mobilenet", 16, False, lambda: a.MobileNet(**picture(32), **top), ["conv_pw_1_relu", "conv_pw_5_relu", "conv_pw_13_relu conv_pw_11_relu conv_pw_9_relu"]
    yield "mobilenetv2", 1, False, lambda: a.MobileNetV2(alpha=0.05, **picture(32), **top), ["block_1_expand_relu", "block_5_add", "block_13_depthwise_relu block_11_depthwise_relu block_9_expand_relu"]
    yield "mobilenetv3", 1, True, lambda: a.MobileNetV3Small(alpha=0.05, **picture(32), **top), ["expanded_conv_squeeze_excite_mul", "expanded_conv_2_add expanded_conv_4_add", "expanded_conv_7_add expanded_conv_5_add expanded_conv_4_add"]
    small = dict(depth_divisor=4, **picture(48), **top)
    yield "efficientnet", 1, True, lambda: efficientnet.EfficientNet(0.05, 0.2, 48, **named("efficientnet"), **small), ["block2a_expand_activation", "block3a_se_excite", "top_activation block5a_expand_activation"]
    yield "efficientnetv2", 1, True, lambda: efficientnet_v2.EfficientNetV2(0.1, 0.2, 48, min_depth=4, **named("efficientnetv2-b0"), **small), ["block2a_expand_activation", "block4a_se_excite", "top_activation block5a_expand_activation"]
    default = {} if library is keras else {"default_size": 32}
    yield "nasnet", 1, False, lambda: nasnet.NASNet(penultimate_filters=96, num_blocks=1, stem_block_filters=4, skip_reduction=False, filter_multiplier=2, **picture(32), **default, **top), ["reduction_concat_stem_1", "normal_concat_0", "reduction_concat_reduce_1 normal_concat_1 reduction_concat_reduce_0"]
    yield "convnext", 1, True, lambda: convnext.ConvNeXt([1, 1, 2, 1], [4, 8, 12, 16], include_preprocessing=True, **picture(32), **named("convnext"), **top), ["convnext_stage_0_block_0_gelu", "convnext_stage_1_block_0_gelu", "convnext_stage_2_block_1_gelu"]


def plain(name):
    """A layer's name without what Keras 2 and 3 write differently."""
    return name.replace("/", "_").replace(".", "_").lower().replace("batchnorm", "bn")


def coarse(shape, rng, deviation):
    """Random numbers of about this deviation in 63 levels, whole multiples of a power of two."""
    step = 2.0 ** np.round(np.log2(deviation / 12))
    return np.clip(np.round(rng.standard_normal(shape) * deviation / step), -31, 31) * step


def randomise(model, rng, x):
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in model.layers:
        values = []
        for weight in layer.weights:
            name, shape = weight.path.split("/")[-1], tuple(weight.shape)
            if name in ("kernel", "depthwise_kernel", "pointwise_kernel"):
                fan = int(np.prod(shape[:2])) if "Depthwise" in type(layer).__name__ or "depthwise" in name else int(np.prod(shape[:-1]))
                values.append(coarse(shape, rng, np.sqrt(2 / fan)))
            elif name in ("gamma", "variance", "moving_variance"):
                values.append(1 + coarse(shape, rng, 0.25))
            elif name == "count":
                values.append(np.ones(shape))
            else:
                values.append(coarse(shape, rng, 0.25))
        layer.set_weights(values)
        if hasattr(layer, "finalize_state"):  # Normalization computes with copies of its weights
            layer.finalize_state()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(x, training=True)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
        *rest, mean, variance = norm.get_weights()
        norm.set_weights([*rest, np.round(mean * 8) / 8, np.maximum(1, np.round(variance * 8)) / 8])


def copied(source, target):
    """The weights of one model in another of the same family, layer by layer."""
    layers = {plain(layer.name): layer for layer in source.layers}
    for layer in target.layers:
        if layer.get_weights():
            layer.set_weights([np.asarray(v).astype(old.dtype) for v, old in zip(layers[plain(layer.name)].get_weights(), layer.get_weights(), strict=True)])
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()


def pictures(count, height, width, seed, bytes_):
    """Smooth pictures [count, h, w, 3] with some noise: whole 1/32, or bytes."""
    rng = np.random.default_rng(seed)
    grown = tf.image.resize(rng.standard_normal((count, 6, 6, 3)), (height, width), "bicubic").numpy()
    x = 1.5 * grown + 0.3 * rng.standard_normal(grown.shape)
    return np.clip(np.round(x * 32 + 128), 0, 255) if bytes_ else np.round(x * 32) / 32


def units_of(run, x, wanted=2):
    """The strongest stable unit, and one of another channel at the map's rim: picture, channel, y, x, activation, signals by method."""
    maps = run(tf.constant(x)).numpy()
    full = np.moveaxis(maps, -1, 1) if maps.ndim == 4 else maps[:, :, None, None]
    height, width = full.shape[2:]
    order = [tuple(int(v) for v in np.unravel_index(i, full.shape)) for i in np.argsort(-full, axis=None, kind="stable")]
    rim = lambda at: at[2] in (0, height - 1) or at[3] in (0, width - 1)
    chosen = []
    for rule in (lambda at: True, rim)[:wanted]:
        candidates = [at for at in order if full[at] != 0 and rule(at) and at[1] not in {c[1] for c in chosen}][:18]
        for few in (candidates[:3], candidates[3:8], candidates[8:]):
            if not few:
                continue
            good, activations, signals = road.stable(run, x[[at[0] for at in few]], [at[1:] for at in few], road.MODES)
            if good.any():
                k = int(np.argmax(good))
                chosen.append((*few[k], float(activations[k]), {mode: signals[mode][k] for mode in road.MODES}))
                break
    return maps, chosen


# The files, each as its library writes it.


def keras_file(model, folder):
    """Without the date of saving, so that the same model gives the same bytes."""
    model.save(folder / "saved.keras")
    with zipfile.ZipFile(folder / "saved.keras") as old, zipfile.ZipFile(folder / "model.keras", "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "metadata.json":
                data = json.dumps({**json.loads(data), "date_saved": "2026-01-01@00:00:00"}).encode()
            new.writestr(zipfile.ZipInfo(entry.filename), data)
    (folder / "saved.keras").unlink()


def graph_model(model, folder):
    """A TensorFlow.js graph model; the names of the values that it makes of pictures x."""
    spec = tf.TensorSpec([None, *model.inputs[0].shape[1:]], tf.float32, name="picture")
    frozen = convert_variables_to_constants_v2(tf.function(lambda x: model(x, training=False)).get_concrete_function(spec))
    graph = tfjs.fused(frozen)
    imported = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    names = [op.name for op in imported.graph.get_operations() if op.type not in ("Const", "Placeholder", "Identity") and op.outputs and op.outputs[0].dtype == tf.float32]
    weights, data, _ = tfjs.constants(graph)
    tfjs.save(folder, graph, [t.name for t in frozen.outputs], weights, data)
    call = imported.prune(["picture:0"], [f"{name}:0" for name in names])
    return lambda x: dict(zip(names, (v.numpy() for v in call(tf.constant(x, tf.float32)))))


def onnx_file(path):
    model = onnx.load(path)
    return lambda x: values_of(model, x.astype(np.float32))


def named_by(values, maps):
    """The first value that holds these numbers, with the channels first or last."""
    for wanted in [np.moveaxis(maps, -1, 1), maps] if maps.ndim == 4 else [maps]:
        for name, value in values.items():
            if value.shape == wanted.shape and np.abs(value - wanted).max() <= 1e-4 * np.abs(wanted).max():
                return name
    return None


def formats(model, old):
    """Name of the format, its main file, what writes it into a folder; that may return what runs it to all its values."""
    yield "keras", "model.keras", lambda f: keras_file(model, f)
    yield "h5", "model.h5", lambda f: old.save(f / "model.h5")
    yield "h5-keras3", "model.h5", lambda f: model.save(f / "model.h5")
    yield "tfjs", "model.json", lambda f: write_tfjs(old, f)
    yield "tfjs-graph", "model.json", lambda f: graph_model(old, f)
    yield "onnx", "model.onnx", lambda f: model.export(f / "model.onnx", format="onnx", verbose=False) or onnx_file(f / "model.onnx")
    yield "tf2onnx", "model.onnx", lambda f: converted(old, f / "model.onnx")


def converted(old, path):
    spec = tf.TensorSpec([None, *old.inputs[0].shape[1:]], tf.float32, name="picture")
    tf2onnx.convert.from_keras(old, [spec], opset=15, output_path=str(path))
    return onnx_file(path)


def built(library, name, divisor, make):
    library.backend.clear_session()
    with narrow(library, divisor):
        return make()


def family(index, name):
    find = lambda library: next(each for each in families(library) if each[0] == name)
    _, divisor, bytes_, make, wanted = find(keras)
    keras.config.set_floatx("float64")
    v3 = sys.modules["keras.src.applications.mobilenet_v3"]
    spelled = v3.hard_sigmoid
    v3.hard_sigmoid = lambda x: keras.layers.Activation("hard_sigmoid")(x)  # which is what relu6(x + 3) / 6 is
    try:
        exact = built(keras, name, divisor, make)
    finally:
        v3.hard_sigmoid = spelled
        keras.config.set_floatx("float32")
    height, width, _ = exact.inputs[0].shape[1:]
    for seed in range(index, index + 600, 100):
        x = pictures(2, height, width, 200 + seed, bytes_)
        randomise(exact, np.random.default_rng(100 + seed), pictures(12, height, width, 700 + seed, bytes_))
        road.ASSUMED = False
        taps = []
        for choices in wanted:
            for tap in choices.split():
                model = keras.Model(exact.inputs, exact.get_layer(tap).output)
                run = lambda v, model=model: model(v, training=False)
                maps, chosen = units_of(run, x)
                if chosen:
                    break
            taps.append((tap, run, maps, chosen))
            if not chosen:
                break
        print(name, seed, [(tap, maps.shape, round(float(np.abs(maps).max()), 2), len(chosen)) for tap, _, maps, chosen in taps], flush=True)
        if all(chosen for *_, chosen in taps):
            break
    else:
        raise SystemExit(f"{name}: a layer has no stable unit")
    # The gradient is TensorFlow's own derivative.
    for tap, run, _, chosen in taps:
        _, own = road.walk(run, x[[unit[0] for unit in chosen]], [unit[1:4] for unit in chosen], None)
        for unit, signal in zip(chosen, own):
            if not np.abs(unit[5]["gradient"] - signal).max() <= 1e-9 * max(np.abs(signal).max(), 1e-30):
                raise SystemExit(f"{name} {tap}: the gradient is not TensorFlow's own derivative")
    model, old = (built(library, name, divisor, find(library)[3]) for library in (keras, tf_keras))
    copied(exact, model)
    copied(exact, old)
    model(tf.constant(x, tf.float32), training=False)  # only a model that was called can be exported
    pack = Pack()
    blobs = {np.ascontiguousarray(v).tobytes() for m in (model, old) for v in m.get_weights()}
    outputs = exact(x, training=False).numpy()
    files, names = {}, {}
    for format_, main, write in formats(model, old):
        folder = Path(tempfile.mkdtemp())
        try:
            runs = write(folder)
            if runs:
                values = runs(x)
                names[format_] = [named_by(values, maps) for _, _, maps, _ in taps]
            else:
                layers = {plain(layer.name): layer.name for layer in (model if format_ in ("keras", "h5-keras3") else old).layers}
                names[format_] = [layers[plain(tap)] for tap, *_ in taps]
            files[format_] = {"main": main, "files": {f.name: pack.add_file(f.read_bytes(), blobs) for f in sorted(folder.iterdir())}}
        except Exception as error:
            print("left out:", name, format_, repr(error)[:400], flush=True)
        finally:
            shutil.rmtree(folder)
    layers = []
    for i, (tap, _, _, chosen) in enumerate(taps):
        units = []
        for picture, channel, y, column, activation, signals in chosen:
            prints = []
            for mode in road.MODES:
                box, numbers = fingerprint(signals[mode if road.ASSUMED else mode.removesuffix("-derivative")])
                prints.append([pack.add(numbers.tobytes()), len(numbers), *box])
            units.append([picture, channel, y, column, activation, prints])
        layers.append({"module": tap, "values": {format_: each[i] for format_, each in names.items() if each[i]}, "units": units})
    first = np.moveaxis(x, -1, 1).astype("<f4")
    at, out = pack.add(np.ascontiguousarray(first).tobytes()), pack.add(outputs.astype("<f4").tobytes())
    pack.cases.append({"name": name, "input": [at, list(first.shape)], "output": [out, list(outputs.shape)], "formats": files, "layers": layers})
    OUT.mkdir(exist_ok=True)
    pack.write(OUT / f"{name}.gz")
    print(name, {f: sum(1 for layer in layers if f in layer["values"]) for f in files}, flush=True)


def main():
    logging.disable(logging.WARNING)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for index, (name, *_) in enumerate(families(keras)):
        if not sys.argv[1:] or name in sys.argv[1:]:
            family(index, name)


if __name__ == "__main__":
    main()
