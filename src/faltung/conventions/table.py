"""The table of functions, and the way from the text of a call to its row and its meaning."""

import difflib
import re
from typing import Any

import numpy as np

from ..errors import DtypeError, ParameterError
from . import arrays, languages, ours, pictures, tensors
from .calls import read_matrices, read_python
from .meaning import Meaning
from .rows import About, Peer

ROWS: dict[str, Peer] = {
    row.name: row for row in (*arrays.ROWS, *pictures.ROWS, *tensors.ROWS, *languages.ROWS, *ours.ROWS)
}

ALIASES = {
    "np": "numpy",
    "signal": "scipy.signal",
    "sps": "scipy.signal",
    "sp.signal": "scipy.signal",
    "ndimage": "scipy.ndimage",
    "ndi": "scipy.ndimage",
    "nd": "scipy.ndimage",
    "sp.ndimage": "scipy.ndimage",
    "cv": "cv2",
    "filters": "skimage.filters",
    "ski.filters": "skimage.filters",
    "F": "torch.nn.functional",
    "nn.functional": "torch.nn.functional",
    "nn": "torch.nn",
    "kf": "kornia.filters",
    "K": "kornia.filters",
    "convolution": "astropy.convolution",
    "ft": "faltung",
}
"""How modules are usually imported."""

LANGUAGES = {
    "matlab": "matlab",
    "octave": "matlab",
    "julia": "ImageFiltering",
    "imagefiltering.jl": "ImageFiltering",
    "imagefiltering": "ImageFiltering",
}
LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy.ndimage",
    "scipy.signal": "scipy.signal",
    "scipy.ndimage": "scipy.ndimage",
    "ndimage": "scipy.ndimage",
    "signal": "scipy.signal",
    "cv2": "cv2",
    "opencv": "cv2",
    "skimage": "skimage.filters",
    "skimage.filters": "skimage.filters",
    "scikit-image": "skimage.filters",
    "astropy": "astropy.convolution",
    "astropy.convolution": "astropy.convolution",
    "torch": "torch.nn.functional",
    "torch.nn.functional": "torch.nn.functional",
    "pytorch": "torch.nn.functional",
    "kornia": "kornia.filters",
    "kornia.filters": "kornia.filters",
    "faltung": "faltung",
    **LANGUAGES,
}
"""What `of=` and `to=` may be -> where its rows are."""


def library(name: str, given: Any) -> str:
    """The library that `of=` or `to=` names."""
    if not isinstance(given, str) or given.lower() not in LIBRARIES:
        raise ParameterError(f"{name}={given!r}: known are {', '.join(LIBRARIES)}")
    return LIBRARIES[given.lower()]


def meaning_of(call: str, *, of: str | None = None, ndim: int | None = None, dtype: Any = None) -> Meaning:
    """What a call computes.

    Raises:
        ParameterError: it is not one call, or not of a function or with arguments that the table knows.
    """
    if not isinstance(call, str):
        raise ParameterError(f"call={call!r}: a call as text is expected, e.g. \"np.convolve(x, k, 'same')\"")
    prefix = re.match(r"\s*(matlab|octave|julia)\s*:\s*", call, re.I)
    if prefix is not None:
        of, call = prefix[1], call[prefix.end() :]
    where = None if of is None else library("of", of)
    if where is None and _looks_like_matrices(call):
        where = _language(call)
    # ast does not read 'a(B, ''same'')'; MATLAB and Julia have a reader of their own
    read = read_matrices if where in ("matlab", "ImageFiltering") else read_python
    parsed = read(call)
    row = _row(parsed.name, where)
    try:
        about = About(ndim, np.dtype(np.float64 if dtype is None else dtype))
    except TypeError as error:
        raise DtypeError(f'dtype={dtype!r} is not a NumPy dtype: give one, e.g. "uint8"') from error
    if about.dtype.kind not in "biufc":
        raise DtypeError(f"dtype={about.dtype}: a dtype of numbers is expected")
    return row.read(row.bind(parsed), about)


def _looks_like_matrices(call: str) -> bool:
    return re.match(r"\s*(conv|conv2|convn|filter2|imfilter|ImageFiltering\.imfilter)\s*\(", call) is not None


def _language(call: str) -> str:
    if re.search(r"ImageFiltering\.|\b(Fill|Inner|NA|Pad|centered|reflect|Kernel\.\w+)\(", call):
        return "ImageFiltering"
    if "imfilter" not in call or "'" in call:
        return "matlab"
    raise ParameterError(
        f'{call!r} may be MATLAB or Julia, whose defaults differ: say of="matlab" or of="julia", or write it in '
        f'front, "matlab: {call}"'
    )


def _row(name: str, where: str | None) -> Peer:
    module, _, function = name.rpartition(".")
    if module:
        home = ALIASES.get(module, module)
        if where is not None and where != home and f"{where}.{function}" in ROWS and module not in LIBRARIES:
            home = where
        full = f"{home}.{function}"
    elif where is not None:
        full = f"{where}.{function}"
    else:
        homes = [row for row in ROWS if row.rpartition(".")[2] == function and ROWS[row].language == "python"]
        if len(homes) > 1:
            raise ParameterError(f"{function} stands for {', '.join(homes)}: write one of them, or say of=")
        full = homes[0] if homes else function
    if full not in ROWS:
        kin = [row for row in ROWS if full.rpartition(".")[0] == ROWS[row].library] or ROWS
        near = difflib.get_close_matches(full, kin, 3, cutoff=0)
        raise ParameterError(
            f"{name} is not in the table of conventions (did you mean {' or '.join(near)}?): `from "
            f" faltung.conventions.table import ROWS; print(*ROWS)` lists all {len(ROWS)}"
        )
    return ROWS[full]
