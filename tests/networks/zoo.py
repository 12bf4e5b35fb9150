"""Forty small networks of all kinds, with the shape of their input: what the calculators are held to."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

import faltung as ft

F = nn.functional


@dataclass(frozen=True)
class Case:
    """A network and its input: None stands for the size that is tried, the rest is fixed."""

    make: Callable[[], nn.Module]
    shape: tuple[int | None, ...]


CASES: dict[str, Case] = {}


def case(*shape: int | None):
    def enter(make):
        CASES[make.__name__] = Case(make, shape)
        return make

    return enter


@case(1, 1, None, 9)
def plain():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 1, 5, 2))


@case(1, 1, None, None)
def vgg_like():
    layers = []
    for a, b in ((1, 2), (2, 2), (2, 3)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(True), nn.Conv2d(b, b, 3, padding=1), nn.ReLU(True)]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers)


@case(1, 3, None, 32)
def tutorial_classifier():
    # the 16 * 5 * 5 of the well-known tutorial
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 5 * 5, 12), nn.ReLU(), nn.Linear(12, 3)),
    )


@case(1, 1, None, None)
def square_classifier():
    # both sides vary together: the number of elements is a square
    return nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * 36, 3))


class Residual(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.one = nn.Conv2d(a, b, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(b)
        self.two = nn.Conv2d(b, b, 3, 1, 1)
        self.short = nn.Conv2d(a, b, 1, stride) if a != b or stride > 1 else nn.Identity()

    def forward(self, x):
        y = F.relu(self.norm(self.one(x)), inplace=True)
        y = self.two(y)
        y += self.short(x)
        return torch.relu(y)


@case(1, 1, None, 17)
def residual():
    return nn.Sequential(
        nn.Conv2d(1, 2, 7, 2, 3), nn.MaxPool2d(3, 2, 1), Residual(2, 2, 1), Residual(2, 3, 2), Residual(3, 3, 2)
    ).eval()


@case(1, 1, None, None)
def residual_with_mean():
    return nn.Sequential(
        Residual(1, 2, 2), Residual(2, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)
    ).eval()


class ValidResidual(nn.Module):
    """Valid convolutions; the skip is cropped to what is left."""

    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(), nn.Conv2d(1, 1, 4))

    def forward(self, x):
        y = self.convs(x)
        return y + x[:, :, 2:-3, 2:-3]


@case(1, 1, None, 23)
def valid_residual():
    return nn.Sequential(ValidResidual(), ValidResidual(), nn.AvgPool2d(2))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(1 + i, 1, 3, padding=1) for i in range(3))

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(F.relu(layer(torch.cat(features, 1))))
        return torch.cat(features, dim=1)


@case(1, 1, None, 10)
def dense():
    return nn.Sequential(Dense(), nn.Conv2d(4, 1, 1), nn.AvgPool2d(2), Dense(), nn.Conv2d(4, 1, 1), nn.AvgPool2d(2, 3))


class Block(nn.Sequential):
    def __init__(self, a, b, padding):
        super().__init__(nn.Conv2d(a, b, 3, padding=padding), nn.ReLU(), nn.Conv2d(b, b, 3, padding=padding), nn.ReLU())


class UNet(nn.Module):
    """`skip`: "cat" needs equal sizes, "crop" cuts it, "fit" resizes to it, "pad" pads up to it, "none": no skip."""

    def __init__(self, skip, *, padding=1, depth=2, transposed=True):
        super().__init__()
        self.skip = skip
        widths = [1, 2, 3, 4][: depth + 1]
        self.down = nn.ModuleList(Block(a, b, padding) for a, b in pairwise(widths))
        self.bottom = Block(widths[-1], widths[-1], padding)
        self.up, self.join = nn.ModuleList(), nn.ModuleList()
        for a, b in zip(widths[:0:-1], [*widths[-2:0:-1], 2], strict=True):
            up = nn.ConvTranspose2d(a, a, 2, stride=2) if transposed else nn.Upsample(scale_factor=2)
            self.up.append(up)
            self.join.append(Block(a if skip == "none" else 2 * a, b, padding))

    def forward(self, x):
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join, strict=True):
            x, skip = up(x), skips.pop()
            if self.skip == "crop":
                top, left = [(a - b) // 2 for a, b in zip(skip.shape[2:], x.shape[2:], strict=True)]
                skip = skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]
            elif self.skip == "fit":
                x = F.interpolate(x, size=skip.shape[2:], mode="nearest")
            elif self.skip == "pad":
                dy, dx = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
                x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            x = join(x if self.skip == "none" else torch.cat([skip, x], dim=1))
        return x


@case(1, 1, None, None)
def unet_cat():
    return UNet("cat", depth=3)


@case(1, 1, None, None)
def unet_crop():
    return UNet("crop", padding=0)


@case(1, 1, None, 21)
def unet_fit():
    return UNet("fit")


@case(1, 1, None, 20)
def unet_pad():
    return UNet("pad", transposed=False)


@case(1, 1, None, 12)
def unet_without_skips():
    return UNet("none", transposed=False, depth=1)


@case(1, 1, None)
def dilated():
    return nn.Sequential(*(nn.Conv1d(1, 1, 3, dilation=2**i) for i in range(5)))


@case(1, 1, None)
def gridded():
    # all dilations alike: the field has holes
    return nn.Sequential(*(nn.Conv1d(1, 1, 3, dilation=3, padding=2) for _ in range(3)), nn.MaxPool1d(2, dilation=3))


class Causal(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(1, 2, 2, dilation=2**i) for i in range(4))

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            y = conv(F.pad(x, (2**i, 0)))
            a, b = y.chunk(2, dim=1)
            x = x + torch.tanh(a) * torch.sigmoid(b)
        return x


@case(1, 1, None)
def causal_gated():
    return Causal()


@case(1, 1, None, 7)
def transposed():
    return nn.Sequential(
        nn.Conv2d(1, 1, 4, stride=3, padding=1),
        nn.ConvTranspose2d(1, 1, 4, stride=3, padding=2, output_padding=1),
        nn.ConvTranspose2d(1, 1, 3, stride=2, padding=3, dilation=2),
    )


@case(1, 1, None)
def transposed_with_holes():
    # one tap and stride 2: every second output sees nothing
    return nn.Sequential(nn.ConvTranspose1d(1, 1, 1, stride=2, bias=False), nn.Conv1d(1, 1, 2, dilation=3, padding=1))


@case(1, 1, None, 11)
def odd_padding():
    return nn.Sequential(
        nn.ZeroPad2d((0, 1, 3, 0)),
        nn.Conv2d(1, 1, (4, 2), stride=(3, 1)),
        nn.ReflectionPad2d((1, 2, 0, 4)),
        nn.Conv2d(1, 1, (2, 5)),
        nn.ReplicationPad2d((2, 0, 1, 3)),
        nn.Conv2d(1, 1, 3),
    )


@case(1, 1, None)
def circular():
    return nn.Sequential(
        nn.Conv1d(1, 1, 5, padding=2, padding_mode="circular"),
        nn.MaxPool1d(3),
        nn.Conv1d(1, 1, 7, padding=3, padding_mode="circular"),
    )


@case(1, 1, None)
def negative_padding():
    return nn.Sequential(nn.ZeroPad1d((-2, -3)), nn.Conv1d(1, 1, 3), nn.ZeroPad1d((-4, 1)), nn.MaxPool1d(2))


@case(1, 1, None, 13)
def same_padding():
    return nn.Sequential(
        nn.Conv2d(1, 1, (4, 3), padding="same"),
        nn.Conv2d(1, 1, 5, padding="same", dilation=2),
        nn.Conv2d(1, 1, 2, 2, "valid"),
    )


class TensorFlowSame(nn.Conv2d):
    def forward(self, x):
        pads = []
        for i in (1, 0):
            size, k, s = x.shape[2 + i], self.kernel_size[i], self.stride[i]
            total = max((math.ceil(size / s) - 1) * s + k - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


@case(1, 1, None, 19)
def tensorflow_same():
    return nn.Sequential(*(TensorFlowSame(1, 1, k, stride=s) for k, s in ((3, 2), (5, 2), (2, 3), (1, 2))))


@case(1, 1, None, 14)
def ceil_mode():
    return nn.Sequential(
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(1, 1, 3, padding=1),
        nn.AvgPool2d(2, 3, padding=1, ceil_mode=True),
        nn.MaxPool2d(2, 4, ceil_mode=True),
    )


@case(1, 1, None)
def ceil_mode_beyond_the_end():
    return nn.Sequential(
        nn.MaxPool1d(2, 5, padding=1, ceil_mode=True), nn.MaxPool1d(3, 4, dilation=2, padding=1, ceil_mode=True)
    )


@case(1, 1, None, 8)
def norm_pool():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.LPPool2d(2, 3, 2), nn.Softplus(), nn.Conv2d(2, 1, 1))


@case(1, 1, None, 12)
def resized_by_factor():
    return nn.Sequential(
        nn.Conv2d(1, 1, 3, 2),
        nn.Upsample(scale_factor=(3, 1.5)),
        nn.Conv2d(1, 1, 3),
        nn.Upsample(scale_factor=0.5, mode="bilinear"),
        nn.Upsample(scale_factor=2, mode="bicubic"),
    )


@case(1, 1, None)
def resized_by_a_long_fraction():
    # 0.3 is no short binary fraction: torch's products are rounded, so no formula is given
    return nn.Sequential(nn.Upsample(scale_factor=0.3), nn.Conv1d(1, 1, 3), nn.Upsample(scale_factor=2.7))


class Pyramid(nn.Module):
    """Means over 1, 2, 3 and 6 parts, enlarged again and joined."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(1, 1, 1) for _ in range(4))

    def forward(self, x):
        x = F.avg_pool2d(x, 2)
        parts = [x]
        for size, conv in zip((1, 2, 3, 6), self.convs, strict=True):
            parts.append(F.interpolate(conv(F.adaptive_avg_pool2d(x, size)), x.shape[-2:], mode="bilinear"))
        return torch.cat(parts, 1)


