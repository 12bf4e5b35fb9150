"""The public calls as a user's type checker sees them: pyrefly and mypy both pass this file.

Wrong calls carry an ignore comment, and an ignore that is not needed is an error: so they stay refused.
"""

from typing import Any, Literal, assert_type

import numpy as np
from numpy.typing import NDArray

import faltung as ft

Array = np.ndarray[Any, np.dtype[Any]]


def arrays_go_in_and_come_out(x: NDArray[np.float32], kernel: list[float]) -> None:
    assert_type(ft.convolve(x, kernel), Array)
    assert_type(ft.correlate([1, 2, 3], (1, 2)), Array)
    assert_type(ft.convolve(x, x, mode="same", boundary="reflect", stride=2, dilation=(1, 2), axes=(0, 1)), Array)
    assert_type(ft.convolve(x, x, boundary=("constant", 2.0), padding=[(1, 2), 3], dtype=np.float64, out=x), Array)


def a_plan_is_made_once_and_called_often(x: NDArray[np.float64]) -> None:
    plan = ft.plan((512, 512), np.ones((3, 3)), mode="valid", x_dtype="float32")
    assert_type(plan, ft.Plan)
    assert_type(plan(x), Array)
    assert_type(plan(x, out=x, workers=1), Array)
    assert_type(plan.method, str)
    assert_type(plan.explain(), ft.Explanation)


def an_explanation_names_the_method_and_the_reason(x: Array) -> None:
    explanation = ft.explain(x, [1.0, 2.0, 1.0], flip=False, method="direct")
    assert_type(explanation, ft.Explanation)
    assert_type(explanation.method, str)
    assert_type(explanation.reason, str)
    assert_type(ft.methods(), tuple[str, ...])


def filters_take_a_picture_and_give_one_back(x: NDArray[np.uint8]) -> None:
    assert_type(ft.gaussian(x, (1.0, 2.0), axes=(0, 1)), Array)
    assert_type(ft.smooth(x, "hann:50", boundary="edge"), Array)
    assert_type(ft.sobel(x, 1, scale="unit"), Array)
    assert_type(ft.edges(x, sigma=2), ft.Edges)
    assert_type(ft.edges(x).direction, Array)
    assert_type(ft.canny(x, sigma=None, low=3), Array)
    assert_type(ft.max_filter(x, (3, 5)), Array)
    assert_type(ft.max_pool(x, 3, stride=2, ceil_mode=True), Array)
    assert_type(ft.avg_pool(x, 2, count_include_pad=False), Array)
    assert_type(ft.lp_pool(x, 2, 2), Array)
    assert_type(ft.kernels.hann(50, dtype=np.float32), Array)
    assert_type(ft.kernels.names(), tuple[str, ...])


def the_calls_of_other_libraries_are_theirs(x: NDArray[np.float64]) -> None:
    assert_type(ft.compat.astropy.convolve(x, [[1]], "extend"), Any)
    assert_type(ft.compat.astropy.convolve_fft(x, [[1]], None, min_wt=0.5), Any)
    assert_type(ft.compat.numpy.convolve([1, 2], x, "same"), Array)
    assert_type(ft.compat.scipy_signal.convolve2d(x, x, "same", "symm"), Array)
    assert_type(ft.compat.scipy_signal.fftconvolve(x, x, axes=[0]), Array)
    assert_type(ft.compat.scipy_signal.choose_conv_method(x, x), Literal["direct", "fft"])
    assert_type(ft.compat.scipy_signal.choose_conv_method(x, x, measure=True)[1]["fft"], float)
    assert_type(ft.compat.scipy_linalg.convolution_matrix([1, 2], 3), Array)


def calls_are_translated_and_compared(x: Array) -> None:
    translation = ft.translate("np.convolve(x, k)", to="cv2", ndim=2, dtype=np.uint8)
    assert_type(translation, ft.Translation)
    assert_type(translation.code, str)
    assert_type(translation.notes, tuple[str, ...])
    differences = ft.why_different("np.convolve(x, k)", "conv(x, k)", x=x, kernel=[1.0, 2.0], of=(None, "matlab"))
    assert_type(differences, ft.Differences)
    assert_type(differences["flip"], ft.Difference)
    assert_type(differences.names, tuple[str, ...])
    ft.translate("np.convolve(x, k)", "cv2")  # type: ignore[call-arg]


