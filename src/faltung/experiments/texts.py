"""The reading list and the questions to discuss, with the experiments that answer them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A text worth reading.

    Attributes:
        short: authors and year.
        cited: title and where it appeared.
        ask: the question to read it with.
        shown_by: slugs of the experiments here that answer it.
    """

    short: str
    cited: str
    ask: str
    shown_by: tuple[str, ...]


TEXTS = (
    Text(
        "LeCun et al. 1998",
        "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, Proceedings of the"
        " IEEE 86",
        "What does a net gain when it need not learn a digit anew at every place?",
        ("shifted-digits", "pooling", "convnet-stages", "train-classifier"),
    ),
    Text(
        "Dumoulin, Visin 2016",
        "A guide to convolution arithmetic for deep learning, arXiv 1603.07285",
        "How many numbers come out, and which of the input does each of them see?",
        ("padding-stride", "pooling", "window-steps", "torch-twins"),
    ),
    Text(
        "Yu, Koltun 2016",
        "Multi-scale context aggregation by dilated convolutions, ICLR",
        "How does a small stack see far without losing resolution?",
        ("dilation", "gated-text"),
    ),
    Text(
        "Canny 1986",
        "A computational approach to edge detection, IEEE PAMI 8",
        "Why smooth before the slope is taken, if smoothing blurs the edge?",
        ("noisy-edges", "sobel", "photo-edges"),
    ),
    Text(
        "Scharr 2000",
        "Optimale Operatoren in der digitalen Bildverarbeitung, dissertation, Heidelberg",
        "How can nine weights tell a direction, and how wrong are they?",
        ("scharr", "sobel"),
    ),
    Text(
        "Cooley, Tukey 1965",
        "An algorithm for the machine calculation of complex Fourier series, Mathematics of Computation 19",
        "When is a detour by spectra shorter than the sum itself, and what does it cost in digits?",
        ("race", "wrong-elsewhere"),
    ),
    Text(
        "Ronneberger et al. 2015",
        "Ronneberger, Fischer, Brox: U-Net, convolutional networks for biomedical image segmentation, MICCAI,"
        " arXiv 1505.04597",
        "How can one picture be enough to learn from, and why do sizes shrink on the way?",
        ("unet-nuclei", "exact-tiles"),
    ),
    Text(
        "Livnat et al. 2008",
        "Livnat, Papadimitriou, Dushoff, Feldman: A mixability theory for the role of sex in evolution, PNAS 105",
        "What does selection favour when partners change in every generation?",
        ("mixability",),
    ),
    Text(
        "Srivastava et al. 2014",
        "Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: Dropout, a simple way to prevent neural networks"
        " from overfitting, JMLR 15",
        "What do units learn that cannot rely on each other?",
        ("co-adaptation", "dropout-noise", "regularisers", "dropout-grid", "mixability"),
    ),
    Text(
        "Gal, Ghahramani 2016",
        "Dropout as a Bayesian approximation: representing model uncertainty in deep learning, ICML, arXiv 1506.02142",
        "What does it mean that a net answers differently when it is asked again?",
        ("uncertainty-digits",),
    ),
    Text(
        "Dauphin et al. 2017",
        "Dauphin, Fan, Auli, Grangier: Language modeling with gated convolutional networks, ICML, arXiv 1612.08083",
        "What does a text need of its past, and what does a gate let through?",
        ("gated-text",),
    ),
)
"""In the order of the workshop's topics."""

DISCUSSION = (
    (
        "Is a layer of a ConvNet a convolution?",
        "a correlation; where weights are learned it makes no difference",
        "torch-twins",
    ),
    ("Does binning move a signal?", "by half a sample where the number of taps is even", "binning"),
    ("Is the fitter population the better one?", "not once partners change", "mixability"),
    ("Does dropout work by deleting?", "noise of the same mean and variance does much the same", "dropout-noise"),
    (
        "Does a fast algorithm give the same numbers?",
        "within a bound that can be promised, or not at all",
        "wrong-elsewhere",
    ),
    ("Does pooling forgive a shift?", "within a window, and by losing the place", "pooling"),
    (
        "Does a net know what it does not know?",
        "asked many times it is less sure of what it never saw, and still too sure",
        "uncertainty-digits",
    ),
    ("How much of its past does a text need?", "for small nets a few characters bring nearly all", "gated-text"),
)
"""Question, the short answer, slug of the experiment that argues for it."""