@case(1, 1, None, 24)
def pyramid():
    return Pyramid()


@case(1, 1, None, 9)
def adaptive():
    return nn.Sequential(nn.Conv2d(1, 1, 3, 2), nn.AdaptiveMaxPool2d((5, None)), nn.Conv2d(1, 1, 3), nn.Flatten(2))


@case(1, 1, None, 15)
def asymmetric():
    return nn.Sequential(
        nn.Conv2d(1, 2, (1, 7), padding=(0, 3)),
        nn.Conv2d(2, 2, (7, 1), stride=(2, 1)),
        nn.MaxPool2d((3, 1), (1, 2)),
        nn.Conv2d(2, 1, (3, 2), dilation=(2, 1)),
    )


@case(1, 4, None)
def grouped():
    return nn.Sequential(nn.Conv1d(4, 8, 3, groups=4), nn.PReLU(8), nn.Conv1d(8, 4, 5, groups=2, stride=2))


class Shuffled(nn.Module):
    """Channels shuffled by views; branches on halves of the channels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1, groups=2)

    def forward(self, x):
        a, b = torch.split(x, 2, dim=1)
        x = torch.cat([a, self.conv(b)], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


@case(1, 4, None, 9)
def shuffled():
    return nn.Sequential(Shuffled(), nn.MaxPool2d(2), Shuffled())


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.less, self.more = nn.Linear(2, 1), nn.Linear(1, 2)

    def forward(self, x):
        x = self.conv(x)
        gate = torch.sigmoid(self.more(F.relu(self.less(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


@case(1, 1, None, 6)
def squeeze_excite():
    return nn.Sequential(nn.Conv2d(1, 1, 3, 2), SqueezeExcite())


class Reused(nn.Module):
    """One convolution, used four times, with functional calls between."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)
        self.act = nn.ReLU()

    def forward(self, x):
        for i in range(4):
            x = self.act(self.conv(x))
            if i % 2:
                x = F.avg_pool2d(x, 2)
        return F.log_softmax(x, dim=1)


