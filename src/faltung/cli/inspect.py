"""`faltung inspect`: sizes, receptive fields and costs of a network, layer by layer."""

import importlib
import importlib.util
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import FaltungError, FileError, ParameterError
from .options import AsJson, parse_integers
from .screen import check_output, print_facts, print_json, width

if TYPE_CHECKING:
    from ..networks import Inspection, OutputSize

DRAWN = ("png", "svg", "pdf")


def inspect(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="package.module:Name or file.py:Name (a class, a function, a module), or a .pt2 file."
        ),
    ],
    shape: Annotated[str, typer.Option("--input", metavar="3x224x224", help="Channels and sizes of one input.")],
    training: Annotated[bool, typer.Option("--training", help="As while training, not as in prediction.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A picture of sizes and receptive fields: png, svg, pdf."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Inspect a network without running it: sizes, receptive fields and costs by layer, and which inputs fit.

    A class or function is called without arguments to make the network; importing MODEL runs its file. Of a .pt2 file,
    written by torch.export.save, the graph is read and nothing is run.

    \b
    Examples:
      faltung inspect my_package.nets:UNet --input 1x256x256 -o unet.png
      faltung inspect net.py:make_net --input 3x224x224 --json
    """
    sizes = parse_integers(shape, "--input")
    if any(size < 1 for size in sizes):
        raise ParameterError(f"--input {shape}: sizes are 1 or more")
    _check_picture(output)
    from ..networks import inspect as inspect_module

    network = _load(model)
    if not training:
        network.eval()
    found = inspect_module(network, (1, *sizes))
    if output is not None:
        _draw(found, output)
    if as_json:
        print_json(_facts(found, output))
        return
    _print_layers(found)
    print()
    print_facts([*found.facts(), *([("written", str(output))] if output is not None else [])])


def _print_layers(found: "Inspection") -> None:
    """The table; in a narrow terminal without some of its columns."""
    from ..networks.inspection import HEADER

    table = [HEADER, *found.rows()]
    columns = list(range(len(HEADER)))
    widths = [max(len(row[i]) for row in table) for i in columns]
    for spare in ("memory", "stride", "operation", "parameters"):
        if sum(widths[i] + 2 for i in columns) - 2 > width():
            columns.remove(HEADER.index(spare))
    for row in table:
        cells = [row[i].ljust(widths[i]) if i < 3 else row[i].rjust(widths[i]) for i in columns]
        print("  ".join(cells).rstrip())


def _check_picture(output: Path | None) -> None:
    if output is None:
        return
    if output.suffix.lstrip(".").lower() not in DRAWN:
        raise ParameterError(f"-o {output}: a picture is written; endings are {', '.join(f'.{end}' for end in DRAWN)}")
    # the place is checked as of any picture
    check_output(output.with_suffix(".png"))


def _load(model: str) -> Any:
    """The network that MODEL names, as a module."""
    if model.lower().endswith(".pt2"):
        from ..networks import read_exported

        return read_exported(model)
    place, colon, name = model.rpartition(":")
    if not colon or not place or not all(part.isidentifier() for part in name.split(".")):
        raise ParameterError(f"MODEL {model}: package.module:Name, file.py:Name or a .pt2 file is expected")
    found = _import(place)
    for part in name.split("."):
        if not hasattr(found, part):
            raise ParameterError(f"MODEL {model}: {place} has no {part}")
        found = getattr(found, part)
    from torch import nn

    if not isinstance(found, nn.Module):
        if not callable(found):
            raise ParameterError(f"MODEL {model}: is {type(found).__name__}: a module, or what makes one, is expected")
        found = _foreign(found, f"{model}: calling it without arguments")
    if not isinstance(found, nn.Module):
        raise ParameterError(f"MODEL {model}: gives {type(found).__name__}: a torch.nn.Module is expected")
    return found


def _import(place: str) -> Any:
    if not place.endswith(".py"):
        if not all(part.isidentifier() for part in place.split(".")):
            raise ParameterError(f"MODEL {place}: is no name of a package or module; a file ends in .py")
        # what stands in the current folder is found, as by `python -m`
        sys.path.insert(0, str(Path.cwd()))
        try:
            return _foreign(lambda: importlib.import_module(place), f"{place}: importing it")
        finally:
            sys.path.pop(0)
    path = Path(place)
    if not path.is_file():
        raise FileError(f"{place}: there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileError(f"{place}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    loader = spec.loader
    # files beside it are found, as when it is run
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        _foreign(lambda: loader.exec_module(module), f"{place}: importing it")
    finally:
        sys.path.pop(0)
    return module


def _foreign(call: Any, what: str) -> Any:
    """Run the user's code; whatever it raises becomes one line."""
    try:
        return call()
    except FaltungError:
        raise
    except Exception as error:
        raise FileError(f"{what} raises {type(error).__name__}: {error}") from error


def _facts(found: "Inspection", output: Path | None) -> dict[str, Any]:
    return {
        "network": found.name,
        "remark": found.remark or None,
        "input": found.input_shape,
        "outputs": found.shapes,
        "parameters": found.parameters,
        "unused_parameters": found.unused,
        "multiply_adds": found.multiplies,
        "peak_bytes": found.peak_bytes,
        "sum_bytes": found.sum_bytes,
        "sizes": [_size_facts(axis, size) for axis, size in zip(found.axes, found.sizes, strict=True)],
        "layers": [
            {
                "path": layer.path,
                "operation": layer.operation,
                "shape": layer.shape,
                "receptive_field": [
                    {
                        "start": field.start,
                        "length": field.length,
                        "stride": str(field.stride),
                        "phases": field.phases,
                        "whole": field.whole,
                        "at_most": field.bound,
                    }
                    for field in layer.fields
                ],
                "parameters": layer.parameters,
                "multiply_adds": layer.multiplies,
                "num_bytes": layer.num_bytes,
            }
            for layer in found.layers
        ],
        "written": str(output) if output is not None else None,
    }


def _size_facts(axis: str, size: "OutputSize") -> dict[str, Any]:
    return {
        "axis": axis,
        "output": size.axes,
        "valid": str(size.valid),
        "tried_up_to": size.valid.tried,
    }


def _draw(found: "Inspection", output: Path) -> None:
    """Above, how far each layer sees, against the picture; below, the size of what it gives."""
    import io

    from matplotlib import rc_context

    from ..data.files import replace_file
    from ..experiments.drawing import COLOURS, headroom, label, line, sheet

    figure, (above, below) = sheet("wide", rows=2, height=440, sharex=True)
    steps = list(range(1, len(found.layers) + 1))
    roles: tuple[Any, ...] = ("input", "kernel", "other")
    spatial = [layer.shape[2:] if len(layer.shape) == len(found.input_shape) else () for layer in found.layers]
    alike = len(set(found.input_shape[2:])) == 1 and all(len(set(layer.fields)) == 1 for layer in found.layers)
    alike = alike and all(len(set(sizes)) < 2 for sizes in spatial)
    for i, axis in enumerate(found.axes[:1] if alike else found.axes):
        role, name = roles[i % 3], " and ".join(found.axes) if alike else axis
        fields = [layer.fields[i] for layer in found.layers]
        # what sees the whole input is no longer a matter of length: marks, not a fall of the curve
        lengths = [math.nan if field.whole else field.length for field in fields]
        line(above, steps, lengths, role, name, drawstyle="steps-mid")
        whole = [(step, field.length) for step, field in zip(steps, fields, strict=True) if field.whole]
        if whole:
            at, full = [step for step, _ in whole], [length for _, length in whole]
            marks = {"linestyle": "none", "marker": "o", "markersize": 4}
            line(above, at, full, role, f"{name}, the whole input", **marks)
        above.axhline(found.input_shape[i + 2], color=COLOURS[role][0], linewidth=0.8)
        above.annotate(
            f"input, {name}: {found.input_shape[i + 2]}",
            (len(steps), found.input_shape[i + 2]),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            fontsize=9,
            color=COLOURS["ink"][0],
        )
        sizes = [(step, shape[i]) for step, shape in zip(steps, spatial, strict=True) if shape]
        line(below, [s for s, _ in sizes], [n for _, n in sizes], role, name, drawstyle="steps-mid")
    label(above, f"{found.name}: how far each layer sees", y="pixels, as if the input went on", legend="upper left")
    label(below, "size of what it gives", x="layer, in the order of the run", y="positions", legend="upper center")
    headroom(above)
    headroom(below)
    places = sorted({round(i * (len(steps) - 1) / 11) for i in range(12)})
    below.set_xticks([steps[p] for p in places])
    below.set_xticklabels(
        [f"{steps[p]}: {_short(found.layers[p].path or found.layers[p].operation)}" for p in places],
        rotation=30,
        ha="right",
        fontsize=8.5,
    )
    for axes in (above, below):
        axes.set_ylim(bottom=0)
    held = io.BytesIO()
    with rc_context({"savefig.facecolor": COLOURS["paper"][0]}):
        figure.savefig(held, format=output.suffix.lstrip(".").lower(), dpi=150)
    replace_file(output, held.getvalue())


def _short(path: str) -> str:
    """The end of a long path."""
    return path if len(path) <= 20 else "…" + path[-19:]
