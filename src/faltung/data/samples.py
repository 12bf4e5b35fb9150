"""Pictures that installed packages carry: scikit-image's photographs, by name, without importing it."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import ParameterError
from ..spec import Array
from .files import read
from .packages import Package, read_known
from .pictures import INSTALL

SKIMAGE = Package("skimage", "scikit-image", INSTALL)


@dataclass(frozen=True)
class Photograph:
    """Where a picture lies and what it shows.

    Attributes:
        file: name in scikit-image's data folder.
        shows: what is on it, in a few words.
        rights: as scikit-image's documentation states them.
        sha256: of the file's bytes; documented numbers were made from these.
    """

    file: str
    shows: str
    rights: str
    sha256: str


PHOTOGRAPHS = {
    "astronaut": Photograph(
        "astronaut.png",
        "portrait of an astronaut, colour",
        "public domain (NASA)",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    "brick": Photograph(
        "brick.png", "brick wall", "CC0", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf"
    ),
    "camera": Photograph(
        "camera.png",
        "man with a camera on a tripod",
        "CC0",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    ),
    "cell": Photograph(
        "cell.png",
        "cell in saline, phase picture",
        "CC0",
        "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515",
    ),
    "chelsea": Photograph(
        "chelsea.png",
        "face of a cat, colour",
        "CC0",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    "clock": Photograph(
        "clock_motion.png",
        "wall clock, blurred by motion",
        "public domain",
        "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955",
    ),
    "coffee": Photograph(
        "coffee.png",
        "cup of coffee on wood, colour",
        "CC0",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    "coins": Photograph(
        "coins.png",
        "coins on a dark ground",
        "no known restrictions",
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    ),
    "grass": Photograph(
        "grass.png", "grass from above", "CC0", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"
    ),
    "gravel": Photograph(
        "gravel.png", "gravel from above", "CC0", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"
    ),
    "horse": Photograph(
        "horse.png",
        "silhouette of a horse, with alpha",
        "CC0",
        "c7fb60789fe394c485f842291ea3b21e50d140f39d6dcb5fb9917cc178225455",
    ),
    "hubble": Photograph(
        "hubble_deep_field.jpg",
        "galaxies on black, colour",
        "public domain (NASA)",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    ),
    "microaneurysms": Photograph(
        "microaneurysms.png",
        "detail of a retina",
        "CC0",
        "a1e1be59aa447f8ce082f7fa809997ab369a2b137cb6c4202abc647c7ccf6456",
    ),
    "moon": Photograph(
        "moon.png",
        "surface of the moon, low contrast",
        "not stated",
        "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577",
    ),
    "retina": Photograph(
        "retina.jpg",
        "retina in a black rim, colour",
        "CC0",
        "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
    ),
    "rocket": Photograph(
        "rocket.jpg",
        "rocket at launch, colour",
        "public domain",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
    "text": Photograph(
        "text.png",
        "printed letters, blurred",
        "public domain",
        "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1",
    ),
    "tissue": Photograph(
        "ihc.png",
        "stained glands of a colon, colour",
        "no known restrictions",
        "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
    ),
}
"""What the scikit-image wheel holds (0.24 to 0.26); pictures that it would download are not among them."""


def photographs() -> tuple[str, ...]:
    """Names that `photograph` knows.

    Example:
        >>> "camera" in photographs()
        True
    """
    return tuple(PHOTOGRAPHS)


def photograph(name: str) -> Array:
    """A real picture out of the installed scikit-image, by name; nothing is downloaded.

    Args:
        name: one of `photographs()`.

    Returns:
        uint8, (row, column) if grey, (row, column, 3) if in colour.

    Raises:
        ParameterError: no such picture.
        MissingDependency: scikit-image or Pillow is not installed; the message holds the line that installs them.
        FileError: the installed file is not the known one.

    Example:
        >>> photograph("camera").shape
        (512, 512)
    """
    return read(photograph_path(name)).values


def photograph_path(name: str) -> Path:
    """Where a picture lies, its bytes checked; errors as in `photograph`."""
    if name not in PHOTOGRAPHS:
        raise ParameterError(f"no photograph is called {name!r}; there are {', '.join(PHOTOGRAPHS)}")
    entry = PHOTOGRAPHS[name]
    path = SKIMAGE.file(f"data/{entry.file}", f"photograph {name!r}")
    read_known(path, entry.sha256, f"photograph {name!r}", SKIMAGE.install)
    return path
