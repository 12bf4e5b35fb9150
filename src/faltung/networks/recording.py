"""What a module does to an input of some shape: its forward pass, run on tensors that have a shape and no values.

Every call of torch on a `Traced` tensor ends in the rule of that operation. So functional calls, repeated modules,
skips and Python between the layers are seen as they happen, and the same run with a `Size` in the shape gives formulas.
Operations on weights alone are run as they are.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from ..errors import FaltungError, ParameterError, ShapeError

# windows: its rules enter themselves into the table
from . import shaping, windows  # noqa: F401
from .operations import RULES, Known, Made, Move, NothingLeft, Refused, Shape, Unknown, numel
from .reach import NONE, SAME, Reach
from .sizes import NoFormula

_NUMBER_OF = {
    f"__{name}__": name for name in ("add", "sub", "mul", "truediv", "floordiv", "pow", "matmul", "neg", "mod")
}
_WORDS = {"truediv": "div", "floordiv": "floor_divide", "mod": "remainder", "arctan2": "atan2", "absolute": "abs"}
_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "pow", "matmul", "mod", "and", "or")
_COMPARISONS = ("lt", "le", "gt", "ge")
REFUSALS = (AssertionError, IndexError, RuntimeError, ValueError, ZeroDivisionError)
"""How a module says itself that a size does not fit."""
_FACTS = ("size", "dim", "numel", "nelement", "ndimension", "is_floating_point", "stride", "is_contiguous")


@dataclass(frozen=True)
class Field:
    """What the places of a tensor depend on, along one axis of the network's input.

    Attributes:
        axis: the axis of the tensor that runs along it; None: every place depends on the same positions.
        reach: which positions a position along that axis depends on.
        folded: axes in which positions along it were folded with others; a place may then depend on fewer positions.
    """

    axis: int | None
    reach: Reach
    folded: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Ref:
    """A traced tensor among the arguments of a step."""

    number: int


@dataclass(eq=False)
class Step:
    """One operation on a traced tensor.

    Attributes:
        operation: torch's name, e.g. "conv2d".
        path: of the innermost module that called it, e.g. "decoder.2.conv"; "" is the network itself.
        layer: that module's class.
        call: how often this module was entered before: 0 for the first time.
        inputs: numbers of the tensors taken; 0 is the network's input.
        output: number of the tensor made.
        shape: of the tensor made.
        moves: for every input and axis, where its positions go; empty where sizes are left open.
        groups: axes of the first input and of the result that were folded into each other.
        multiplies: multiply-adds.
        parameters: numbers trained that are met here first.
        num_bytes: of the tensor made; 0 where it shares memory with its input.
        fields: for each spatial axis of the network's input.
        given: the arguments, positional and named; in the place of a traced tensor stands its number as a `Ref`.
        dtype: of the tensor made.
    """

    operation: str
    path: str
    layer: str
    call: int
    inputs: tuple[int, ...]
    output: int
    shape: Shape
    moves: tuple[tuple[Move, ...], ...]
    groups: list[tuple[list[int], list[int]]]
    multiplies: Any
    parameters: int
    num_bytes: Any
    fields: tuple[Field, ...]
    given: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    dtype: Any = None

    @property
    def name(self) -> str:
        """How a reader finds it: the path, or the network's own name for the operation."""
        return self.path or f"({self.layer})"


@dataclass(eq=False)
class Recording:
    """A whole run.

    Attributes:
        name: of the network: its class, or what it calls itself.
        input_shape: of the network's input.
        axes: its spatial axes.
        steps: in the order of the run.
        outputs: numbers of the tensors that the network returns.
        shapes: of all tensors, by number.
        fields: of all tensors, by number; empty where sizes are left open.
        results: numbers of the tensors that each module returned, by its path; of its last call.
        input_bytes: of the network's input.
    """

    name: str
    input_shape: Shape
    axes: tuple[int, ...]
    steps: list[Step] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    fields: list[tuple[Field, ...]] = field(default_factory=list)
    results: dict[str, list[int]] = field(default_factory=dict)
    input_bytes: Any = 0


