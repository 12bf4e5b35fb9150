"""`faltung predict`: what a trained network says of files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import FaltungError, FileError, ParameterError
from .options import AsJson, per_axis
from .screen import aside, check_output, print_json, print_table, progress

if TYPE_CHECKING:
    from ..networks import Saved
    from ..spec import Array


TILED = ("tif", "tiff", "npy", "zarr")
"""Endings of masks that are written part by part."""


@dataclass(frozen=True)
class Answer:
    """What the network says of one file.

    Attributes:
        file: it.
        shares: by class: its probability, or, of a network that answers place by place, its share of the places.
        mask: for each place the class, (rows, columns); None for an answer to the whole.
    """

    file: Path
    shares: dict[str, float]
    mask: "Array | None" = None

    @property
    def best(self) -> str:
        """The class with the largest share."""
        return max(self.shares, key=self.shares.__getitem__)


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or a training's folder.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Pictures, or signals for such a network.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            help="Answers as .csv or .json; a folder gets masks as PNG; .tif, .npy and .zarr the mask of one file.",
        ),
    ] = None,
    tile: Annotated[
        str,
        typer.Option(
            metavar="N|RxC",
            help="Of a mask made part by part: pixels from part to part; default: as many as 512 MiB allow.",
        ),
    ] = "",
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Name files that cannot be read, and go on with the others.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a trained network sees in files: the class and its probability, or a mask with a class at each place.

    Pictures are brought to the size and colours that the network was trained with; to be masked, they keep their size.
    In masks class i of n has the grey level 255 i / (n - 1), rounded. With -o mask.tif one picture of any size is
    masked part by part (.tif, .npy or .zarr): it is never in memory as a whole, and the mask is the same. Each part
    is read with as much around it as the network sees; smaller parts take less memory and more work.

    Numbers that are no bytes, such as those of 16 bits, go to a network that was trained with such, as they are.

    \b
    Examples:
      faltung predict clothes shirt.png boot.png
      faltung predict pets/model.safetensors holiday/*.jpg -o answers.csv
      faltung predict cells dish1.tif dish2.tif -o masks/
      faltung predict cells whole-slide.tif -o mask.tif
      faltung predict cells whole-slide.zarr -o mask.zarr --tile 1024
    """
    kept = _checked(output, files)
    if tile and kept != "tiles":
        raise ParameterError(f"--tile {tile}: goes with a mask made part by part: -o mask.tif, .npy or .zarr")
    from .trainings import open_model

    saved = open_model(model)
    if kept == "tiles":
        assert output is not None
        _answer_in_tiles(saved, files[0], output, tile, as_json=as_json)
        return
    if kept == "masks" and saved.facts.task != "segmentation":
        raise ParameterError(f"-o {output}: a folder is for masks; this network answers the whole: give .csv or .json")
    answers = []
    with progress("predict", len(files), "files") as step:
        for file in files:
            try:
                answers.append(_answer(saved, file))
            except FileError as error:
                if not skip_corrupt:
                    raise
                aside(f"left out: {error}")
            step()
    if not answers:
        raise FileError("none of the files could be read")
    written = _write(output, kept, answers)
    rows = [{"file": str(a.file), "class": a.best, "shares": a.shares} for a in answers]
    if as_json:
        print_json({"task": saved.facts.task, "answers": rows, "written": written})
        return
    _print(answers, masked=answers[0].mask is not None)
    for path in written:
        print(f"wrote {path}")


def _checked(output: Path | None, files: Sequence[Path]) -> str:
    """What is to be written: "", "csv", "json", "masks", or "tiles" of one large mask."""
    if output is None:
        return ""
    ending = output.suffix.lower().lstrip(".")
    if ending in ("csv", "json"):
        check_output(output.with_suffix(".csv"), *files)
        return ending
    if ending in TILED and (ending == "zarr" or not output.is_dir()):
        if len(files) != 1:
            raise ParameterError(f"-o {output}: is the mask of one picture, not of {len(files)}: give a folder")
        # the place is checked as of any file
        check_output(output.with_suffix(".npy"))
        if output.exists() and files[0].exists() and output.samefile(files[0]):
            raise ParameterError(f"-o {output} is the input and would be overwritten: give another name")
        return "tiles"
    if ending and not output.is_dir():
        raise ParameterError(f"-o {output}: answers are written as .csv or .json, masks into a folder or .tif")
    return "masks"


