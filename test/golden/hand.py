"""Examples small enough to check by hand; each is computed by PyTorch and must equal what is written here.

hand.json holds, per example, the forward input, the attributes as ONNX names them, the signal that comes back and the
signal that must go on. Nothing here is a network: they are single steps of the way back.
"""

import torch
import torch.nn.functional as F

import road


def sent_back(forward, x, signal):
    x = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    return torch.autograd.grad(forward(x), x, grad_outputs=torch.tensor(signal, dtype=torch.float32))[0].tolist()


def example(name, why, op, attributes, x, signal, result, forward, **more):
    got = sent_back(forward, x, signal)
    if got != torch.tensor(result, dtype=torch.float32).tolist():
        raise SystemExit(f"hand example '{name}': PyTorch gives {got}")
    return {"name": name, "why": why, "op": op, "attributes": attributes, "input": x, **more, "signal": signal, "result": result}


def pools():
    yield example(
        "overlapping windows, one dimension",
        "Windows 0 and 1 both choose the 9: their signals add. An unpool that overwrites gives 1 there.",
        "MaxPool", {"kernel_shape": [4], "strides": [2]},
        [[[0, 0, 9, 0, 0, 0, 1, 0]]], [[[1, 1, 1]]], [[[0, 0, 2, 0, 0, 0, 1, 0]]],
        lambda x: F.max_pool1d(x, 4, 2),
    )
    yield example(
        "ties of zeros", "Each window is all zero: the first place in row-major order takes the signal.",
        "MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]},
        [[[[0, 0, 0, 0]] * 4]], [[[[1, 2], [3, 4]]]], [[[[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]]],
        lambda x: F.max_pool2d(x, 2),
    )
    yield example(
        "ties of a positive value", "Row-major: the tie in the upper row wins over the one at its left below.",
        "MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]},
        [[[[0, 5, 5, 5], [5, 5, 5, 5], [1, 2, 0, 0], [2, 2, 0, 7]]]], [[[[1, 2], [3, 4]]]],
        [[[[0, 1, 2, 0], [0, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 4]]]],
        lambda x: F.max_pool2d(x, 2),
    )
    yield example(
        "overlapping windows, two dimensions", "All four windows choose the centre.",
        "MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2]},
        [[[[1, 0, 0, 0, 2], [0, 0, 0, 0, 0], [0, 0, 9, 0, 0], [0, 0, 0, 0, 0], [3, 0, 0, 0, 4]]]], [[[[1, 2], [3, 4]]]],
        [[[[0] * 5, [0] * 5, [0, 0, 10, 0, 0], [0] * 5, [0] * 5]]],
        lambda x: F.max_pool2d(x, 3, 2),
    )
    yield example(
        "padding never wins", "All values are negative: padding counts as minus infinity, not as zero.",
        "MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        [[[[-1, -2, -3, -4], [-5, -6, -7, -8], [-1, -9, -9, -2], [-3, -3, -1, -4]]]], [[[[1, 2], [3, 4]]]],
        [[[[1, 2, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0], [0, 0, 4, 0]]]],
        lambda x: F.max_pool2d(x, 3, 2, 1),
    )
    yield example(
        "average pool", "Each element takes its share of each window that it lies in.",
        "AveragePool", {"kernel_shape": [2, 2], "strides": [1, 1]},
        [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]], [[[[4, 8], [12, 16]]]], [[[[1, 3, 2], [4, 10, 6], [3, 7, 4]]]],
        lambda x: F.avg_pool2d(x, 2, 1),
    )
    yield example(
        "average pool, padding not counted", "Corner windows hold one element of the picture: it takes the whole signal.",
        "AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 0},
        [[[[1, 2], [3, 4]]]], [[[[1, 2], [3, 4]]]], [[[[1, 2], [3, 4]]]],
        lambda x: F.avg_pool2d(x, 2, 2, 1, count_include_pad=False),
    )


