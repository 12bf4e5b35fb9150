"""`faltung predict`: what a trained network says of files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import FaltungError, FileError, ParameterError
from .answers import MAPS, Answer, answer_file
from .options import AsJson, per_axis
from .screen import aside, check_output, print_json, print_table, progress

if TYPE_CHECKING:
    from ..networks import Saved
    from ..spec import Array

TILED = ("tif", "tiff", "npy", "zarr")
"""Endings of masks that are written part by part."""


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
    samples: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="T", help="Predict T times with dropout on; the answer is the mean, and how sure it is."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Of the samples' masks: the same seed, the same answer.")
    ] = None,
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

    With --samples T the network drops at random T times. The entropy of the mean says how open the answer is, from 0 to
    log(classes); the mutual information how much of that is the samples' disagreement, which more training data would
    settle. Both in nats: columns of the table, and beside a mask two pictures of float32, such as mask-entropy.tif and
    mask-mutual-information.tif; in tables then their means over the places.

    \b
    Examples:
      faltung predict clothes shirt.png boot.png
      faltung predict pets/model.safetensors holiday/*.jpg -o answers.csv
      faltung predict cells dish1.tif dish2.tif -o masks/
      faltung predict cells whole-slide.tif -o mask.tif
      faltung predict cells whole-slide.zarr -o mask.zarr --tile 1024
      faltung predict cells dish1.tif -o masks/ --samples 20
    """
    kept = _checked(output, files, maps=samples is not None)
    if tile and kept != "tiles":
        raise ParameterError(f"--tile {tile}: goes with a mask made part by part: -o mask.tif, .npy or .zarr")
    if seed is not None and samples is None:
        raise ParameterError(f"--seed {seed}: goes with --samples T, without which nothing is drawn")
    from .trainings import open_model

    saved = open_model(model)
    if samples is not None:
        _give_keys(saved, model, seed or 0)
    if kept == "tiles":
        assert output is not None
        _answer_in_tiles(saved, files[0], output, tile, samples or 0, as_json=as_json)
        return
    if kept == "masks" and saved.facts.task != "segmentation":
        raise ParameterError(f"-o {output}: a folder is for masks; this network answers the whole: give .csv or .json")
    answers = []
    with progress("predict", len(files), "files") as step:
        for file in files:
            try:
                answers.append(answer_file(saved, file, samples=samples or 0))
            except FileError as error:
                if not skip_corrupt:
                    raise
                aside(f"left out: {error}")
            step()
    if not answers:
        raise FileError("none of the files could be read")
    written = _write(output, kept, answers)
    if as_json:
        print_json({"task": saved.facts.task, "answers": [a.as_json() for a in answers], "written": written})
        return
    _print(answers, masked=answers[0].mask is not None)
    for path in written:
        print(f"wrote {path}")


def _checked(output: Path | None, files: Sequence[Path], *, maps: bool) -> str:
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
        for path in (output, *(map_paths(output, output.suffix) if maps else ())):
            # the place of a store is checked as that of a file
            check_output(path.with_suffix(".npy") if ending == "zarr" else path, *files)
            if path.exists() and files[0].exists() and path.samefile(files[0]):
                raise ParameterError(f"-o {path} is the input and would be overwritten: give another name")
        return "tiles"
    if ending and not output.is_dir():
        raise ParameterError(f"-o {output}: answers are written as .csv or .json, masks into a folder or .tif")
    return "masks"


def map_paths(mask: Path, ending: str) -> list[Path]:
    """Where the maps of uncertainty of a mask go."""
    return [mask.with_name(f"{mask.stem}-{name}{ending}") for name in MAPS]


def _give_keys(saved: "Saved", model: Path, seed: int) -> None:
    """Masks then belong to places, so that parts have those of the whole."""
    from ..nn import key_layers
    from ..nn.dropout.base import Droppable

    if not any(isinstance(part, Droppable) and part.rate > 0 for part in saved.model.modules()):
        raise ParameterError(
            f"--samples: {model} has no dropout, so that all samples would be equal: leave --samples out, or train a"
            " network that has (faltung train --dropout 0.5)"
        )
    key_layers(saved.model, seed)


