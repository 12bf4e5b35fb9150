"""`faltung export`: a trained network as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ParameterError
from .options import AsJson
from .screen import check_output, print_facts, print_json


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or a training's folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The target, .onnx.")],
    as_json: AsJson = False,
) -> None:
    """Write a trained network as ONNX, for programs without torch, and compare both.

    The input takes any number of examples. Class names, and the scale, mean and std that inputs have to be brought to
    first, are JSON in the file's metadata, under "faltung".

    \b
    Examples:
      faltung export clothes -o clothes.onnx
    """
    if output.suffix != ".onnx":
        raise ParameterError(f"-o {output}: ONNX is written: the name ends in .onnx")
    # the place is checked as of any file
    check_output(output.with_suffix(".npy"))
    from ..networks.onnx_files import export_onnx
    from .trainings import open_model

    saved = open_model(model)
    written = export_onnx(output, saved)
    if as_json:
        print_json(
            {
                "written": written.path,
                "input": written.inputs,
                "output": written.outputs,
                "classes": saved.facts.classes,
                "difference": written.difference,
            }
        )
        return
    compared = (
        "not compared: ONNX Runtime is not installed"
        if written.difference is None
        else f"differs from torch by {written.difference:.1e} of the largest score"
    )
    shapes = [" x ".join(map(str, shape)) for shape in (written.inputs, written.outputs)]
    print_facts(
        [
            ("input", f"x, {shapes[0]}, float32"),
            ("output", f"scores, {shapes[1]}; classes {' '.join(saved.facts.classes)}"),
            ("check", compared),
            ("written", str(written.path)),
        ]
    )
