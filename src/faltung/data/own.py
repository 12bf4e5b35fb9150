"""One's own data as `Examples`: folders of pictures, pictures with masks, tables, arrays; and texts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ..arguments import check_choice
from ..errors import FaltungError, FileError, MissingDependency, ParameterError
from ..machine import num_workers
from .damage import opening
from .examples import IGNORE, Examples
from .file_rows import Colours, FileRows, Fit, MaskLoader, MaskValue, Others, PictureLoader, Unfit
from .files import ENDINGS, PICTURES
from .mask_values import MaskFacts, certain_classes, mask_facts, plain
from .tables_of_examples import ChannelAxis, classes_of, examples_of_csv, examples_of_npz

PICTURE_ENDINGS = (*(ending for ending, container in ENDINGS.items() if container in PICTURES), ".npy")
TABLE_ENDINGS = (".csv", ".tsv")


def examples_of(
    path: str | Path,
    *,
    size: tuple[int, int] | None = None,
    fit: Fit = "resize",
    colours: Colours | None = None,
    values: Mapping[str, MaskValue] | None = None,
    unlabelled: MaskValue | None = None,
    others: Others = "refuse",
    classes: Sequence[str] | None = None,
    label: str | int = -1,
    channel_axis: ChannelAxis = "auto",
    check: bool = True,
    skip_corrupt: bool = False,
) -> Examples:
    """One's own data, by what is at the path.

    - A folder with `images/` and `masks/`: a mask of the same name, up to the ending, for each picture; each value in
      the masks is a class, as long as that is certain (below).
    - Any other folder: one folder for each class, with pictures in it (PNG, JPEG, TIFF, GIF, NPY).
    - A table (.csv, .tsv): numbers and one column of labels.
    - Arrays (.npz): `x`, `y`, and names in `classes` if they are there.

    Pictures are read as by `read`, without their opacity, and only when they are asked for, so that any number of them
    fits into memory; `Examples.loaded` takes them into memory. Before that every file is read once, so that a damaged
    one is found now and not in the middle of a training.

    Resizing, smoothing and JPEG leave values in masks that are no classes. So without `values=` these are taken for
    classes: two values, whichever they are; whole numbers from 0 or 1 on without a gap; and others if each fills a
    square of 3 x 3 pixels in some mask, however rare it is. Anything else is refused, with the file, the value and its
    share. So is 255 beside 0, 1, ... (and 65535, and PASCAL VOC's pale yellow), which mostly stands for "not known".

    Args:
        path: of the folder or file.
        size: rows and columns that all pictures become; None leaves them, and all have to be as the first.
        fit: `"resize"` changes the scale (of masks by the nearest pixel), `"crop"` cuts out the middle.
        colours: `"grey"` or `"colour"`, what all pictures become; None leaves them, and all have to be as the first.
        values: of masks, class -> grey level or (red, green, blue), in the order of the labels; None takes the values
            that there are, in order, and names classes by them.
        unlabelled: the value in masks that stands for "not known"; its places become `IGNORE`.
        others: with values=, what all other values are: `"refuse"`, an error that names the file; `"ignore"`, not
            known, so that smoothed edges count nowhere; `"nearest"`, the class whose value is nearest, for masks of two
            values that were saved as JPEG.
        classes: their names in the order of the labels, e.g. those of the training for a folder that tests; None takes
            what is there in alphabetical order (numbers in order of size).
        label: of a table, the column with labels, by name or number; the last one by default.
        channel_axis: of arrays, which axis of x holds channels: `"none"`, `"first"` (axis 1), `"last"`; `"auto"` asks
            where it is not certain.
        check: read every file once, in threads; False reads only the first now.
        skip_corrupt: leave damaged files out, and list them in `Examples.left_out`, instead of refusing all.

    Returns:
        x uint8 (pictures of 8 bits, 0 to 255) or float32 (all other numbers, as stored). `left_out` also says how many
        hidden files and files with other endings were passed over.

    Raises:
        FileError: nothing is there, files are damaged (every one is named), pictures differ, a mask is missing, has
            another size, or a value that is no class or may be none.
        ParameterError: options that contradict each other or what is there.
        MissingDependency: Pillow or tifffile is not installed.

    Example:
        >>> import tempfile, numpy as np, faltung as ft
        >>> folder = Path(tempfile.mkdtemp())
        >>> for i, animal in enumerate(("cat", "cat", "dog")):
        ...     (folder / animal).mkdir(exist_ok=True)
        ...     _ = ft.data.write(folder / animal / f"{i}.png", np.full((4, 6), i, np.uint8))
        >>> found = examples_of(folder)
        >>> found.x.shape, found.y, found.classes
        ((3, 1, 4, 6), array([0, 0, 1]), ('cat', 'dog'))
    """
    path = Path(path)
    named = None if classes is None else tuple(classes)
    if named is not None and (not named or len(set(named)) != len(named)):
        raise ParameterError(f"classes={named!r}: every name once, and at least one, is needed")
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ParameterError(f"size={size!r}: rows and columns of 1 or more are needed, e.g. (128, 128)")
    if fit not in ("resize", "crop") or colours not in (None, "grey", "colour"):
        raise ParameterError(f"fit={fit!r}, colours={colours!r}: fit is 'resize' or 'crop', colours 'grey' or 'colour'")
    check_choice("others", others, get_args(Others))
    if others != "refuse" and values is None:
        raise ParameterError(f"others={others!r} without values=: say which values are classes, e.g. --values 0,255")
    if skip_corrupt and not check:
        raise ParameterError("skip_corrupt=True with check=False: only files that are checked can be left out")
    if path.is_dir():
        look = _Look(PictureLoader(colours, size, fit), check, skip_corrupt)
        if (path / "images").is_dir() and (path / "masks").is_dir():
            if named is not None:
                raise ParameterError("classes= goes with folders of classes and tables; of masks, values= names them")
            return _with_masks(path, look, values, unlabelled, others)
        if values is not None or unlabelled is not None:
            raise ParameterError(f"{path}: values= and unlabelled= go with masks, and there are no images/ and masks/")
        return _by_folders(path, look, named)
    if values is not None or unlabelled is not None or size is not None or colours is not None:
        raise ParameterError(f"{path}: values=, unlabelled=, size= and colours= go with folders of pictures")
    if path.suffix.lower() in TABLE_ENDINGS:
        return examples_of_csv(path, label, named)
    if path.suffix.lower() == ".npz":
        return examples_of_npz(path, channel_axis, named)
    with opening(path, "read"):
        path.stat()
    raise FileError(
        f"{path}: a folder of pictures, a table (.csv .tsv) or arrays (.npz) are examples; one picture or signal is"
        " read by ft.data.read, a text by ft.data.text_of"
    )


def check(examples: Examples) -> tuple[str, ...]:
    """Read every example once, in threads, and say what is wrong with each, before a training finds out.

    Returns:
        A line for each example that cannot be read, holds NaN or infinity, or has a label that is no class; () if all
        are in order.

    Example:
        >>> x = np.array([[[1.0]], [[np.nan]]], np.float32)
        >>> check(Examples(x, np.array([0, 1]), ("no", "yes")))
        ('example 1: x holds NaN or infinity',)
    """

    def look(i: int) -> None:
        x, y = (np.asarray(rows[np.array([i])]) for rows in (examples.x, examples.y))
        if not np.isfinite(x).all():
            raise FileError(f"example {i}: x holds NaN or infinity")
        lowest = IGNORE if examples.dense else 0
        if y.min() < lowest or y.max() >= len(examples.classes):
            raise FileError(f"example {i}: a label from {y.min()} to {y.max()} is no class")

    return tuple(str(problem) for problem in _survey(len(examples), look) if problem is not None)


def text_of(path: str | Path) -> str:
    """A text, or all texts (.txt) of a folder in alphabetical order, with an empty line between.

    Nothing is cleaned, the ends of lines stay as they are.

    Raises:
        FileError: nothing is there, it is empty, or it is not UTF-8; the place is named.
    """
    path = Path(path)
    paths = [path]
    if path.is_dir():
        paths = sorted(one for one in path.iterdir() if one.suffix.lower() == ".txt" and not one.name.startswith("."))
    if not paths:
        raise FileError(f"{path}: holds no texts (.txt)")
    texts = []
    for one in paths:
        with opening(one, "read"):
            data = one.read_bytes()
        try:
            texts.append(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise FileError(f"{one}, line {line}: byte {error.start} is not UTF-8: save it as UTF-8") from error
        if not data.strip():
            raise FileError(f"{one}: is empty")
    return "\n\n".join(texts)


@dataclass(frozen=True)
class _Look:
    """How pictures are read, and what happens to damaged ones."""

    loader: PictureLoader
    check: bool
    skip_corrupt: bool


def _by_folders(path: Path, look: _Look, classes: tuple[str, ...] | None) -> Examples:
    folders = sorted(one for one in path.iterdir() if one.is_dir() and not _hidden(one))
    if not folders:
        raise FileError(f"{path}: holds no folders: one for each class, or images/ and masks/, are needed")
    names = classes_of(str(path), [one.name for one in folders], classes)
    folders.sort(key=lambda folder: names.index(folder.name))
    paths: list[Path] = []
    labels: list[int] = []
    passed = [_passed_over(one for one in path.iterdir() if one.is_file())]
    for folder in folders:
        found = _pictures(folder)
        if not found:
            inner = [one for one in folder.iterdir() if one.is_dir()]
            hint = f"give {path.name}/{folder.name} itself" if inner else "put some in, or move it away"
            raise FileError(f"{folder}: is the folder of a class and holds no pictures: {hint}")
        passed.append(_passed_over(folder.iterdir()))
        paths += found
        labels += [names.index(folder.name)] * len(found)
    loader = _like_the_first(paths, look)
    good, left_out = _sift(look, paths, lambda i: loader(paths[i]))
    y = np.array(labels, np.int64)[good]
    if gone := [names[n] for n in sorted({*labels} - {*y.tolist()})]:
        raise FileError(f"{path}: of the class {gone[0]!r} no picture can be read; {'; '.join(left_out)}")
    return Examples(
        FileRows([paths[i] for i in good], loader, loader.shape, loader.dtype),
        y,
        names,
        name=path.name,
        source=str(path),
        left_out=(*left_out, *_sum_up(passed)),
    )


def _with_masks(
    path: Path, look: _Look, values: Mapping[str, MaskValue] | None, unlabelled: MaskValue | None, others: Others
) -> Examples:
    images, masks = (_by_stem(path / folder) for folder in ("images", "masks"))
    for one, other, what in ((images, masks, "mask"), (masks, images, "picture")):
        if lonely := sorted(one.keys() - other.keys()):
            raise FileError(
                f"{one[lonely[0]]}: has no {what} of that name; {len(lonely)} of {len(one)} have none: add them,"
                " or move these away"
            )
    if not images:
        raise FileError(f"{path / 'images'}: holds no pictures")
    pairs = [(images[stem], masks[stem]) for stem in images]
    loader = _like_the_first([picture for picture, _ in pairs], look)
    damaged: tuple[str, ...] = ()
    if values is None:
        pairs, damaged, values = _values_there(pairs, look, unlabelled)
    table = [(value, n) for n, value in enumerate(values.values())]
    if unlabelled is not None:
        table.append((unlabelled, IGNORE))
    _check_values(table)
    if not values or len({plain(value) for value, _ in table}) != len(table):
        raise ParameterError(f"values={dict(values)!r}, unlabelled={unlabelled!r}: each class needs a value of its own")
    mask_loader = MaskLoader(tuple(table), {mask: picture for picture, mask in pairs}, loader.size, loader.fit, others)

    def both(i: int) -> None:
        picture, mask = pairs[i]
        loader(picture)
        mask_loader(mask)

    good, left_out = _sift(look, [picture for picture, _ in pairs], both)
    if look.check:
        mask_loader = replace(mask_loader, pictures=None)
    passed = [_passed_over((path / folder).iterdir()) for folder in ("images", "masks")]
    return Examples(
        FileRows([pairs[i][0] for i in good], loader, loader.shape, loader.dtype),
        FileRows([pairs[i][1] for i in good], mask_loader, loader.shape[1:], np.int64),
        tuple(values),
        name=path.name,
        source=str(path),
        left_out=(*damaged, *left_out, *_sum_up(passed)),
    )


def _values_there(
    pairs: list[tuple[Path, Path]], look: _Look, unlabelled: MaskValue | None
) -> tuple[list[tuple[Path, Path]], tuple[str, ...], dict[str, MaskValue]]:
    """The values in all masks, as classes; with the pairs whose masks can be read."""
    found: list[MaskFacts | None] = [None for _ in pairs]

    def collect(i: int) -> None:
        found[i] = mask_facts(pairs[i][1])

    # also without check=True: classes are not known before all masks are
    good, damaged = _sift(replace(look, check=True), [mask for _, mask in pairs], collect)
    masks = {pairs[i][1]: facts for i in good if (facts := found[i]) is not None}
    return [pairs[i] for i in good], damaged, certain_classes(masks, unlabelled)


def _like_the_first(paths: list[Path], look: _Look) -> PictureLoader:
    """A loader that holds all pictures against the first that can be read."""
    for path in paths:
        try:
            pixels = look.loader(path)
        except MissingDependency:
            raise
        except FileError as error:
            # of damaged ones the check names all at once
            if isinstance(error, Unfit) or not look.check:
                raise
            continue
        return replace(look.loader, first=path, shape=pixels.shape, dtype=pixels.dtype.name)
    raise FileError(f"none of {len(paths)} pictures can be read, the first is {paths[0]}")


def _sift(look: _Look, paths: list[Path], see: Callable[[int], Any]) -> tuple[list[int], tuple[str, ...]]:
    """The places of files that are in order, and what is wrong with those that may be left out.

    Raises:
        FileError: some are not in order, and may not be left out.
    """
    if not look.check:
        return list(range(len(paths))), ()
    problems = _survey(len(paths), see)
    wrong = [problem for problem in problems if problem is not None]
    fatal = wrong if not look.skip_corrupt else [problem for problem in wrong if isinstance(problem, Unfit)]
    if len(fatal) == 1:
        raise fatal[0]
    if fatal:
        lines = "\n  ".join(str(problem) for problem in fatal)
        hint = "" if look.skip_corrupt or any(isinstance(one, Unfit) for one in fatal) else " (skip_corrupt=True does)"
        raise FileError(
            f"{len(fatal)} of {len(paths)} files cannot be used; mend them or take them out{hint}:\n  {lines}"
        )
    return [i for i, problem in enumerate(problems) if problem is None], tuple(str(problem) for problem in wrong)


def _survey(count: int, see: Callable[[int], Any]) -> list[FaltungError | None]:
    """What each call raised, in order; decoders let other threads run."""

    def attempt(i: int) -> FaltungError | None:
        try:
            see(i)
        except MissingDependency:
            raise
        except FaltungError as error:
            return error
        return None

    with ThreadPoolExecutor(num_workers()) as pool:
        return list(pool.map(attempt, range(count)))


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        one
        for one in folder.iterdir()
        if not _hidden(one) and one.suffix.lower() in PICTURE_ENDINGS and not one.is_dir()
    )


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in _pictures(folder):
        if path.stem in found:
            raise FileError(f"{path}: there is also {found[path.stem].name}: one file of each name is needed")
        found[path.stem] = path
    return found


def _hidden(path: Path) -> bool:
    # what macOS puts into archives
    return path.name.startswith(".") or path.name == "__MACOSX"


@dataclass(frozen=True)
class _PassedOver:
    """What lies among pictures and is none."""

    num_hidden: int
    num_folders: int
    endings: tuple[str, ...]


def _passed_over(paths: Iterable[Path]) -> _PassedOver:
    seen = list(paths)
    shown = [one for one in seen if not _hidden(one)]
    foreign = [one for one in shown if not one.is_dir() and one.suffix.lower() not in PICTURE_ENDINGS]
    return _PassedOver(
        num_hidden=len(seen) - len(shown),
        num_folders=sum(one.is_dir() for one in shown),
        endings=tuple(one.suffix.lower() or one.name for one in foreign),
    )


def _sum_up(passed: Sequence[_PassedOver]) -> tuple[str, ...]:
    num_hidden, num_folders = sum(one.num_hidden for one in passed), sum(one.num_folders for one in passed)
    endings = [ending for one in passed for ending in one.endings]
    lines = []
    if num_hidden:
        lines.append(f"passed over: {num_hidden} hidden")
    if num_folders:
        lines.append(f"passed over: {num_folders} folders among the pictures, with all that is in them")
    if endings:
        lines.append(f"passed over: {len(endings)} files that are no pictures ({', '.join(sorted(set(endings)))})")
    return tuple(lines)


def _check_values(table: Sequence[tuple[MaskValue, int]]) -> None:
    for value, _ in table:
        numbers = value if isinstance(value, tuple) else (value,)
        if len(numbers) not in (1, 3) or not all(isinstance(n, int) and 0 <= n < 65536 for n in numbers):
            raise ParameterError(
                f"the mask value {value!r}: a grey level, or (red, green, blue), in whole numbers from 0"
            )