def networks_are_inspected(net: Any) -> None:
    found = ft.networks.inspect(net, (1, 3, 224, 224))
    assert_type(found, ft.networks.Inspection)
    assert_type(found.layers[0], ft.networks.Layer)
    assert_type(found.layers[0].fields[0].length, int)
    size = ft.networks.output_size(net, (1, 3, None, None))
    assert_type(size(224), tuple[int, ...])
    assert_type(size.valid, ft.networks.ValidSizes)
    assert_type(ft.networks.valid_sizes(net, [1, 3, None]).upto(100), list[int])
    assert_type(ft.networks.receptive_field(net, (1, 3, 9), layer="conv"), tuple[ft.networks.ReceptiveField, ...])
    assert_type(ft.networks.receptive_positions(net, (1, 3, 9), (4,)), tuple[tuple[int, ...], ...])
    ft.networks.inspect(net, (1, 3, None))  # type: ignore[arg-type]


def every_error_is_ours_and_the_builtin_beside_it() -> None:
    ours: list[type[ft.FaltungError]] = [ft.ShapeError, ft.ParameterError, ft.BoundaryError, ft.DtypeError]
    ours += [ft.IntegerOverflow, ft.AccuracyError, ft.MethodError, ft.FileError, ft.ExpressionError]
    values: list[type[ValueError]] = [ft.ShapeError, ft.ParameterError, ft.BoundaryError, ft.MethodError]
    file: type[OSError] = ft.FileError
    missing: type[ImportError] = ft.MissingDependency
    del ours, values, file, missing


def wrong_words_are_refused_before_the_call_runs(x: Array) -> None:
    ft.convolve(x, x, mode="sane")  # type: ignore[call-overload]
    ft.convolve(x, x, overflow="clip")  # type: ignore[call-overload]
    ft.convolve(x, x, "same")  # type: ignore[call-overload]
    ft.convolve(x, x, border="reflect")  # type: ignore[call-overload]
    ft.plan(x, x, flip="yes")  # type: ignore[arg-type]
    ft.scharr(x, scale="one")  # type: ignore[arg-type]


def files_are_read_and_written(x: NDArray[np.uint8]) -> None:
    content = ft.data.read("photo.jpg", frame=0)
    assert_type(content, ft.data.Content)
    assert_type(content.values, Array)
    assert_type(ft.data.write("grey.png", ft.data.to_grey(content.values), like=content), ft.data.Written)
    assert_type(ft.data.write("edges.png", x, tones=(0.0, 255.0)).notes, tuple[str, ...])
    ft.data.write("edges.png", x, tones="loud")  # type: ignore[arg-type]


def sets_come_as_examples() -> None:
    train, test = ft.data.fashion_mnist("train").split(0.9, seed=1)
    assert_type(train, ft.data.Examples)
    assert_type(test.subset([0, 1]).classes, tuple[str, ...])
    assert_type(ft.data.shakespeare("valid"), str)
    assert_type(
        ft.data.examples_of("cells", size=(64, 64), values={"ground": 0, "cell": (255, 0, 0)}), ft.data.Examples
    )
    ft.data.nuclei("left")  # type: ignore[arg-type]
    ft.data.examples_of("cells", fit="stretch")  # type: ignore[arg-type]


def drop_in_modules_are_typed(x: NDArray[np.float32]) -> None:
    ndimage = ft.compat.scipy_ndimage
    assert_type(ndimage.gaussian_filter(x, [1.0, 2], mode=["wrap", "nearest"], axes=(0, 1)), Array)
    assert_type(ndimage.maximum_filter(x, footprint=np.ones((3, 3)), output=np.float64), Array)
    ndimage.sobel(x, axis="x")  # type: ignore[arg-type]
    ndimage.correlate(x, x, boundary="wrap")  # type: ignore[call-arg]


def layers_are_modules_and_options_have_names() -> None:
    layer = ft.nn.DropBlock2d(0.1, block=(3, 5), key=1, schedule=ft.nn.Ramp(100))
    assert_type(layer.rate, float)
    assert_type(layer.is_on, bool)
    assert_type(ft.nn.Ramp(10)(3), float)
    ft.nn.Ramp("ten")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]
    with ft.nn.at(origin=(3, 4), sample=range(2)):
        pass
