"""A structured writer of LLVM IR text. Nothing here knows about convolution.

    e = Emitter("scale", src=ptr(f32), dst=ptr(f32), n=i64)
    with e.range(e.n) as i:
        e.dst[i] = e.src[i] * 2.0
    print(e.text())

A Python `for` unrolls while the text is written; `with e.range(...)` loops when it runs; `e.loop(a, b)` is either, by
what its bounds are. A `Value` is a computed name with operators, a `Cell` a variable (a stack slot that LLVM turns into
registers).

Every line of the text carries the Python line that wrote it. In checked mode every pointer carries the memory it may
touch, and every load and store is tested against it first; a loop that strays stops and says where.
"""

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = __file__


@dataclass(frozen=True)
class Type:
    """An LLVM type; `item` is what a vector holds or a pointer points to."""

    name: str
    family: str
    num_bytes: int
    lanes: int = 0
    item: "Type | None" = None

    @property
    def suffix(self) -> str:
        """How intrinsics spell the type, e.g. v8f32."""
        element = self.item or self
        short = {"float": "f32", "double": "f64"}.get(element.name, element.name)
        return f"v{self.lanes}{short}" if self.lanes else short


boolean = Type("i1", "bool", 1)
i8, i16, i32, i64 = (Type(f"i{8 * n}", "int", n) for n in (1, 2, 4, 8))
u8, u16, u32, u64 = (Type(f"i{8 * n}", "uint", n) for n in (1, 2, 4, 8))
f32, f64 = Type("float", "float", 4), Type("double", "float", 8)

OF_DTYPE = {
    "int8": i8,
    "int16": i16,
    "int32": i32,
    "int64": i64,
    "uint8": u8,
    "uint16": u16,
    "uint32": u32,
    "uint64": u64,
    "float32": f32,
    "float64": f64,
}
"""NumPy dtype name -> Type."""


def ptr(item: Type) -> Type:
    """A pointer to elements of one type."""
    return Type("ptr", "ptr", 8, 0, item)


def vector(item: Type, lanes: int) -> Type:
    """`lanes` elements side by side."""
    return Type(f"<{lanes} x {item.name}>", item.family, item.num_bytes, lanes, item)


def _arithmetic(int_word: str, float_word: str) -> tuple[Any, Any]:
    def forward(self, other):
        other = self.emitter.value(other, self.type)
        word = float_word if self.type.family == "float" else int_word
        return self.emitter.emit(self.type, f"{word} {self.type.name} {self}, {other}")

    def reflected(self, other):
        return forward(self.emitter.value(other, self.type), self)

    return forward, reflected


def _comparison(int_word: str, float_word: str) -> Any:
    def compare(self, other):
        other = self.emitter.value(other, self.type)
        word = f"fcmp {float_word}" if self.type.family == "float" else f"icmp {int_word}"
        return self.emitter.emit(boolean, f"{word} {self.type.name} {self}, {other}")

    return compare


class Value:
    """A computed value; pointers know their limits in checked mode."""

    __slots__ = ("emitter", "limits", "ref", "type")

    def __init__(self, emitter, type_, ref, limits=None):
        self.emitter, self.type, self.ref, self.limits = emitter, type_, ref, limits

    def __str__(self):
        return self.ref

    # integers wrap around: exact sums rely on it
    _add, __radd__ = _arithmetic("add", "fadd")
    __sub__, __rsub__ = _arithmetic("sub", "fsub")
    __mul__, __rmul__ = _arithmetic("mul", "fmul")
    __floordiv__, _ = _arithmetic("sdiv", "fdiv")
    __and__, _ = _arithmetic("and", "and")
    __lt__, __le__ = _comparison("slt", "olt"), _comparison("sle", "ole")
    __gt__, __ge__ = _comparison("sgt", "ogt"), _comparison("sge", "oge")

    def __invert__(self):
        return self.emitter.emit(self.type, f"xor {self.type.name} {self}, -1")

    def __add__(self, other):
        """A pointer moved by so many elements, or a sum."""
        if self.type.family != "ptr":
            return self._add(other)
        index = self.emitter.value(other, i64)
        moved = self.emitter.emit(self.type, f"getelementptr {self.type.item.name}, ptr {self}, i64 {index}")
        moved.limits = self.limits
        return moved

    def __getitem__(self, index):
        return self.vec(index, 0)

    def vec(self, index, lanes):
        """`lanes` neighbours from element `index` on (0: one scalar)."""
        item = self.type.item
        loaded = vector(item, lanes) if lanes else item
        place = self + index
        self.emitter.check(place, max(lanes, 1))
        return self.emitter.emit(loaded, f"load {loaded.name}, ptr {place}, align {item.num_bytes}")

    def __setitem__(self, index, value):
        """Store a scalar or a vector at element `index`."""
        item = self.type.item
        value, place = self.emitter.value(value, item), self + index
        self.emitter.check(place, max(value.type.lanes, 1))
        self.emitter.line(f"store {value.type.name} {value}, ptr {place}, align {item.num_bytes}")


