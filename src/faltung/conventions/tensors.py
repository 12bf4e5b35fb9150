"""The rows of torch and kornia: x is (batch, channels, ...) there; here it stands for one channel of one image."""

from typing import Any

from ..errors import ParameterError
from .meaning import COMPLEX, Line, Meaning, Numbers, Operator, box_line, gaussian_line
from .rows import About, Arguments, Peer, along, depth

SAME_DTYPE = Numbers("of x", "of x", overflow="wraps", refuses=("bool", "uint16", "uint32", "uint64"))
CHANNELS = (
    "x and the kernel are one channel here, without batch and channel axes: x[0, 0] and w[0, 0] of tensors that have "
    "them; over several input channels torch adds the results up"
)
PADDING_MODES = {"zeros": "zero", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
BORDERS = {"constant": "zero", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
SOBEL, DIFFERENCE = (1.0, 2.0, 1.0), (-1.0, 0.0, 1.0)


def _plane(weights: Any, num: int) -> Any:
    """The one kernel of a weight tensor that is written out; None if there are several."""
    if weights is None:
        return None
    while depth(weights) > num:
        if len(weights) != 1:
            raise ParameterError(f"the weights hold {len(weights)} kernels: write out one")
        weights = weights[0]
    return weights


def _conv(a: Arguments, num: int, *, x: str, kernel: str, weights: Any, boundary: Any, remarks: Any) -> Meaning:
    stride = a.whole("stride", num)
    dilation = a.whole("dilation", num)
    padding = a["padding"]
    mode, margins = "padded", ()
    if padding == "same":
        mode = "same"
    elif padding == "valid" or padding in (0, (0,) * num, [0] * num):
        mode = "valid"
    else:
        margins = tuple((n, n) for n in a.whole("padding", num))
    return Meaning(
        a.function,
        x,
        kernel,
        _plane(weights, num),
        ndim=num,
        axes=tuple(range(-num, 0)),
        mode=mode,
        front="(k - 1) // 2",
        padding=margins,
        stride=stride if set(stride) != {1} else (),
        dilation=dilation if set(dilation) != {1} else (),
        boundary=boundary,
        numbers=SAME_DTYPE,
        remarks=remarks,
    )


def _functional(a: Arguments, about: About, *, num: int) -> Meaning:
    a.refuse({"bias": None, "groups": 1})
    return _conv(
        a, num, x=a.text("input"), kernel=a.text("weight"), weights=a.weights("weight"), boundary="zero",
        remarks=(CHANNELS,),
    )  # fmt: skip


def _layer(a: Arguments, about: About, *, num: int) -> Meaning:
    a.refuse({"groups": 1})
    boundary = a.choice("padding_mode", PADDING_MODES)
    remarks = (CHANNELS,) if a["bias"] is False else (CHANNELS, "the layer adds its bias; give bias=False for none")
    # a layer that is not called yet has no x
    return _conv(a, num, x=a.text("x").strip("'"), kernel="weight", weights=None, boundary=boundary, remarks=remarks)


def _avg_pool(a: Arguments, about: About) -> Meaning:
    a.refuse({"ceil_mode": False, "divisor_override": None})
    if a["count_include_pad"] is not True and a.whole("padding", 2) != (0, 0):
        raise ParameterError(f"{a.function}: count_include_pad=False is not covered by the table of conventions")
    sizes = a.whole("kernel_size", 2)
    stride = sizes if a["stride"] is None else a.whole("stride", 2)
    padding = a.whole("padding", 2)
    return Meaning(
        a.function,
        a.text("input"),
        operator=Operator("box", (tuple(map(box_line, sizes)),)),
        ndim=2,
        axes=(-2, -1),
        mode="valid" if padding == (0, 0) else "padded",
        padding=() if padding == (0, 0) else tuple((n, n) for n in padding),
        stride=stride if set(stride) != {1} else (),
        numbers=SAME_DTYPE,
        remarks=("windows do not overlap unless stride= says so",) if stride == sizes != (1, 1) else (),
    )


def _kornia(a: Arguments, about: About, **more: Any) -> Meaning:
    facts: dict[str, Any] = {
        "ndim": 2,
        "axes": (-2, -1),
        "front": "(k - 1) // 2",
        "boundary": a.choice("border_type", BORDERS) if "border_type" in a.values else "edge",
        "numbers": Numbers("float32 unless float", "float32 unless float", refuses=COMPLEX),
    }
    return Meaning(a.function, a.text("input"), **facts | more)


def _filter2d(a: Arguments, about: About) -> Meaning:
    flip = a.choice("behaviour", {"corr": False, "conv": True})
    return _kornia(
        a,
        about,
        kernel=a.text("kernel"),
        weights=_plane(a.weights("kernel"), 2),
        flip=flip,
        mode=a.choice("padding", {"same": "same", "valid": "valid"}),
        normalises=a.choice("normalized", {True: True, False: False}),
        of_sizes=a["normalized"],
    )


def _sobel(a: Arguments, about: About, *, length: bool) -> Meaning:
    normalised = a.choice("normalized", {True: True, False: False})
    name, across, scale = "sobel", SOBEL, 1 / 8
    if not length:
        if a["order"] != 1:
            raise ParameterError(f"{a.function}: order={a['order']} is not covered by the table of conventions: 1 is")
        if a.choice("mode", {"sobel": "sobel", "diff": "diff"}) == "diff":
            name, across, scale = "difference", (1.0,), 1 / 2
    right, down = (along(2, axis, DIFFERENCE, across) for axis in (1, 0))
    return _kornia(
        a,
        about,
        operator=Operator(name, (right, down), "length" if length else "stack"),
        scale=scale if normalised else 1.0,
        epsilon=a.real("eps")[0] / (scale if normalised else 1.0) ** 2 if length else 0.0,
    )


def _gaussian(a: Arguments, about: About) -> Meaning:
    taps, sigmas = a.whole("kernel_size", 2), a.real("sigma", 2)
    lines: tuple[Line, ...] = tuple(gaussian_line(s, k) for s, k in zip(sigmas, taps, strict=True))
    return _kornia(a, about, operator=Operator("gaussian", (lines,), sigmas=sigmas))


def _box(a: Arguments, about: About) -> Meaning:
    lines = tuple(map(box_line, a.whole("kernel_size", 2)))
    return _kornia(a, about, operator=Operator("box", (lines,)))


def _conv_rows(num: int) -> tuple[Peer, ...]:
    return (
        Peer(
            f"torch.nn.functional.conv{num}d",
            "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
            lambda a, about: _functional(a, about, num=num),
        ),
        Peer(
            f"torch.nn.Conv{num}d",
            "in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, "
            "padding_mode='zeros', device=None, dtype=None, *, x='x'",
            lambda a, about: _layer(a, about, num=num),
        ),
    )


ROWS = (
    *_conv_rows(1),
    *_conv_rows(2),
    *_conv_rows(3),
    Peer(
        "torch.nn.functional.avg_pool2d",
        "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None",
        _avg_pool,
    ),
    Peer(
        "kornia.filters.filter2d",
        "input, kernel, border_type='reflect', normalized=False, padding='same', behaviour='corr'",
        _filter2d,
    ),
    Peer(
        "kornia.filters.sobel",
        "input, normalized=True, eps=1e-6",
        lambda a, about: _sobel(a, about, length=True),
    ),
    Peer(
        "kornia.filters.spatial_gradient",
        "input, mode='sobel', order=1, normalized=True",
        lambda a, about: _sobel(a, about, length=False),
    ),
    Peer(
        "kornia.filters.gaussian_blur2d",
        "input, kernel_size, sigma, border_type='reflect', separable=True",
        _gaussian,
    ),
    Peer("kornia.filters.box_blur", "input, kernel_size, border_type='reflect', separable=True", _box),
)
