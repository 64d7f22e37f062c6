"""Small Keras networks in every format that Keras is saved in, with what Keras itself makes of a fixed picture.

    python keras_layers.py [FOLDER]     with keras 3, tf_keras (Keras 2) and tensorflow; FOLDER: default keras/ beside this file

Each case is a folder: model.h5, model.keras or model.json with its shard, expected.json and expected.bin (float32, little-endian).
Weights are random, rounded to half precision so that they compress; batch norms have statistics that are not trivial. The
networks hold each layer in sizes that are not even; the families of keras.applications are in keras_families.py.
"""

import io
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import numpy as np  # noqa: E402
import keras  # noqa: E402
import tf_keras  # noqa: E402
import h5py  # noqa: E402


def picture(shape):
    """The same numbers in every language: whole-number arithmetic, then a division by a power of two."""
    i = np.arange(np.prod(shape), dtype=np.int64)
    return (((i * 7919 + 13 * (i % 101) * (i % 37)) % 256) / 128 - 1).astype(np.float32).reshape(shape)


def randomise(model, seed):
    rng = np.random.default_rng(seed)
    values = []
    for weight in model.weights:
        name = (getattr(weight, "path", None) or weight.name).split(":")[0].split("/")[-1]
        shape = tuple(weight.shape)
        if name in ("kernel", "depthwise_kernel", "pointwise_kernel"):
            fan = int(np.prod(shape[:-2])) if "depthwise" in name else int(np.prod(shape[:-1]))
            value = rng.standard_normal(shape) * np.sqrt(1.6 / max(1, fan))
        elif name in ("moving_variance", "variance"):
            value = rng.uniform(0.5, 1.5, shape)
        elif name == "gamma":
            value = rng.uniform(0.6, 1.4, shape)
        elif name == "count":
            value = np.ones(shape)
        else:
            value = rng.standard_normal(shape) * 0.1
        values.append(np.asarray(value).astype(np.float16).astype(np.asarray(weight).dtype if hasattr(weight, "numpy") else np.float32))
    model.set_weights(values)
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # Normalization computes with copies of its weights
            layer.finalize_state()


def deflated(path):
    """The same archive, compressed."""
    old = zipfile.ZipFile(path)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), zipfile.ZIP_DEFLATED)
    old.close()
    path.write_bytes(data.getvalue())


def squeezed(path, compact):
    """The same HDF5 file with its weights compressed; compact: in the newest version of the format, whose groups are small."""
    small = path.with_suffix(".small")
    with h5py.File(path, "r") as old, h5py.File(small, "w", libver="latest" if compact else "earliest") as new:
        new.attrs.update({key: value for key, value in old.attrs.items() if key != "training_config"})

        def visit(name, item):
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            elif item.shape and item.size > 256:
                made = new.create_dataset(name, data=item[()], compression="gzip", compression_opts=9, shuffle=True)
            else:
                made = new.create_dataset(name, data=item[()])
            made.attrs.update(item.attrs)

        old.visititems(visit)
    small.replace(path)