class Cell:
    """A variable: read and assign `.value`."""

    def __init__(self, emitter, start):
        self.emitter, self.type, self.slot = emitter, start.type, emitter.name()
        emitter.slots.append(f"  {self.slot} = alloca {self.type.name}")
        self.value = start

    @property
    def value(self):
        """What it holds now."""
        return self.emitter.emit(self.type, f"load {self.type.name}, ptr {self.slot}")

    @value.setter
    def value(self, new):
        """Write the variable."""
        new = self.emitter.value(new, self.type)
        self.emitter.line(f"store {self.type.name} {new}, ptr {self.slot}")


class Emitter:
    """One loop being written.

    Args:
        label: the loop's name in error messages.
        checked: test every load and store against the limits of its pointer.
        arguments: name -> Type, in order; they become attributes.
    """

    def __init__(self, label: str, *, checked: bool = False, **arguments: Type):
        self.label, self.checked, self.arguments = label, checked, arguments
        self.slots, self.body, self.declared, self.count = [], [], {}, 0
        self.places: list[str] = []
        """Python lines of the tested loads and stores; a fault names its number in this list, from 1."""
        for name, type_ in arguments.items():
            limits = None
            if checked and type_.family == "ptr":
                limits = Value(self, i64, f"%{name}.low"), Value(self, i64, f"%{name}.high")
            self._name(name, Value(self, type_, f"%{name}", limits))

    def __getattr__(self, name: str) -> Value:
        """Arguments and unpacked fields are set by name; this is for those that are not there."""
        raise AttributeError(f"loop {self.label!r} has no argument or field {name!r}")

    def _name(self, name: str, value: Value) -> None:
        """Make an argument or a field an attribute."""
        if name in self.__dict__ or hasattr(type(self), name):
            raise AttributeError(f"loop {self.label!r}: {name!r} is a name of the emitter's own")
        setattr(self, name, value)

    # text

    def name(self):
        """A fresh name."""
        self.count += 1
        return f"%v{self.count}"

    def line(self, text):
        """One instruction, marked with the Python line that asked for it."""
        self.body.append(f"  {text}  ; {_asking_line()}")

    def emit(self, type_, text):
        """One instruction with a result."""
        name = self.name()
        self.line(f"{name} = {text}")
        return Value(self, type_, name)

    def block(self, label):
        """Start a basic block."""
        self.body.append(f"{label[1:]}:")

    def text(self) -> str:
        """The whole module."""
        parameters = []
        for name, type_ in self.arguments.items():
            parameters.append(f"ptr noalias %{name}" if type_.family == "ptr" else f"{type_.name} %{name}")
            if self.checked and type_.family == "ptr":
                parameters += [f"i64 %{name}.low", f"i64 %{name}.high"]
        if self.checked:
            parameters.append("ptr noalias %fault")
        widths = 'nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512"'
        return "\n".join(
            [
                *self.declared.values(),
                f"define void @loop({', '.join(parameters)}) #0 {{",
                "entry:",
                *self.slots,
                *self.body,
                "  ret void",
                "}",
                f"attributes #0 = {{ {widths} }}",
                "!0 = !{i32 1}",
                "",
            ]
        )

    def unpack(self, block, **fields: Type):
        """Read fields from a block of 8-byte cells: one argument instead of a dozen.

        In checked mode a pointer takes three cells: address, first byte, byte behind the last.
        """
        cell = 0
        for name, type_ in fields.items():
            loaded = self.emit(type_, f"load {type_.name}, ptr {block + cell}")
            cell += 1
            if self.checked and type_.family == "ptr":
                loaded.limits = block[cell], block[cell + 1]
                cell += 2
            self._name(name, loaded)

    def check(self, place, count):
        """In checked mode: leave the loop here, by name, if `count` elements at `place` may not be touched."""
        if not self.checked:
            return
        low, high = place.limits
        start = self.emit(i64, f"ptrtoint ptr {place} to i64")
        stop = start + count * place.type.item.num_bytes
        outside = self.emit(boolean, f"icmp ult i64 {start}, {low}")
        beyond = self.emit(boolean, f"icmp ugt i64 {stop}, {high}")
        wrong = self.emit(boolean, f"or i1 {outside}, {beyond}")
        self.places.append(_asking_line())
        stray, fine = self.name(), self.name()
        self.line(f"br i1 {wrong}, label {stray}, label {fine}")
        self.block(stray)
        self.line(f"store i64 {len(self.places)}, ptr %fault")
        self.line("ret void")
        self.block(fine)

    # values

    def value(self, x, type_) -> Value:
        """`x` itself, or the Python number `x` as a constant."""
        if isinstance(x, Value):
            return x
        if type_.family == "float":
            double = struct.unpack("f", struct.pack("f", x))[0] if type_.num_bytes == 4 else x
            return Value(self, type_, f"0x{struct.unpack('Q', struct.pack('d', double))[0]:016X}")
        return Value(self, type_, str(int(x)))

    def cell(self, start, type_=i64) -> Cell:
        """A new variable."""
        return Cell(self, self.value(start, type_))

    def splat(self, x, lanes):
        """`lanes` copies of a scalar."""
        type_, poison = vector(x.type, lanes), f"<{lanes} x {x.type.name}> poison"
        one = self.emit(type_, f"insertelement {poison}, {x.type.name} {x}, i64 0")
        return self.emit(type_, f"shufflevector {type_.name} {one}, {poison}, <{lanes} x i32> zeroinitializer")

    def stream(self, place, value):
        """Store a vector past the caches; the place must be a multiple of its size. Ends with a `fence`."""
        self.check(place, value.type.lanes)
        size = value.type.lanes * value.type.item.num_bytes
        self.line(f"store {value.type.name} {value}, ptr {place}, align {size}, !nontemporal !0")

    def fence(self):
        """What was streamed is seen by other threads before anything that is stored later."""
        self.declared["sfence"] = "declare void @llvm.x86.sse.sfence()"
        self.line("call void @llvm.x86.sse.sfence()")

    def is_multiple(self, place, num_bytes):
        """Whether an address is a multiple of so many bytes, a power of two."""
        address = self.emit(i64, f"ptrtoint ptr {place} to i64")
        return (address & (num_bytes - 1)) < 1

    def zeros(self, item, lanes):
        """A vector of zeros."""
        return Value(self, vector(item, lanes), "zeroinitializer")

    def constants(self, numbers, item):
        """A vector of these numbers."""
        inside = ", ".join(f"{item.name} {self.value(number, item)}" for number in numbers)
        return Value(self, vector(item, len(numbers)), f"<{inside}>")

    def shuffle(self, x, order):
        """Elements of a vector in another order, all or some."""
        places = ", ".join(f"i32 {place}" for place in order)
        given = f"{x.type.name} {x}, {x.type.name} poison"
        return self.emit(vector(x.type.item, len(order)), f"shufflevector {given}, <{len(order)} x i32> <{places}>")

    def intrinsic(self, word, *values):
        """An LLVM intrinsic on values of one type."""
        type_, name = values[0].type, f"llvm.{word}.{values[0].type.suffix}"
        self.declared[name] = f"declare {type_.name} @{name}({', '.join([type_.name] * len(values))})"
        return self.emit(type_, f"call {type_.name} @{name}({', '.join(f'{type_.name} {v}' for v in values)})")

    def multiply_add(self, a, b, c):
        """Return a * b + c, fused where the processor can; llvm.fma would call libm, lane by lane, where it cannot."""
        if a.type.family == "float":
            return self.intrinsic("fmuladd", a, b, c)
        return a * b + c

    def absolute(self, x):
        """Return |x| of a float or of each float of a vector."""
        return self.intrinsic("fabs", x)

    def sum_of(self, x):
        """The sum of a vector of floats, lane by lane."""
        item = x.type.item
        total = self.emit(item, f"extractelement {x.type.name} {x}, i64 0")
        for lane in range(1, x.type.lanes):
            total = total + self.emit(item, f"extractelement {x.type.name} {x}, i64 {lane}")
        return total

    def least(self, a, b):
        """The smaller of two integers."""
        a = self.value(a, i64)
        return self.intrinsic("smin", a, self.value(b, i64))

    def most(self, a, b):
        """The larger of two integers."""
        a = self.value(a, i64)
        return self.intrinsic("smax", a, self.value(b, i64))

    def where(self, condition, a, b):
        """`a` if the condition holds, else `b`."""
        b = self.value(b, getattr(a, "type", i64))
        a = self.value(a, b.type)
        chosen = self.emit(a.type, f"select i1 {condition}, {a.type.name} {a}, {b.type.name} {b}")
        if a.limits and b.limits:
            chosen.limits = tuple(self.where(condition, p, q) for p, q in zip(a.limits, b.limits, strict=True))
        return chosen

    def cast(self, x, item):
        """Convert the number, or each number of a vector."""
        have = x.type.item or x.type
        target = vector(item, x.type.lanes) if x.type.lanes else item
        if have == item:
            return x
        if have.family == "float":
            word = "fpext" if item.num_bytes > have.num_bytes else "fptrunc"
        elif item.family == "float":
            word = "uitofp" if have.family == "uint" else "sitofp"
        elif item.num_bytes == have.num_bytes:
            return Value(self, target, x.ref)
        else:
            word = "zext" if have.family == "uint" else "sext"
        return self.emit(target, f"{word} {x.type.name} {x} to {target.name}")

    # control

    @contextmanager
    def range(self, start, stop=None, step=1) -> Iterator[Value]:
        """A loop that runs in the compiled code."""
        start, stop = (0, start) if stop is None else (start, stop)
        i = self.cell(start)
        head, body, done = self.name(), self.name(), self.name()
        self.line(f"br label {head}")
        self.block(head)
        now = i.value
        self.line(f"br i1 {now < stop}, label {body}, label {done}")
        self.block(body)
        yield now
        i.value = now + step
        self.line(f"br label {head}")
        self.block(done)

    def loop(self, start, stop, unroll=1):
        """Unrolled in full when both bounds are Python integers, else a compiled loop, `unroll` turns at a time."""
        if isinstance(start, int) and isinstance(stop, int):
            yield from range(start, stop)
            return
        stop = self.value(stop, i64)
        if unroll > 1:
            with self.range(start, stop - (unroll - 1), unroll) as i:
                yield from (i + u for u in range(unroll))
            start = self.value(start, i64)
            start = start + self.most(stop - start, 0) // unroll * unroll
        with self.range(start, stop) as i:
            yield i

    @contextmanager
    def when(self, condition) -> Iterator[None]:
        """A block that runs only if the condition holds."""
        body, done = self.name(), self.name()
        self.line(f"br i1 {condition}, label {body}, label {done}")
        self.block(body)
        yield
        self.line(f"br label {done}")
        self.block(done)

    def barrier(self):
        """Nothing is moved across: keeps LLVM from loading every weight first and spilling them all."""
        self.line('call void asm sideeffect "", "~{memory}"()')


def _asking_line() -> str:
    """File and line of the innermost frame outside this file: the loop's own source."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename in (_HERE, _CONTEXTLIB):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


_CONTEXTLIB = contextmanager.__code__.co_filename
