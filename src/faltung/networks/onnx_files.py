"""Trained networks as ONNX files, for programs without torch."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.files import replace_file
from ..errors import FaltungError, FileError, MissingDependency, ParameterError
from .saved import Saved


@dataclass(frozen=True)
class OnnxFile:
    """What was written.

    Attributes:
        path: the file.
        inputs: shape of its input `x`, float32, scaled; "N" is any number of examples.
        outputs: shape of its output `scores`, before the softmax.
        difference: the largest between ONNX Runtime and torch, relative to the largest score, on normally distributed
            inputs in batches of 1, 2 and 5; None where ONNX Runtime is not installed.
    """

    path: Path
    inputs: tuple[int | str, ...]
    outputs: tuple[int | str, ...]
    difference: float | None


def export_onnx(path: str | Path, saved: Saved) -> OnnxFile:
    """Write a trained network as ONNX: for any number of inputs of the size that it was trained with.

    The file's metadata hold the facts as JSON under "faltung": classes, and the scale, mean and std that inputs have to
    be brought to first, which the graph does not do. The file is run by ONNX Runtime and compared, if that is
    installed.

    Args:
        path: ends in .onnx.
        saved: a network with its facts; `facts.input_shape` says which size.

    Returns:
        Its shapes, and how far ONNX Runtime is from torch.

    Raises:
        FileError: no such folder, no permission, disk full, another ending.
        MissingDependency: onnx or onnxscript is not installed.
        ParameterError: the facts do not say the size; or the network has what ONNX does not know.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise FileError(f"{path}: ONNX is written as .onnx: give a name that ends so")
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingDependency(f'ONNX files need {error.name}: pip install "faltung[export]"') from error
    size = saved.facts.input_shape
    if not size or saved.facts.tokens:
        raise ParameterError(f"{path}: the model does not say what size its inputs have: it cannot be traced")
    net = saved.model.eval()
    # two examples: one would be taken for a size that never changes
    x = torch.zeros(2, *size)
    try:
        # torch's own exporter warns of what it uses itself
        with warnings.catch_warnings(), _quiet("torch.onnx"):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                net,
                (x,),
                dynamo=True,
                input_names=["x"],
                output_names=["scores"],
                dynamic_shapes=({0: torch.export.Dim("N")},),
                verbose=False,
                custom_translation_table=_translations(),
            )
    except FaltungError:
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise ParameterError(
            f"{path}: the network has what ONNX does not know ({type(error).__name__}: {words})"
        ) from error
    proto = program.model_proto
    proto.metadata_props.add(key="faltung", value=json.dumps(asdict(saved.facts), ensure_ascii=False))
    data = proto.SerializeToString()
    difference = _difference(saved, data)
    replace_file(path, data)
    with torch.no_grad():
        answer = tuple(net(x).shape[1:])
    return OnnxFile(path, ("N", *size), ("N", *answer), difference)


def _translations() -> dict[Any, Callable[..., Any]]:
    """What our own operators are in ONNX; torch's exporter knows torch's."""
    from onnxscript import opset18 as onnx_operators

    # they register what is named below, also for a network that has none of our layers
    from ..tensors import edges, operators  # noqa: F401

    def places(*rule: Any) -> Any:
        return onnx_operators.Constant(value_ints=torch.ops.faltung.places(*rule).tolist())

    def correlate(x: Any, w: Any, *options: Any) -> Any:
        stride, dilation, before, after, groups, _ = options
        return onnx_operators.Conv(
            x, w, strides=stride, dilations=dilation, pads=[*before, *after], group=groups, auto_pad="NOTSET"
        )

    return {torch.ops.faltung.places.default: places, torch.ops.faltung.correlate.default: correlate}


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Show only errors of a logger: torch tells there of every package that it could translate and does not see."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _difference(saved: Saved, data: bytes) -> float | None:
    """Largest difference to torch, relative to torch's largest score."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    lot = np.random.default_rng(0)
    worst = 0.0
    for count in (1, 2, 5):
        x = lot.normal(size=(count, *saved.facts.input_shape)).astype(np.float32)
        (theirs,) = session.run(None, {"x": x})
        with torch.no_grad():
            ours = saved.model(torch.from_numpy(x)).numpy()
        worst = max(worst, float(np.abs(theirs - ours).max() / max(np.abs(ours).max(), 1e-12)))
    return worst
