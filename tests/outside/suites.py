"""The suites: whose tests, which of them, and which of their functions are ours while they run.

A new drop-in function gets its line in `swaps`. A test that Faltung fails on purpose gets a line
`file.py::Class::test[case] :: reason` in `differences/<suite>.txt`; a name without [case] stands for all its cases.
"""

from dataclasses import dataclass
from pathlib import Path

DIFFERENCES = Path(__file__).with_name("differences")


@dataclass(frozen=True)
class Suite:
    """Some tests of one library.

    Attributes:
        name: also that of its file of differences.
        package: whose tests; as pip names it.
        files: test modules in the installed package, dotted.
        swaps: "module:attribute" of the peer -> "module:attribute" of ours, put there before the tests are imported.
        classes: top-level classes and functions of the files that belong here; empty means all.
        but: beginnings of names (`Class::test`) that do not.
        options: more arguments for pytest.
    """

    name: str
    package: str
    files: tuple[str, ...]
    swaps: dict[str, str]
    classes: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def differences(self, folder: Path = DIFFERENCES) -> dict[str, str]:
        """The tests that fail on purpose, each with its reason."""
        path = folder / f"{self.name}.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        pairs = (line.split(" :: ", 1) for line in lines if line.strip() and not line.startswith("#"))
        return {name.strip(): reason.strip() for name, reason in pairs}


OF_SIGNAL = (
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "fftconvolve",
    "oaconvolve",
    "sepfir2d",
)

OF_NDIMAGE = (
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "minimum_filter",
    "minimum_filter1d",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
)

SUITES = (
    Suite(
        name="numpy",
        package="numpy",
        files=("numpy._core.tests.test_numeric",),
        classes=("TestConvolve", "TestCorrelate"),
        swaps={
            "numpy:convolve": "faltung.compat.numpy:convolve",
            "numpy:correlate": "faltung.compat.numpy:correlate",
        },
    ),
    Suite(
        name="scipy.signal",
        package="scipy",
        files=("scipy.signal.tests.test_signaltools", "scipy.signal.tests.test_bsplines"),
        classes=(
            "TestConvolve",
            "TestConvolve2d",
            "TestAllFreqConvolves",
            "test_convolve_longdtype_input",
            "TestCorrelateReal",
            "TestCorrelate",
            "TestCorrelateComplex",
            "TestCorrelate2d",
            "test_correlation_lags",
            "test_correlation_lags_invalid_mode",
            "test_choose_conv_method",
            "test_choose_conv_method_2",
            "TestSepfir2d",
        ),
        swaps={f"scipy.signal:{name}": f"faltung.compat.scipy_signal:{name}" for name in OF_SIGNAL},
    ),
    # alone, so that what they are compared with in their tests is SciPy's
    Suite(
        name="scipy.signal.fftconvolve",
        package="scipy",
        files=("scipy.signal.tests.test_signaltools",),
        classes=("TestFFTConvolve",),
        swaps={f"scipy.signal:{name}": f"faltung.compat.scipy_signal:{name}" for name in ("convolve", "fftconvolve")},
    ),
    Suite(
        name="scipy.signal.oaconvolve",
        package="scipy",
        files=("scipy.signal.tests.test_signaltools",),
        classes=("TestOAConvolve",),
        swaps={"scipy.signal:oaconvolve": "faltung.compat.scipy_signal:oaconvolve"},
    ),
    Suite(
        name="scipy.linalg",
        package="scipy",
        files=("scipy.linalg.tests.test_special_matrices",),
        classes=("TestConvolutionMatrix",),
        swaps={"scipy.linalg:convolution_matrix": "faltung.compat.scipy_linalg:convolution_matrix"},
    ),
    Suite(
        name="scipy.ndimage",
        package="scipy",
        files=("scipy.ndimage.tests.test_filters",),
        # filters by rank or by a function of the caller's, which are no part of ours
        but=(
            "TestVectorizedFilter",
            "TestNdimageFilters::test_rank",
            "TestNdimageFilters::test_generic_filter",
            "TestThreading::test_median",
            "test_byte_order_median",
            "test_gh_22",
            "test_gh_23",
            "test_median",
            "test_rank",
            "test_size_footprint_both_set",
            "test_ticket_701",
            "test_valid_origins1",
        ),
        swaps={f"scipy.ndimage:{name}": f"faltung.compat.scipy_ndimage:{name}" for name in OF_NDIMAGE},
    ),
    Suite(
        name="scipy.ndimage.grey",
        package="scipy",
        files=("scipy.ndimage.tests.test_morphology",),
        swaps={
            f"scipy.ndimage:{name}": f"faltung.compat.scipy_ndimage:{name}"
            for name in ("grey_dilation", "grey_erosion")
        },
        options=("-k", "grey_dilation or grey_erosion"),
    ),
    Suite(
        name="astropy",
        package="astropy",
        files=(
            "astropy.convolution.tests.test_convolve",
            "astropy.convolution.tests.test_convolve_fft",
            "astropy.convolution.tests.test_convolve_kernels",
            "astropy.convolution.tests.test_convolve_nddata",
            "astropy.convolution.tests.test_kernel_class",
        ),
        swaps={
            "astropy.convolution.convolve:convolve": "faltung.compat.astropy:convolve",
            "astropy.convolution.convolve:convolve_fft": "faltung.compat.astropy:convolve_fft",
        },
    ),
)
BY_NAME = {suite.name: suite for suite in SUITES}