@case(1, 1, None, 30)
def reused():
    return Reused()


class Functional(nn.Module):
    """No module inside: weights and functions only."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2, 1, 3))
        self.v = nn.Parameter(torch.ones(2, 1, 4))

    def forward(self, x):
        x = F.conv1d(x, self.w, stride=2)
        x = torch.nn.functional.leaky_relu(x, 0.1)
        x = F.conv_transpose1d(x, self.v, stride=3, padding=1)
        return F.max_pool1d(x, kernel_size=2, return_indices=True)[0].clamp(min=0)


@case(1, 1, None)
def functional():
    return Functional()


class Norms(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(1, 2, 3, 2), norm, nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x):
        return self.last(F.gelu(self.norm(self.first(x))))


@case(1, 1, None, 7)
def instance_norm():
    return Norms(nn.InstanceNorm2d(2))


@case(1, 1, None, None)
def group_norm():
    return Norms(nn.GroupNorm(2, 2))


@case(1, 1, None, None)
def batch_norm_in_training():
    return Norms(nn.BatchNorm2d(2)).train()


class ChannelsLast(nn.Module):
    """As in ConvNeXt: a norm and linear layers on the last axis, between permutations."""

    def __init__(self):
        super().__init__()
        self.depth = nn.Conv2d(2, 2, 7, padding=3, groups=2)
        self.norm, self.wide, self.narrow = nn.LayerNorm(2), nn.Linear(2, 4), nn.Linear(4, 2)

    def forward(self, x):
        y = self.depth(x).permute(0, 2, 3, 1)
        y = self.narrow(F.gelu(self.wide(self.norm(y))))
        return x + y.permute(0, 3, 1, 2)


@case(1, 1, None, 12)
def channels_last():
    return nn.Sequential(nn.Conv2d(1, 2, 4, 4), ChannelsLast(), nn.Conv2d(2, 2, 2, 2), ChannelsLast())


@case(1, 1, None, 5, 6)
def volume():
    return nn.Sequential(
        nn.Conv3d(1, 2, 3, padding=1),
        nn.MaxPool3d(2),
        nn.Conv3d(2, 2, (3, 1, 2)),
        nn.ConvTranspose3d(2, 1, 2, 2),
        nn.AvgPool3d((2, 1, 1)),
    )


@case(1, 1, None, 10)
def pixel_shuffles():
    return nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 9, 3), nn.PixelShuffle(3), nn.Conv2d(1, 1, 2))


class Unpooled(nn.Module):
    """Pooling that keeps its places, and puts the values back there."""

    def forward(self, x):
        y, places = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(y * 2, places, 2)


@case(1, 1, None, 8)
def unpooled():
    return nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), Unpooled())


class Decides(nn.Module):
    """Python decides by sizes: small inputs take another way, sizes that are no multiple of 8 are refused."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)

    def forward(self, x):
        if x.shape[2] % 8:
            raise ValueError("the height must be a multiple of 8")
        if x.shape[2] > 64:
            x = F.avg_pool2d(x, 2)
        return self.conv(x)