class Traced(Known):
    """A tensor without values: torch's functions on it, and its own methods, are looked up in the rules."""

    # modules that ask isinstance(x, torch.Tensor) are to get yes
    __class__ = torch.Tensor  # type: ignore[assignment]

    def __init__(self, recorder: "Recorder", number: int, shape: Shape, dtype: Any) -> None:
        self.recorder, self.number, self.shape, self.dtype = recorder, number, Sizes(shape), dtype

    device = torch.device("cpu")
    requires_grad = is_sparse = is_quantized = is_nested = is_cuda = is_mkldnn = False
    layout, grad, names = torch.strided, None, None

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        recorder = next(value for value in flat((args, kwargs or {})) if type(value) is Traced).recorder
        return recorder.call(name_of(function), args, kwargs or {})

    def __getattr__(self, name: str) -> Any:
        # private names too: torch asks some tensors whether they are parameters
        if name.startswith("_"):
            raise AttributeError(name)
        if name in ("T", "mT"):
            return self.recorder.call("t", (self,), {})
        if name in ("data", "real"):
            return self
        return lambda *args, **kwargs: self.recorder.call(name, (self, *args), kwargs)

    def size(self, dim: int | None = None) -> Any:
        """Shape, or one size."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    ndimension = dim

    def numel(self) -> Any:
        """Number of elements."""
        return numel(self.shape)

    nelement = numel

    def is_floating_point(self) -> bool:
        """Whether it has fractions."""
        return bool(self.dtype.is_floating_point)

    def is_complex(self) -> bool:
        """Never."""
        return False

    def is_contiguous(self, **named: Any) -> bool:
        """Taken as true: it changes no size."""
        return True

    def __len__(self) -> int:
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.recorder.call("unbind", (self,), {}))

    def __getitem__(self, index: Any) -> Any:
        return self.recorder.call("getitem", (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.recorder.fail(
            "writes into a part of a tensor, which is not followed here: join parts by torch.cat instead"
        )

    def __neg__(self) -> Any:
        return self.recorder.call("neg", (self,), {})

    def __bool__(self) -> bool:
        self.recorder.fail("decides by values of a tensor, not by its shape: sizes then depend on the data")
        raise AssertionError

    __int__ = __float__ = __index__ = item = tolist = __bool__  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        return self.recorder.call("eq", (self, other), {})

    def __ne__(self, other: object) -> Any:
        return self.recorder.call("ne", (self, other), {})


def _add_operators() -> None:
    for word in (*_OPERATORS, *_COMPARISONS):
        name = _WORDS.get(word, {"and": "logical_and", "or": "logical_or"}.get(word, word))
        setattr(Traced, f"__{word}__", lambda a, b, name=name: a.recorder.call(name, (a, b), {}))
        if word in _OPERATORS:
            setattr(Traced, f"__r{word}__", lambda a, b, name=name: a.recorder.call(name, (b, a), {}))
            setattr(Traced, f"__i{word}__", lambda a, b, name=name: a.recorder.call(name + "_", (a, b), {}))


_add_operators()


class Sizes(tuple[Any, ...]):
    """A shape that can say its number of elements, as torch's can."""

    def numel(self) -> Any:
        """Number of elements."""
        return numel(self)


@dataclass(frozen=True)
class Frame:
    """A module at work: its path, its class, how often it was entered before."""

    path: str
    layer: str
    call: int


