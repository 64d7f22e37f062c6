"""The independent road through Keras: deconvnet, guided backprop and gradient by tf.GradientTape, with the gradients of Keras's
own activations, products and layer norms replaced while a method is set. Nothing of the app's formulas is here.

A model's functions are looked up when it is called, so that any Keras 3 model walks back as the methods say, untouched otherwise.
Models are in float64.
"""

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.tensorflow import nn

# `-derivative` takes the derivative of what the paper has no rule for; without, the signal is rectified there.
MODES = ["deconvnet", "deconvnet-derivative", "guided", "guided-derivative", "gradient"]
# None: Keras as it is.
MODE = None
# By picture of the batch: by how much of the map's largest value what rectifiers and max pools get is off, as by roundings.
NOISE = None
AMPLITUDE = 4e-7
DRAWS = 4
# Spread up to which a unit counts as one that no rounding decides; tests may then ask for 1e-4.
STABLE = 5e-5
# Whether a model has anything that the paper has no rule for: set by running it.
ASSUMED = False
_draw = 0


def rectifies():
    return MODE != "gradient" and not MODE.endswith("derivative")


def shaken(x):
    """Exact zeros stay ties."""
    global _draw
    if NOISE is None:
        return x
    _draw += 1
    over = list(range(1, len(x.shape)))
    largest = tf.reduce_max(tf.abs(x), over, keepdims=True) * tf.reshape(tf.constant(NOISE, x.dtype), [-1] + [1] * len(over))
    return x + tf.stop_gradient(largest * tf.random.stateless_normal(tf.shape(x), [_draw, 7], dtype=x.dtype) * tf.cast(x != 0, x.dtype))


def ruled(function, role):
    """A pointwise function whose gradient is what the current method does with its role."""

    def apply(x, *args, **kwargs):
        global ASSUMED
        if MODE is None:
            return function(x, *args, **kwargs)
        ASSUMED = ASSUMED or role == "smooth"
        mode, rectifying = MODE, rectifies()

        @tf.custom_gradient
        def run(x):
            def back(signal):
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    y = function(x, *args, **kwargs)
                slope = tape.gradient(y, x)
                positive = tf.maximum(signal, 0)
                if role == "smooth":
                    return positive if rectifying else signal * slope
                if mode.startswith("deconvnet"):
                    return positive
                return (positive if mode.startswith("guided") else signal) * slope

            return function(x, *args, **kwargs), back

        return run(shaken(x) if role == "rectifier" else x)

    return apply


@tf.custom_gradient
def rectified_signal(x):
    return tf.identity(x), lambda signal: tf.maximum(signal, 0)


def gate(self, inputs):
    """A product of two signals: the gate, the smaller of them, is held where the method rectifies."""
    global ASSUMED
    x, y = sorted(inputs, key=lambda each: -np.prod(each.shape[1:])) if MODE else inputs
    if MODE is None:
        return _product(self, inputs)
    ASSUMED = True
    if x.shape == y.shape:
        raise SystemExit(f"{self.name}: which of the two factors is the gate?")
    return rectified_signal(x * tf.stop_gradient(y)) if rectifies() else x * y


def layer_norm(self, x):
    """The deconvnet holds the picture's own statistics, as it holds switches."""
    if MODE is None:
        return _norm(self, x)
    mean = tf.reduce_mean(x, self.axis, keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), self.axis, keepdims=True)
    if MODE.startswith("deconvnet"):
        mean, variance = tf.stop_gradient(mean), tf.stop_gradient(variance)
    return (x - mean) / tf.sqrt(variance + self.epsilon) * self.gamma + self.beta


for _name in ("relu", "relu6", "leaky_relu"):
    setattr(nn, _name, ruled(getattr(nn, _name), "rectifier"))


def _hard_sigmoid(x):
    return tf.nn.relu6(x + 3) / 6


nn.hard_silu = ruled(lambda x: x * _hard_sigmoid(x), "smooth")
nn.hard_sigmoid = ruled(_hard_sigmoid, "smooth")
for _name in ("sigmoid", "silu", "gelu", "tanh", "elu", "selu", "softplus"):
    setattr(nn, _name, ruled(getattr(nn, _name), "smooth"))
_pool = nn.max_pool
nn.max_pool = lambda x, *args, **kwargs: _pool(shaken(x) if MODE else x, *args, **kwargs)
_product = keras.layers.Multiply._merge_function
keras.layers.Multiply._merge_function = gate
_norm = keras.layers.LayerNormalization.call
keras.layers.LayerNormalization.call = layer_norm


def walk(run, pictures, units, mode, noise=None):
    """run(pictures [n, h, w, c]) gives the tap, channels last; units: [channel, y, x] of each picture. Activations [n] and signals [n, c, h, w]."""
    global MODE, NOISE, _draw
    MODE, NOISE, _draw = mode, noise, 0
    try:
        pictures = tf.constant(pictures)
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            tap = run(pictures)
        at = [(i, c) if len(tap.shape) == 2 else (i, y, x, c) for i, (c, y, x) in enumerate(units)]
        activations = tf.gather_nd(tap, at)
        seed = tf.scatter_nd(at, activations, tap.shape)
        signal = tape.gradient(tap, pictures, seed)
        return activations.numpy(), np.moveaxis(signal.numpy(), -1, 1)
    finally:
        MODE, NOISE = None, None


def stable(run, pictures, units, modes):
    """Which of the units no rounding decides, in all methods; and, exactly, their activations and signals by method."""
    n = len(units)
    noise = np.repeat([0.0] + [AMPLITUDE] * DRAWS, n)
    good, signals, activations = np.ones(n, bool), {}, None
    for mode in modes:
        activation, signal = walk(run, np.tile(pictures, (1 + DRAWS, 1, 1, 1)), units * (1 + DRAWS), mode, noise)
        parts = signal.reshape(1 + DRAWS, n, -1)
        largest = np.abs(parts[0]).max(-1)
        error = np.abs(parts[1:] - parts[:1]).max((0, 2))
        good &= np.where(largest > 0, error <= STABLE * largest, error == 0)
        signals[mode], activations = signal[:n], activation[:n]
    return good, activations, signals