def convolutions():
    kernel = [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]
    four = [[[[1, 0, 2, 0], [0, 3, 0, 1], [2, 0, 1, 0], [0, 1, 0, 2]]]]
    weight = torch.tensor(kernel, dtype=torch.float32)
    bias = torch.tensor([100.0])

    def convolution(name, why, options, attributes, signal, result):
        return example(name, why, "Conv", attributes, four, signal, result, lambda x: F.conv2d(x, weight, bias, **options), weight=kernel, bias=[100])

    yield convolution(
        "one element back, no padding", "The kernel as it stands lies at the window: a convolution does not flip, so its adjoint must.",
        {}, {"kernel_shape": [3, 3]}, [[[[1, 0], [0, 0]]]], [[[[1, 2, 3, 0], [4, 5, 6, 0], [7, 8, 9, 0], [0, 0, 0, 0]]]],
    )
    yield convolution(
        "two elements back, no padding", "Overlapping kernels add. The bias of 100 does not come back.",
        {}, {"kernel_shape": [3, 3]}, [[[[1, 0], [0, 2]]]], [[[[1, 2, 3, 0], [4, 7, 10, 6], [7, 16, 19, 12], [0, 14, 16, 18]]]],
    )
    yield convolution(
        "padding 1", "At a corner only the part of the kernel that lies in the picture is seen.",
        {"padding": 1}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        [[[[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]]], [[[[5, 6, 0, 0], [8, 9, 0, 0], [0, 0, 1, 2], [0, 0, 4, 5]]]],
    )
    yield convolution(
        "stride 2, padding 1", "The last row and column of the picture are seen by one window only.",
        {"padding": 1, "stride": 2}, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        [[[[1, 0], [0, 1]]]], [[[[5, 6, 0, 0], [8, 10, 2, 3], [0, 4, 5, 6], [0, 7, 8, 9]]]],
    )
    yield convolution(
        "dilation 2, padding 2", "The taps lie two apart.",
        {"padding": 2, "dilation": 2}, {"kernel_shape": [3, 3], "dilations": [2, 2], "pads": [2, 2, 2, 2]},
        [[[[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]], [[[[0, 0, 0, 0], [0, 5, 0, 6], [0, 0, 0, 0], [0, 8, 0, 9]]]],
    )


def rectifiers():
    """One rectifier: forward input, signal, and what each method lets through."""
    def rule(name, op, attributes, forward, x, signal, methods):
        for road.MODE, wanted in methods.items():
            got = sent_back(forward, x, signal)
            if got != torch.tensor(wanted, dtype=torch.float32).tolist():
                raise SystemExit(f"hand example '{name}', {road.MODE}: {got}")
        return {"name": name, "op": op, "attributes": attributes, "input": x, "signal": signal, "methods": methods}

    x, signal = [-2, -2, 0, 0, 3, 3], [-4, 4, -4, 4, -4, 4]
    yield rule("ReLU: at exactly 0 the derivative is 0", "Relu", {}, road.relu, x, signal, {
        "deconvnet": [0, 4, 0, 4, 0, 4], "guided": [0, 0, 0, 0, 0, 4], "gradient": [0, 0, 0, 0, -4, 4],
    })
    yield rule("LeakyReLU: at exactly 0 the derivative is the slope", "LeakyRelu", {"alpha": 0.25}, lambda v: road.leaky(v, 0.25), x, signal, {
        "deconvnet": [0, 4, 0, 4, 0, 4], "guided": [0, 1, 0, 1, 0, 4], "gradient": [-1, 1, -1, 1, -4, 4], "deconvnet-own": [-1, 4, -1, 4, -1, 4],
    })
    yield rule("ReLU6: at exactly 0 and 6 the derivative is 0", "Clip", {"min": 0, "max": 6}, road.relu6, [-2, 0, 3, 3, 6, 6, 8], [4, 4, 4, -4, 4, -4, 4], {
        "deconvnet": [4, 4, 4, 0, 4, 0, 4], "guided": [0, 0, 4, 0, 0, 0, 0], "gradient": [0, 0, 4, -4, 0, 0, 0],
    })


def examples():
    return {"pools": list(pools()), "convolutions": list(convolutions()), "rectifiers": list(rectifiers())}