def _answer(saved: "Saved", file: Path) -> Answer:
    facts = saved.facts
    if facts.task not in ("classification", "segmentation"):
        raise ParameterError(f"the network is for {facts.task!r}: classes and masks are predicted here")
    if facts.task == "segmentation":
        p = _places(saved, _inputs(saved, file, resized=False))
        mask = p.argmax(0)
        shares = [float((mask == i).mean()) for i in range(len(facts.classes))]
        return Answer(file, dict(zip(facts.classes, shares, strict=True)), mask)
    from ..training import predict as probabilities

    p = probabilities(saved, _inputs(saved, file, resized=True))[0]
    return Answer(file, dict(zip(facts.classes, map(float, p), strict=True)))


def _places(saved: "Saved", x: "Array") -> "Array":
    """Probabilities at each place of one picture, (class, rows, columns)."""
    from ..training import predict as probabilities

    p: Array = probabilities(saved, x)[0]
    if p.shape[1:] != x.shape[2:]:
        raise ParameterError(
            f"the network's answer has {p.shape[1:]} places, the picture {x.shape[2:]}: only networks that keep the"
            " size can mask a picture"
        )
    return p


def _answer_in_tiles(saved: "Saved", file: Path, output: Path, tile: str, *, as_json: bool) -> None:
    """A mask of one picture, which is never in memory as a whole."""
    from .tiles import mask_file

    facts = saved.facts
    if facts.task != "segmentation":
        raise ParameterError(f"-o {output}: is for masks; this network answers the whole: give .csv or .json")
    made = mask_file(saved, file, output, tile=per_axis(tile, "--tile") if tile else "auto")
    answer = Answer(file, dict(zip(facts.classes, made.shares, strict=True)))
    if as_json:
        row = {"file": str(file), "class": answer.best, "shares": answer.shares}
        found = made.plan
        tiles = {"count": found.count, "tile": found.tile, "halo": found.halo, "work": found.work}
        print_json({"task": facts.task, "answers": [row], "written": [output], "tiles": tiles})
        return
    _print([answer], masked=True)
    print(f"wrote {output}")


def _inputs(saved: "Saved", file: Path, *, resized: bool) -> "Array":
    """One file as (1, channels, *spatial), as the network was trained with."""
    size = saved.facts.input_shape
    if len(size) == 3:
        from ..data.file_rows import PictureLoader

        wanted: Any = (size[1], size[2]) if resized else None
        return PictureLoader("grey" if size[0] == 1 else "colour", wanted, "resize")(file)[None]
    if len(size) != 2:
        raise ParameterError(f"{file}: the network takes inputs of shape {size}: pictures and signals are read here")
    import numpy as np

    from ..data import read

    values = np.atleast_2d(read(file).as_signal().values.T).astype(np.float32)
    if values.shape != size:
        raise FileError(
            f"{file}: holds {values.shape[0]} channels of {values.shape[1]} samples; the network was trained with"
            f" {size[0]} of {size[1]}"
        )
    return values[None]


def _write(output: Path | None, kept: str, answers: Sequence[Answer]) -> list[Path]:
    """The files that were written."""
    if output is None:
        return []
    import numpy as np

    from ..data import write
    from ..data.files import replace_file

    if kept == "json":
        import json

        rows = [{"file": str(a.file), "class": a.best, "shares": a.shares} for a in answers]
        replace_file(output, (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode())
        return [output]
    if kept == "csv":
        import csv
        import io

        text = io.StringIO(newline="")
        table = csv.writer(text)
        table.writerow(["file", "class", *answers[0].shares])
        table.writerows([str(a.file), a.best, *(f"{share:.6g}" for share in a.shares.values())] for a in answers)
        replace_file(output, text.getvalue().encode())
        return [output]
    output.mkdir(parents=True, exist_ok=True)
    targets = [output / f"{a.file.stem}.png" for a in answers]
    if len(set(targets)) < len(targets):
        raise FaltungError(f"{output}: two of the files have one name: mask them into folders of their own")
    for answer, target in zip(answers, targets, strict=True):
        if answer.mask is None or (target.exists() and target.samefile(answer.file)):
            raise FileError(f"{target}: is the picture itself and would be overwritten: give another folder")
        levels = np.rint(np.linspace(0, 255, len(answer.shares))).astype(np.uint8)
        write(target, levels[answer.mask], tones="keep")
    return targets


def _print(answers: Sequence[Answer], *, masked: bool) -> None:
    rows: list[tuple[str, ...]] = []
    for answer in answers:
        ranked = sorted(answer.shares.items(), key=lambda entry: -entry[1])[:3]
        others = ", ".join(f"{name} {share:.1%}" for name, share in (ranked if masked else ranked[1:]))
        if masked:
            rows.append((str(answer.file), others))
        else:
            rows.append((str(answer.file), answer.best, f"{answer.shares[answer.best]:.1%}", others))
    header = ("file", "shares") if masked else ("file", "class", "probability", "then")
    print_table(header, rows, right=() if masked else (2,))