def _answer_in_tiles(saved: "Saved", file: Path, output: Path, tile: str, samples: int, *, as_json: bool) -> None:
    """A mask of one picture, which is never in memory as a whole."""
    from .tiles import mask_file

    facts = saved.facts
    if facts.task != "segmentation":
        raise ParameterError(f"-o {output}: is for masks; this network answers the whole: give .csv or .json")
    targets = [output, *(map_paths(output, output.suffix) if samples else ())]
    made = mask_file(saved, file, targets, tile=per_axis(tile, "--tile") if tile else "auto", samples=samples)
    answer = Answer(file, dict(zip(facts.classes, made.shares, strict=True)), doubt=made.doubt)
    if as_json:
        found = made.plan
        tiles = {"count": found.count, "tile": found.tile, "halo": found.halo, "work": found.work}
        print_json({"task": facts.task, "answers": [answer.as_json()], "written": targets, "tiles": tiles})
        return
    _print([answer], masked=True)
    for path in targets:
        print(f"wrote {path}")


def _write(output: Path | None, kept: str, answers: Sequence[Answer]) -> list[Path]:
    """The files that were written."""
    if output is None:
        return []
    import numpy as np

    from ..data import write
    from ..data.files import replace_file

    if kept == "json":
        import json

        rows = [answer.as_json() for answer in answers]
        replace_file(output, (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode())
        return [output]
    if kept == "csv":
        import csv
        import io

        text = io.StringIO(newline="")
        table = csv.writer(text)
        nats = [name for name in answers[0].as_json() if name.endswith("_nats")]
        table.writerow(["file", "class", *answers[0].shares, *nats])
        for answer in answers:
            row = answer.as_json()
            numbers = [*answer.shares.values(), *(row[name] for name in nats)]
            table.writerow([row["file"], row["class"], *(f"{number:.6g}" for number in numbers)])
        replace_file(output, text.getvalue().encode())
        return [output]
    output.mkdir(parents=True, exist_ok=True)
    targets = [output / f"{a.file.stem}.png" for a in answers]
    if len(set(targets)) < len(targets):
        raise FaltungError(f"{output}: two of the files have one name: mask them into folders of their own")
    written: dict[Path, Array] = {}
    for answer, target in zip(answers, targets, strict=True):
        levels = np.rint(np.linspace(0, 255, len(answer.shares))).astype(np.uint8)
        assert answer.mask is not None
        written[target] = levels[answer.mask]
        if answer.doubt is not None:
            written.update(zip(map_paths(target, ".tif"), answer.doubt.maps, strict=True))
    for path in written:
        if path.exists() and any(a.file.exists() and path.samefile(a.file) for a in answers):
            raise FileError(f"{path}: is a picture itself and would be overwritten: give another folder")
    for path, values in written.items():
        write(path, values, tones="keep" if path in targets else "auto")
    return list(written)


def _print(answers: Sequence[Answer], *, masked: bool) -> None:
    rows: list[tuple[str, ...]] = []
    for answer in answers:
        ranked = sorted(answer.shares.items(), key=lambda entry: -entry[1])[:3]
        others = ", ".join(f"{name} {share:.1%}" for name, share in (ranked if masked else ranked[1:]))
        said = () if masked else (answer.best, f"{answer.shares[answer.best]:.1%}")
        doubt = answer.doubt
        nats = () if doubt is None else (f"{doubt.entropy:.3g}", f"{doubt.mutual_information:.3g}")
        rows.append((str(answer.file), *said, *nats, others))
    header = ["file", *(() if masked else ("class", "probability"))]
    if answers[0].doubt is not None:
        header += ["entropy (nats)", "mutual information (nats)"]
    print_table([*header, "shares" if masked else "then"], rows, right=range(1 if masked else 2, len(header)))