def write_tfjs(model, folder, quantise=None):
    """A TensorFlow.js layers model, as its converter writes one: topology, manifest and shards in two files."""
    specs, parts = [], []
    for weight in model.weights:
        value = weight.numpy()
        value = value.astype(np.int32 if value.dtype == np.int64 else value.dtype)
        name = (getattr(weight, "path", None) or weight.name).split(":")[0]
        spec = {"name": name, "shape": list(value.shape), "dtype": str(value.dtype)}
        if quantise == "float16" and value.dtype == np.float32:
            spec["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            value = value.astype(np.float16)
        specs.append(spec)
        parts.append(np.ascontiguousarray(value).tobytes())
    data = b"".join(parts)
    half = len(data) // 2 + 1
    paths = ["group1-shard1of2.bin", "group1-shard2of2.bin"]
    (folder / paths[0]).write_bytes(data[:half])
    (folder / paths[1]).write_bytes(data[half:])
    topology = {"keras_version": sys.modules[type(model).__module__.split(".")[0]].__version__, "backend": "tensorflow"}
    topology["model_config"] = json.loads(model.to_json())
    manifest = [{"paths": paths, "weights": specs}]
    whole = {"format": "layers-model", "generatedBy": "keras", "convertedBy": None, "modelTopology": topology, "weightsManifest": manifest}
    (folder / "model.json").write_text(json.dumps(whole))


def write(root, name, model, kind, layers, shape=None, twin=None):
    folder = root / name
    folder.mkdir(parents=True)
    library = tf_keras if type(model).__module__.startswith("tf_keras") else keras
    if kind == "keras":
        model.save(folder / "model.keras")
        deflated(folder / "model.keras")
    elif kind == "h5":
        model.save(folder / "model.h5")
        squeezed(folder / "model.h5", len(model.layers) > 40)
    else:
        write_tfjs(model, folder, "float16" if kind == "tfjs16" else None)
    shape = shape or (1, *model.inputs[0].shape[1:])
    x = picture(shape)
    wanted = [*layers, model.layers[-1].name]
    source = twin or model
    outputs = library.Model(source.inputs, [source.layers[-1].output if each == wanted[-1] else source.get_layer(each).output for each in wanted])
    # Called step by step: compiled, TensorFlow may join steps and round otherwise.
    values = outputs(np.moveaxis(x, 1, -1) if twin else x, training=False)
    values = [value.numpy() for value in (values if isinstance(values, (list, tuple)) else [values])]
    if twin:
        values = [np.moveaxis(value, -1, 1) if value.ndim == 4 else value for value in values]
    described, at = [], 0
    with open(folder / "expected.bin", "wb") as data:
        for each, value in zip(wanted, values):
            described.append({"layer": each, "offset": at, "shape": list(value.shape)})
            data.write(value.astype("<f4").tobytes())
            at += value.size
    file = {"keras": "model.keras", "h5": "model.h5"}.get(kind, "model.json")
    (folder / "expected.json").write_text(json.dumps({"file": file, "version": library.__version__, "input": list(shape), "outputs": described}, indent=1) + "\n")
    print(name, sum(f.stat().st_size for f in folder.iterdir()))


def layer_nets(library):
    """Networks of layers that the families do not have, or not in these sizes."""
    L = library.layers

    def chain():
        return library.Sequential(
            [
                L.Input((13, 10, 3), name="picture"),
                L.Rescaling(0.5, offset=0.25),
                L.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="strided"),
                L.Conv2D(6, (2, 4), padding="same", groups=2, use_bias=False, name="grouped"),
                L.BatchNormalization(scale=False, epsilon=0.01, name="norm"),
                L.LeakyReLU(0.2, name="leaky"),
                L.ZeroPadding2D(((1, 0), (2, 1)), name="padded"),
                L.Conv2D(5, 3, dilation_rate=2, padding="same", name="dilated"),
                L.PReLU(shared_axes=[1, 2], name="prelu"),
                L.MaxPooling2D(3, strides=2, padding="same", name="pooled"),
                L.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", activation="elu", name="separable"),
                L.Conv2DTranspose(4, 3, strides=2, padding="same", name="up"),
                L.Conv2DTranspose(4, 2, strides=3, padding="valid", name="wider"),
                L.AveragePooling2D(2, padding="same", name="averaged"),
                L.UpSampling2D((2, 1), interpolation="bilinear", name="bilinear"),
                L.UpSampling2D(2, name="nearest"),
                L.Cropping2D(((1, 2), (0, 3)), name="cropped"),
                L.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same", activation="tanh", name="depthwise"),
                L.Permute((2, 1, 3), name="turned"),
                L.Dropout(0.5),
                L.LayerNormalization(name="layernorm"),
                L.Dense(3, activation="gelu", name="everywhere"),
                L.Reshape((-1, 3), name="reshaped"),
                L.Conv1D(4, 3, padding="causal", activation="softplus", name="line"),
                L.MaxPooling1D(2, name="linepool"),
                L.Flatten(name="flat"),
                L.Dense(8, activation="selu", name="dense"),
                L.Dense(5, activation="softmax", name="scores"),
            ],
            name="chain",
        )

    def joined():
        x = picture = L.Input((12, 9, 3), name="picture")
        shared = L.Conv2D(4, 3, padding="same", activation="swish", name="shared")
        inner = library.Sequential([L.Input((12, 9, 4)), L.Conv2D(4, 1, name="c"), L.BatchNormalization(name="b"), L.ReLU(6.0, name="r")], name="inner")
        deep = L.Input((12, 9, 4))
        nested = library.Model(deep, L.Add(name="inneradd")([inner(deep), L.Conv2D(4, 1, name="d")(deep)]), name="nested")
        x = L.Conv2D(4, 1, name="first")(picture)
        a = shared(x)
        b = shared(a)
        c = nested(b)
        d = nested(L.Activation("hard_sigmoid", name="hard")(a))
        x = L.Concatenate(name="joined")([a, L.Subtract(name="minus")([b, c]), L.Multiply(name="times")([c, d])])
        x = L.Average(name="mean")([x, L.Maximum(name="most")([x, L.Minimum(name="least")([x, x])])])
        x = L.GroupNormalization(3, name="groups")(x)
        x = L.ReLU(negative_slope=0.1, max_value=1.5, name="limited")(x)
        pooled = L.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
        gate = L.Conv2D(12, 1, activation="sigmoid", name="gate")(pooled)
        x = x * gate + 0.5
        x = L.UnitNormalization(name="unit")(x)
        return library.Model(picture, L.GlobalMaxPooling2D(name="top")(x), name="joined")

    def free():
        x = picture = L.Input((None, None, 3), name="picture")
        for i, (k, s) in enumerate([(3, 2), (2, 1), (5, 3)]):
            x = L.Conv2D(4, k, strides=s, padding="same", activation="relu", name=f"conv{i}")(x)
        x = L.MaxPooling2D(2, padding="same", name="pool")(x)
        return library.Model(picture, L.GlobalAveragePooling2D(name="top")(x), name="free")

    def first(order="channels_first"):
        last = order == "channels_last"
        x = picture = L.Input((11, 8, 3) if last else (3, 11, 8), name="picture")
        f = dict(data_format=order)
        x = L.Conv2D(4, 3, padding="same", strides=2, name="conv", **f)(x)
        x = L.BatchNormalization(axis=3 if last else 1, name="norm")(x)
        x = L.DepthwiseConv2D(3, name="depth", **f)(L.ReLU(name="relu")(x))
        x = L.MaxPooling2D(2, padding="same", name="pool", **f)(x)
        return library.Model(picture, L.Dense(5, name="scores")(L.Flatten(**f)(x)), name="first")

    yield "chain", chain, ["strided", "norm", "dilated", "pooled", "up", "wider", "averaged", "bilinear", "cropped", "depthwise", "everywhere", "line"], None
    yield "joined", joined, ["limited", "unit"], None
    yield "free", free, ["conv0", "conv2", "pool"], (1, 15, 10, 3)
    yield "first", first, ["relu", "pool"], None


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "keras")
    shutil.rmtree(root, ignore_errors=True)
    ways = [(keras, "keras", "keras"), (tf_keras, "h5", "h5"), (tf_keras, "tfjs", "tfjs"), (keras, "h5", "keras3-h5"), (keras, "tfjs16", "keras3-tfjs")]
    seed = 0
    for library, kind, label in ways:
        for name, make, layers, shape in layer_nets(library):
            seed += 1
            library.backend.clear_session()
            model = make()
            randomise(model, seed)
            twin = None
            if name == "first":  # TensorFlow has no convolutions with the channels first on a processor: the same with them last
                twin = make("channels_last")
                twin.set_weights(model.get_weights())
            write(root, f"{name}-{label}", model, kind, layers, shape, twin)


if __name__ == "__main__":
    main()
