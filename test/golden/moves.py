"""Writes moves/: one network of ops that move, resize and spread values, by both exporters, and its derivative by autograd.

python moves.py
"""

import pathlib
import warnings

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

folder = pathlib.Path(__file__).with_name("moves")


class Moves(nn.Module):
    def __init__(self):
        super().__init__()
        self.reflected = nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")
        self.wrapped = nn.Conv2d(8, 8, 3, stride=2, padding=1, padding_mode="circular")
        self.repeated = nn.Conv2d(8, 8, 3, padding=1, padding_mode="replicate")
        self.up = nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.mix = nn.Conv2d(14, 8, 1)
        self.conv = nn.Conv2d(8, 4, 3, padding=1)
        self.dense = nn.Linear(4, 5)

    def forward(self, x):
        x = F.relu(self.repeated(F.relu(self.wrapped(F.relu(self.reflected(x))))))
        larger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = F.relu(self.mix(torch.cat([larger, F.relu(self.up(x))], 1)))
        x = F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2)
        x = x.view(-1, 2, 4, 16, 16).transpose(1, 2).reshape(-1, 8, 16, 16)
        left, right = x.chunk(2, 1)
        x = F.interpolate(torch.cat([left, right * 2], 1), size=(18, 14), mode="nearest")
        x = F.lp_pool2d(F.relu(self.conv(x[:, :, ::1, 1:])), 2, 2)
        x = torch.einsum("nchw,oc->nohw", torch.flip(x, [3]), self.dense.weight)
        return F.relu(x.roll(1, 2)).amax((2, 3))


torch.manual_seed(0)
net = Moves().eval()
picture = torch.randn(1, 3, 16, 16)
folder.mkdir(exist_ok=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    names = {"input_names": ["picture"], "output_names": ["units"]}
    old = {"opset_version": 17, "dynamo": False, "dynamic_axes": {"picture": {0: "N"}}}
    torch.onnx.export(net, (picture,), folder / "old.onnx", **names, **old)
    torch.onnx.export(net, (picture,), folder / "new.onnx", opset_version=18, dynamo=True, external_data=False, **names)
for file in folder.glob("*.onnx"):
    model = onnx.load(file)
    del model.metadata_props[:]
    for part in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info, model.graph]:
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, file)

# The picture, the units' activations, and for each unit the derivative times the activation, float32, one after the other.
picture.requires_grad_()
units = net(picture)
signals = [torch.autograd.grad(unit, picture, unit.detach(), retain_graph=True)[0] for unit in units[0]]
assert not any(signal.isnan().any() for signal in signals)
numbers = np.concatenate([part.detach().numpy().ravel() for part in [picture, units, *signals]])
(folder / "expected.bin").write_bytes(numbers.astype("<f4").tobytes())