@case(1, 1, None, 20)
def decides():
    return Decides()


@case(1, 1, None, 14)
def backwards():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, (4, 3), stride=(3, 1))

        def forward(self, x):
            x = self.conv(torch.flip(x, [2]))
            return torch.cat([x, x.roll(1, 2)[:, :, ::2]], dim=2)[:, :, 1:]

    return Turned()


@case(1, 1, None, 5)
def sums_so_far():
    class Sums(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 2, 2)

        def forward(self, x):
            return torch.cumsum(self.conv(x), dim=2)[:, :, 1:-1]

    return Sums()


@case(1, 2, None)
def attention_over_time():
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.query, self.key = nn.Conv1d(2, 2, 3, padding=1), nn.Conv1d(2, 2, 3, 2)

        def forward(self, x):
            scores = torch.matmul(self.query(x).transpose(1, 2), self.key(x)) / 2
            return torch.einsum("bqk,bck->bcq", scores.softmax(-1), self.key(x))

    return Attends()


@case(1, 1, None, 9)
def any_boundary():
    # reflections of reflections at small sizes, two rules on an axis, a value, a crop behind
    return nn.Sequential(
        ft.nn.Conv2d(1, 1, 5, padding=2, boundary="reflect"),
        ft.nn.Conv2d(1, 1, 3, stride=2, padding=2, boundary=[("edge", "wrap"), ("constant", 1.0)]),
        ft.nn.Conv2d(1, 1, 3, padding=3, boundary=["symmetric", "wrap"]),
    )
