"""Archives of torch.export with inputs and outputs by PyTorch. `python test/golden/pt2.py` (torch 2.13) writes
test/golden/pt2: each network as exported, and decomposed to PyTorch's core operations. families.py saves with it, too."""

import base64
import io
import json
import pathlib
import sys
import zipfile

import torch
from torch import nn
from torch.nn import functional as F

OUT = pathlib.Path(__file__).parent / "pt2"


def block(i, o, k=3, s=1, g=1, act=nn.ReLU):
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o), act(inplace=True))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = block(3, 8, 5, 2)
        self.conv1, self.conv2 = block(8, 8), nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.BatchNorm2d(8))
        self.down = nn.Conv2d(8, 12, 1, 2)
        self.conv3 = nn.Conv2d(8, 12, 3, 2, 1)
        self.fc = nn.Linear(12, 5)
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))

    def forward(self, x):
        x = F.max_pool2d(self.stem((x - self.mean) / 0.25), 3, 2, 1)
        y = self.conv2(self.conv1(x))
        y += x
        x = F.relu(y, inplace=True)
        x = F.leaky_relu(self.conv3(x) + self.down(x), 0.1)
        x = F.adaptive_avg_pool2d(x, 1)
        return F.log_softmax(self.fc(x.view(x.size(0), -1)), 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 6, 3, padding="same", dilation=2)
        self.c, self.d = nn.Conv2d(3, 4, (1, 5), padding=(0, 2)), nn.Conv2d(3, 4, 1)
        self.act = nn.PReLU(18)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(18 * 4, 10), nn.ELU(), nn.Linear(10, 4))

    def forward(self, x):
        pooled = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        x = self.act(torch.cat([self.a(x), self.b(x), self.c(x), self.d(pooled)], 1))
        left, right = x.chunk(2, 1)
        x = torch.cat([torch.maximum(left, right), torch.tanh(left) * 0.5, x[:, ::2, :, :][:, :9]], 1)[:, :18]
        x = F.max_pool2d(F.pad(x, (0, 0, 0, 1)), 3, 2, ceil_mode=True)
        x = F.adaptive_avg_pool2d(x, (2, 2))
        return F.softmax(self.head(x), -1), x.amax((2, 3))


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = block(3, 8, 3, 2, act=nn.Hardswish)
        self.depth, self.point = block(8, 8, 3, 1, 8, nn.ReLU6), block(8, 8, 1, act=nn.SiLU)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.norm = nn.GroupNorm(2, 8)
        self.up = nn.ConvTranspose2d(8, 4, 3, 2, 1, 1)

    def forward(self, x):
        x = self.stem(x)
        y = self.point(self.depth(x))
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        x = self.norm(x + y * gate)
        return self.up(F.mish(x)), x


class ConvNext(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.norm0, self.norm = nn.LayerNorm(8), nn.LayerNorm(8, eps=1e-6)
        self.depth = nn.Conv2d(8, 8, 7, 1, 3, groups=8)
        self.fc1, self.fc2 = nn.Linear(8, 32), nn.Linear(32, 8)
        self.scale = nn.Parameter(torch.rand(8))
        self.head = nn.Linear(8, 6)

    def forward(self, x):
        x = self.norm0(self.stem(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = self.norm(self.depth(x).permute(0, 2, 3, 1))
        y = self.fc2(F.gelu(self.fc1(y))) * self.scale
        x = x + y.permute(0, 3, 1, 2)
        return self.head(x.mean((-2, -1)))


class Shuffle(nn.Module):
    """What moves values: halves, shuffled channels, resizing and sub-pixels."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(4, 5, 1)

    def forward(self, x):
        x = F.relu(self.conv(x))
        a, b = torch.split(x, [6, 10], 1)
        x = F.channel_shuffle(torch.cat([F.selu(b), F.softplus(a)], 1), 4)
        x = F.pixel_shuffle(x, 2)
        near = F.interpolate(x, scale_factor=2, mode="nearest")
        line = F.interpolate(x, size=(19, 23), mode="bilinear", align_corners=False)
        n, c, h, w = x.shape
        groups = x.reshape(n, 2, c // 2, h, w).transpose(1, 2).flatten(1, 2)
        picked = torch.stack([groups.select(1, 0), groups[:, -1]], 1).unsqueeze(1).squeeze(1)
        return self.last(x).relu_(), near[:, 1:3, :-2], F.pad(F.pad(line, (1, 2), value=0.5), (0, 1, 2, 0), "reflect"), picked.sum((2, 3)), torch.sqrt(groups.abs() + 1)


def archive(program):
    """What torch.export.save writes, without the stack traces of the exporting program and the pickled sample of an input."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return slim(buffer.getvalue())


def slim(data):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            if "/sample_inputs/" in entry.filename:
                continue
            content = old.read(entry)
            if "/models/" in entry.filename:
                model = json.loads(content)
                for node in model["graph_module"]["graph"]["nodes"]:
                    node["metadata"] = {key: value for key, value in node["metadata"].items() if key == "nn_module_stack"}
                content = json.dumps(model).encode()
            new.writestr(zipfile.ZipInfo(entry.filename), content)
    return out.getvalue()


def encode(tensor):
    data = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
    return {"shape": list(tensor.shape), "data": base64.b64encode(data).decode()}


def write(name, model, shape, core=True, dynamic=True):
    torch.manual_seed(3)
    model = model().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
        if isinstance(module, (nn.GroupNorm, nn.LayerNorm)):
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
    x = torch.randn(2, *shape)
    outputs = model(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    shapes = ({0: torch.export.Dim("N")},) if dynamic else None
    program = torch.export.export(model, (x,), dynamic_shapes=shapes)
    OUT.mkdir(exist_ok=True)
    (OUT / f"{name}.pt2").write_bytes(archive(program))
    expected = json.dumps({"input": encode(x), "outputs": [encode(o) for o in outputs]})
    (OUT / f"{name}.json").write_text(expected)
    if core:
        (OUT / f"{name}-core.pt2").write_bytes(archive(program.run_decompositions()))
        (OUT / f"{name}-core.json").write_text(expected)
    print(name, [tuple(o.shape) for o in outputs], sorted({str(n.target) for n in program.graph.nodes if n.op == "call_function"}))


if __name__ == "__main__":
    cases = [
        ("residual", Residual, [3, 24, 22], {}),
        ("residual-fixed", Residual, [3, 24, 22], {"core": False, "dynamic": False}),
        ("inception", Inception, [3, 15, 16], {}),
        ("mobile", Mobile, [3, 16, 18], {}),
        ("convnext", ConvNext, [3, 16, 16], {}),
        ("shuffle", Shuffle, [3, 8, 10], {"core": False}),
    ]
    for name, model, shape, more in cases:
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            write(name, model, shape, **more)