class Recorder:
    """Follows one run: where it is among the modules, and what was made."""

    def __init__(self, module: nn.Module, shape: Shape, dtype: Any, *, follow_places: bool) -> None:
        axes = tuple(range(2, len(shape)))
        self.root = module.name if isinstance(getattr(module, "name", None), str) else type(module).__name__
        self.recording = Recording(self.root, tuple(shape), axes)
        self.follows_places = follow_places and all(isinstance(size, int) for size in shape)
        self.paths = {id(inner): path for path, inner in module.named_modules()}
        self.stack = [Frame("", self.root, 0)]
        self.calls: dict[int, int] = {}
        self.counted: set[int] = set()
        fields = tuple(Field(axis, SAME) for axis in axes) if self.follows_places else ()
        self.input = self._tensor(tuple(shape), dtype, fields)
        self.recording.input_bytes = self._bytes(tuple(shape), dtype)

    def where(self) -> str:
        """The layer at work, for messages."""
        frame = self.stack[-1]
        return f"{frame.path}: {frame.layer}" if frame.path else f"{frame.layer}: its forward pass"

    def fail(self, message: str) -> None:
        """Raise a remark on the layer at work."""
        raise ParameterError(f"{self.where()} {message}")

    def call(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """One operation of torch."""
        word = plain_name(name)
        in_place = name.endswith("_") and not name.startswith("_")
        if word in _FACTS:
            return getattr(args[0], word)(*args[1:], **kwargs)
        if word == "sym_size":
            return args[0].shape[args[1]]
        if word not in RULES:
            self.fail(f"calls {name}, an operation whose sizes are not known here")
        named = dict(kwargs)
        first = [named.pop(key) for key in ("input", "self") if key in named]
        try:
            made = RULES[word](*first, *args, **named)
        except Refused as refusal:
            raise ShapeError(f"{self.where()} ({word}) {refusal}") from None
        except Unknown as reason:
            raise ParameterError(f"{self.where()} ({word}): {reason}") from None
        if isinstance(made, Made) and (in_place or kwargs.get("inplace")):
            made.is_view = True
        if in_place and isinstance(made, Made):
            target = args[0]
            result = self._step(word, made, args, kwargs)
            # later readers of the tensor see what was written
            target.number, target.shape = result.number, result.shape
            return target
        if isinstance(made, Made):
            result = self._step(word, made, args, kwargs)
            if made.refold is None:
                return result
            return self._step("reshape", shaping.refolded(result, made.refold), args, kwargs)
        return tuple(self._step(word, part, args, kwargs) for part in made)

    def _step(self, word: str, made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Traced:
        frame = self.stack[-1]
        inputs: list[Any] = list(made.inputs)
        moves = tuple(tuple(row) for row in made.moves()) if self.follows_places else ()
        fields = self._fields(made, inputs, moves) if self.follows_places else ()
        dtype = made.dtype or (inputs[0].dtype if inputs else self.input.dtype)
        output = self._tensor(made.shape, dtype, fields)
        self.recording.steps.append(
            Step(
                operation=word,
                path=frame.path,
                layer=frame.layer,
                call=frame.call,
                inputs=tuple(tensor.number for tensor in inputs),
                output=output.number,
                shape=tuple(made.shape),
                moves=moves,
                groups=made.groups,
                multiplies=made.multiplies,
                parameters=self._new(value for value in flat((args, kwargs)) if isinstance(value, nn.Parameter)),
                num_bytes=0 if made.is_view else self._bytes(made.shape, dtype),
                fields=fields,
                given=(_referred(tuple(args)), _referred(kwargs)),
                dtype=dtype,
            )
        )
        return output

    def _tensor(self, shape: Shape, dtype: Any, fields: tuple[Field, ...]) -> Traced:
        self.recording.shapes.append(tuple(shape))
        self.recording.fields.append(fields)
        return Traced(self, len(self.recording.shapes) - 1, tuple(shape), dtype)

    def _bytes(self, shape: Shape, dtype: Any) -> Any:
        return numel(shape) * dtype.itemsize

    def _new(self, parameters: Iterable[nn.Parameter]) -> int:
        """How many numbers are in those of these parameters that were not met before."""
        new = {id(p): p.numel() for p in parameters if id(p) not in self.counted}
        self.counted |= new.keys()
        return sum(new.values())

    def _fields(self, made: Made, inputs: Sequence[Any], moves: Sequence[Sequence[Move]]) -> tuple[Field, ...]:
        """What the result depends on: through the moves of each input, then together."""
        fields = []
        for a, axis in enumerate(self.recording.axes):
            extent = self.recording.input_shape[axis]
            parts = []
            for i, tensor in enumerate(inputs):
                before = self.recording.fields[tensor.number][a]
                shape = self.recording.shapes[tensor.number]
                parts.append(_moved(before, shape, moves[i], made.groups if i == 0 else [], extent))
            fields.append(_together(parts, made.shape, extent))
        return tuple(fields)

    @contextmanager
    def inside(self, module: nn.Module) -> Iterator[None]:
        """While a module runs."""
        path = self.paths.get(id(module))
        if path is None:
            # a module that is registered nowhere
            path = f"{self.stack[-1].path}.{type(module).__name__}".lstrip(".")
        call = self.calls.get(id(module), 0)
        self.calls[id(module)] = call + 1
        self.stack.append(Frame(path, type(module).__name__, call))
        before = len(self.recording.steps)
        try:
            yield
        finally:
            self.stack.pop()
        mine = [step for step in self.recording.steps[before:] if step.path == path]
        if mine:
            # weights that are computed from others, e.g. by weight norm, are not seen in a call
            parts = [part for name, part in module.named_children() if name == "parametrizations"]
            own = [*module.parameters(recurse=False), *(p for part in parts for p in part.parameters())]
            mine[-1].parameters += self._new(own)


def _referred(value: Any) -> Any:
    """Arguments without the traced tensors, which would keep the whole run alive and change with it."""
    if type(value) is Traced:
        return Ref(value.number)
    if isinstance(value, dict):
        return {key: _referred(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_referred(entry) for entry in value)
    return value


def _moved(
    field: Field, shape: Shape, moves: Sequence[Move], groups: Sequence[tuple[list[int], list[int]]], extent: int
) -> Field:
    """A field after the tensor's axes went where `moves` say."""
    folds = {axis: frozenset(new) for old, new in groups for axis in old if shape[axis] > 1}
    folded = frozenset().union(*(folds.get(axis, _follow(axis, moves)) for axis in field.folded))
    if field.axis is None:
        return Field(None, field.reach, folded)
    axis, through = moves[field.axis]
    if axis is not None:
        return Field(axis, _clipped(through.through(field.reach), extent), folded)
    positions = through.at(0).within(shape[field.axis])
    whole = Reach(1, 0, (field.reach.of(positions).within(extent),))
    return Field(None, whole, folded | folds.get(field.axis, frozenset()))


def _follow(axis: int, moves: Sequence[Move]) -> frozenset[int]:
    # what sees a whole axis sees all that was folded into it
    place = moves[axis][0]
    return frozenset() if place is None else frozenset({place})


def _clipped(reach: Reach, extent: int) -> Reach:
    return reach if reach.advance else Reach(reach.period, 0, tuple(s.within(extent) for s in reach.sets))


def _together(parts: Sequence[Field], shape: Shape, extent: int) -> Field:
    """The field of something made of several."""
    if not parts:
        return Field(None, Reach(1, 0, (NONE,)))
    axes = {part.axis for part in parts if part.axis is not None}
    folded = frozenset().union(*(part.folded for part in parts))
    if len(axes) > 1:
        # branches run along it on different axes: together they see what both see anywhere
        parts = [
            part if part.axis is None else Field(None, part.reach.whole(shape[part.axis], extent)) for part in parts
        ]
        folded, axes = folded | axes, set()
    axis = axes.pop() if axes else None
    size = shape[axis] if axis is not None else 1
    reach = parts[0].reach
    for part in parts[1:]:
        reach = reach.union(part.reach, size, extent)
    return Field(axis, reach, folded)


def record(module: nn.Module, shape: Sequence[Any], *, follow_places: bool = True) -> Recording:
    """Run a module's forward pass on an input of this shape, without values.

    Args:
        module: any; it is left as it was.
        shape: (batch, channels, *spatial); integers, or `Size`s inside of `sizes.ways`.
        follow_places: find out which positions depend on which; sizes alone are quicker.

    Raises:
        ShapeError: a layer does not take what it got; the message names it by its path.
        ParameterError: the module does something that cannot be followed.
    """
    recorder = Recorder(module, tuple(shape), _dtype(module), follow_places=follow_places)
    with torch.no_grad(), _untouched(module), _watched(recorder):
        try:
            result = module(recorder.input)
        except (FaltungError, NoFormula, NothingLeft):
            raise
        except Refused as refusal:
            raise ShapeError(f"{recorder.root} {refusal}") from None
        except REFUSALS as error:
            raise ShapeError(f"{_place(error, recorder)} {type(error).__name__}: {error}") from error
        except Exception as error:
            # what takes tensors only, or asks a size to be a plain integer
            if not all(isinstance(size, int) for size in shape):
                raise NoFormula(f"the module cannot work with sizes left open ({error})") from error
            raise ParameterError(f"{_place(error, recorder)} {type(error).__name__}: {error}") from error
    recorder.recording.outputs = [value.number for value in flat(result) if type(value) is Traced]
    if not recorder.recording.outputs:
        raise ParameterError(f"{recorder.root}: its forward pass returns no tensor made of its input")
    return recorder.recording


def _place(error: Exception, recorder: Recorder) -> str:
    return f"{getattr(error, 'faltung_layer', recorder.root)}: its forward pass raises"


def _dtype(module: nn.Module) -> Any:
    return next((p.dtype for p in module.parameters() if p.dtype.is_floating_point), torch.get_default_dtype())


@contextmanager
def _untouched(module: nn.Module) -> Iterator[None]:
    """Buffers that a run in training mode counts up are put back."""
    kept = [(b, b._version, b.detach().clone()) for b in module.buffers()] if module.training else []
    try:
        yield
    finally:
        for buffer, version, values in kept:
            if buffer._version != version:
                buffer.copy_(values)


_lock = threading.RLock()


@contextmanager
def _watched(recorder: Recorder) -> Iterator[None]:
    """Tells the recorder which module runs, in this thread."""
    with _lock:
        original, thread = nn.Module.__call__, threading.get_ident()

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != thread:
                return original(module, *args, **kwargs)
            with recorder.inside(module):
                try:
                    result = original(module, *args, **kwargs)
                except Exception as error:
                    if not hasattr(error, "faltung_layer"):
                        error.faltung_layer = recorder.where().partition(":")[0]  # type: ignore[attr-defined]
                    raise
                path = recorder.stack[-1].path
                recorder.recording.results[path] = [v.number for v in flat(result) if type(v) is Traced]
                return result

        nn.Module.__call__ = call  # type: ignore[method-assign]
        try:
            yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]


def name_of(function: Any) -> str:
    """The name of a function of torch, of a tensor's method, or of an exported graph's operation."""
    schema = getattr(function, "_schema", None)
    name = schema.name.partition("::")[2] if schema is not None else function.__name__
    if name.startswith("__"):
        bare = name.strip("_")
        return _WORDS.get(bare, bare) if bare not in ("radd", "rmul", "rsub") else bare[1:]
    return str(name)


def plain_name(name: str) -> str:
    """The same operation's name in the rules: `relu_` writes into its input, and is `relu`."""
    word = name.rstrip("_") if not name.startswith("_") else name
    return _WORDS.get(word, word)


def flat(value: Any) -> Iterator[Any]:
    """Everything inside of lists, tuples and dictionaries."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and not isinstance(value, Sizes):
        for entry in value:
            yield from flat(entry)
    else:
        yield value
