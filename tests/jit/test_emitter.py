"""Small loops do what their Python says; in checked mode they stop before they touch what is not theirs."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faltung.jit import compiler
from faltung.jit.compiler import Fault, checking, pointer
from faltung.jit.emitter import OF_DTYPE, Emitter, f32, f64, i8, i16, i32, i64, ptr, u8, u32, u64
from faltung.spec import Array

HERE = Path(__file__).name


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loops of these tests are nobody else's."""
    monkeypatch.setenv("FALTUNG_CACHE", str(tmp_path))


def call(body: Callable[[Any], None], *, checked: bool = False, **given: Any) -> None:
    """Compile `body(e)` and run it on these arrays and (int or float) numbers."""

    def small(*, checked: bool) -> Emitter:
        types = {
            name: ptr(OF_DTYPE[x.dtype.name]) if isinstance(x, np.ndarray) else f64 if isinstance(x, float) else i64
            for name, x in given.items()
        }
        e = Emitter("small", checked=checked, **types)
        body(e)
        return e

    def run() -> None:
        loop = compiler.get(small)
        loop(*(pointer(x) if isinstance(x, np.ndarray) else x for x in given.values()))

    if not checked:
        return run()
    with checking():
        return run()


both = pytest.mark.parametrize("checked", [False, True], ids=["plain", "checked"])


# loops


@both
@pytest.mark.parametrize("num", [-1, 0, 1, 2, 7])
def test_range_takes_every_index_once(num: int, checked: bool) -> None:
    seen = np.zeros(8, np.int64)

    def body(e: Any) -> None:
        with e.range(e.num) as i:
            e.seen[i] = e.seen[i] + 1

    call(body, seen=seen, num=num, checked=checked)
    assert seen.tolist() == [1] * max(num, 0) + [0] * (8 - max(num, 0))


@pytest.mark.parametrize(("start", "stop", "step"), [(0, 7, 3), (2, 8, 2), (5, 5, 1), (6, 2, 1), (-3, 4, 5)])
def test_range_is_that_of_python(start: int, stop: int, step: int) -> None:
    seen, filled = np.full(10, 99), np.zeros(1, np.int64)

    def body(e: Any) -> None:
        with e.range(e.start, e.stop, step) as i:
            e.seen[e.filled[0]] = i
            e.filled[0] = e.filled[0] + 1

    call(body, seen=seen, filled=filled, start=start, stop=stop)
    assert seen[: filled[0]].tolist() == list(range(start, stop, step))


@pytest.mark.parametrize("unroll", [1, 2, 4, 8])
@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (0, 3), (0, 4), (0, 5), (3, 20), (5, 2), (-4, 5)])
def test_an_unrolled_loop_takes_the_same_turns_in_the_same_order(start: int, stop: int, unroll: int) -> None:
    seen, filled = np.full(32, 99), np.zeros(1, np.int64)

    def body(e: Any) -> None:
        for i in e.loop(start, e.stop, unroll):
            e.seen[e.filled[0]] = i
            e.filled[0] = e.filled[0] + 1

    call(body, seen=seen, filled=filled, stop=stop)
    assert seen[: filled[0]].tolist() == list(range(start, stop))


def test_a_loop_with_python_bounds_is_written_out() -> None:
    seen = np.zeros(4, np.int64)
    turns = []

    def body(e: Any) -> None:
        for i in e.loop(1, 4):
            turns.append(i)
            e.seen[i] = e.value(i * i, i64)

    call(body, seen=seen)
    assert turns == [1, 2, 3]
    assert seen.tolist() == [0, 1, 4, 9]


def test_loops_nest_and_cells_keep_their_sums() -> None:
    sums = np.zeros(4, np.int64)

    def body(e: Any) -> None:
        with e.range(4) as i:
            total = e.cell(0)
            with e.range(i + 1) as j:
                total.value = total.value + (j + 1) * i
            e.sums[i] = total.value

    call(body, sums=sums)
    assert sums.tolist() == [sum((j + 1) * i for j in range(i + 1)) for i in range(4)]


@both
def test_when_runs_where_its_condition_holds(checked: bool) -> None:
    seen = np.zeros(6, np.int64)

    def body(e: Any) -> None:
        with e.range(6) as i:
            with e.when((i >= 2) & (i < 5)):
                e.seen[i] = e.value(1, i64)
            with e.when(~(i > 0)):
                e.seen[i] = e.value(-1, i64)

    call(body, seen=seen, checked=checked)
    assert seen.tolist() == [-1, 0, 1, 1, 1, 0]


def test_where_least_and_most_choose() -> None:
    chosen = np.zeros((5, 3), np.int64)

    def body(e: Any) -> None:
        with e.range(5) as i:
            row = e.chosen + i * 3
            row[0], row[1], row[2] = e.where(i > 2, i, -1), e.least(i, 3), e.most(i - 2, 0)

    call(body, chosen=chosen)
    assert chosen.tolist() == [[i if i > 2 else -1, min(i, 3), max(i - 2, 0)] for i in range(5)]


@both
@pytest.mark.parametrize("pick", [0, 1])
def test_where_chooses_a_pointer_with_its_limits(pick: int, checked: bool) -> None:
    one, two, got = np.arange(3.0), np.arange(5.0, 12.0), np.zeros(1)

    def body(e: Any) -> None:
        source = e.where(e.pick > 0, e.one, e.two)
        e.got[0] = source[e.where(e.pick > 0, e.value(2, i64), 6)]

    call(body, one=one, two=two, got=got, pick=pick, checked=checked)
    assert got[0] == (2.0 if pick else 11.0)


def test_a_pointer_chosen_keeps_the_limits_of_the_one_chosen() -> None:
    one, two, got = np.arange(3.0), np.arange(5.0, 12.0), np.zeros(1)

    def body(e: Any) -> None:
        e.got[0] = e.where(e.pick > 0, e.one, e.two)[6]

    call(body, one=one, two=two, got=got, pick=0, checked=True)
    with pytest.raises(Fault):
        call(body, one=one, two=two, got=got, pick=1, checked=True)


# numbers


@pytest.mark.parametrize("name", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_integers_wrap_around(name: str) -> None:
    rng = np.random.default_rng(0)
    info = np.iinfo(name)
    a, b = rng.integers(info.min, info.max, (2, 50), name, endpoint=True)
    got = np.zeros((3, 50), name)

    def body(e: Any) -> None:
        with e.range(50) as i:
            x, y = e.a[i], e.b[i]
            e.got[i], e.got[i + 50], e.got[i + 100] = x + y, x - y, x * y

    call(body, a=a, b=b, got=got)
    for row, wanted in zip(got, (a + b, a - b, a * b), strict=True):
        np.testing.assert_array_equal(row, wanted)


def test_numbers_of_python_stand_on_either_side() -> None:
    got = np.zeros(7, np.int64)

    def body(e: Any) -> None:
        for place, value in enumerate((e.n + 3, 3 + e.n, e.n - 3, 3 - e.n, e.n * 3, 3 * e.n, e.n // 3)):
            e.got[place] = value

    call(body, got=got, n=10)
    assert got.tolist() == [13, 13, 7, -7, 30, 30, 3]


def test_float_constants_are_those_of_numpy() -> None:
    numbers = [0.1, -0.0, 1e-45, 3e38, float("inf"), float("nan"), 1 / 3]
    single, double = np.zeros(len(numbers), np.float32), np.zeros(len(numbers))

    def body(e: Any) -> None:
        for place, number in enumerate(numbers):
            e.single[place], e.double[place] = number, number

    call(body, single=single, double=double)
    np.testing.assert_array_equal(single, np.array(numbers, np.float32))
    np.testing.assert_array_equal(np.signbit(double), np.signbit(numbers))
    np.testing.assert_array_equal(double, numbers)


@pytest.mark.parametrize("target", ["int64", "uint64", "float32", "float64"])
@pytest.mark.parametrize("source", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_casts_of_integers_are_those_of_numpy(source: str, target: str) -> None:
    info = np.iinfo(source)
    x = np.array([info.min, info.min + 1, 0, 1, 77, info.max // 2 + 1, info.max - 1, info.max], source)
    got = np.zeros((2, 8), target)

    def body(e: Any) -> None:
        with e.range(8) as i:
            e.got[i] = e.cast(e.x[i], OF_DTYPE[target])
        e.got[8] = e.cast(e.x.vec(0, 8), OF_DTYPE[target])

    call(body, x=x, got=got)
    np.testing.assert_array_equal(got[0], x.astype(target))
    np.testing.assert_array_equal(got[1], x.astype(target))


@pytest.mark.parametrize(("source", "target"), [("float32", "float64"), ("float64", "float32")])
def test_casts_of_floats_are_those_of_numpy(source: str, target: str) -> None:
    x = np.array([0.1, -1e30, np.inf, np.nan], source)
    got = np.zeros(4, target)

    def body(e: Any) -> None:
        e.got[0] = e.cast(e.x.vec(0, 4), OF_DTYPE[target])

    call(body, x=x, got=got)
    np.testing.assert_array_equal(got, x.astype(target))


def test_a_cast_to_the_same_type_is_the_value_itself() -> None:
    e: Any = Emitter("same", n=i64, m=u32)
    assert e.cast(e.n, i64) is e.n
    assert e.cast(e.m, i32).ref == e.m.ref


def test_splat_fills_all_lanes() -> None:
    x, got = np.array([2.5], np.float32), np.zeros(8, np.float32)

    def body(e: Any) -> None:
        e.got[0] = e.splat(e.x[0], 8)

    call(body, x=x, got=got)
    assert got.tolist() == [2.5] * 8


def test_vectors_need_not_be_aligned() -> None:
    raw = np.zeros(17 * 8 + 1, np.uint8)
    x = np.arange(17.0)
    raw[: 17 * 8] = x.view(np.uint8)
    got = np.zeros(17)

    def body(e: Any) -> None:
        e.got[1] = e.x.vec(1, 8)

    call(body, x=raw[: 17 * 8].view(np.float64), got=got)
    np.testing.assert_array_equal(got[1:9], x[1:9])
    assert not got[9:].any()


@pytest.mark.parametrize("name", ["float32", "float64", "int64"])
def test_multiply_add_is_a_product_and_a_sum(name: str) -> None:
    rng = np.random.default_rng(0)
    a, b, c = (rng.integers(-99, 99, 8).astype(name) for _ in range(3))
    got = np.zeros((2, 8), name)

    def body(e: Any) -> None:
        with e.range(8) as i:
            e.got[i] = e.multiply_add(e.a[i], e.b[i], e.c[i])
        e.got[8] = e.multiply_add(e.a.vec(0, 8), e.b.vec(0, 8), e.c.vec(0, 8))

    call(body, a=a, b=b, c=c, got=got)
    np.testing.assert_array_equal(got, [a * b + c] * 2)


def test_a_barrier_changes_no_result() -> None:
    got = np.zeros(3)

    def body(e: Any) -> None:
        for i in range(3):
            e.barrier()
            e.got[i] = e.got[i] + float(i)

    call(body, got=got)
    assert got.tolist() == [0, 1, 2]


@both
def test_a_block_of_fields_is_unpacked_in_order(checked: bool) -> None:
    table, got = np.arange(10, 15), np.zeros(3, np.int64)

    def small(*, checked: bool) -> Emitter:
        e: Any = Emitter("fields", checked=checked, got=ptr(i64), plan=ptr(i64))
        e.unpack(e.plan, first=i64, table=ptr(i64), last=i64)
        e.got[0], e.got[1], e.got[2] = e.first, e.table[4], e.last
        return e

    def run() -> None:
        block, kept = compiler.pack(first=-5, table=table, last=7)
        compiler.get(small)(pointer(got), pointer(block))
        del kept

    if checked:
        with checking():
            run()
    else:
        run()
    assert got.tolist() == [-5, 14, 7]


# what the author sees


def test_the_text_names_the_python_line_of_every_instruction() -> None:
    e: Any = Emitter("scale", x=ptr(f32), n=i64)
    with e.range(e.n) as i:
        e.x[i] = e.x[i] * 2.0
    line = _line_of(test_the_text_names_the_python_line_of_every_instruction, "e.x[i] =")
    marked = [text for text in e.text().splitlines() if "fmul" in text or "store float" in text]
    assert len(marked) == 2
    assert all(text.endswith(f"; {line}") for text in marked)
    instructions = [text for text in e.body if text.startswith("  ")]
    assert all(f"; {HERE}:" in text for text in instructions)


def test_an_unknown_field_is_an_error_that_names_the_loop() -> None:
    e: Any = Emitter("scale", src=ptr(f32), n=i64)
    with pytest.raises(AttributeError, match=r"'scale'.*'dst'"):
        e.dst[0] = 1.0


@pytest.mark.parametrize("name", ["count", "line", "range", "body"])
def test_a_name_that_the_emitter_needs_itself_is_refused(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'scale'.*'{name}'"):
        Emitter("scale", checked=False, **{name: i64})
    e: Any = Emitter("scale", plan=ptr(i64))
    with pytest.raises(AttributeError, match=f"'scale'.*'{name}'"):
        e.unpack(e.plan, **{name: i64})


@pytest.mark.parametrize(
    ("type_", "suffix"), [(i8, "i8"), (i16, "i16"), (u8, "i8"), (u64, "i64"), (f32, "f32"), (f64, "f64")]
)
def test_intrinsics_spell_types_as_llvm_does(type_: Any, suffix: str) -> None:
    assert type_.suffix == suffix


# checked mode


def _line_of(function: Callable[..., Any], text: str) -> str:
    lines, first = inspect.getsourcelines(function)
    return f"{HERE}:{first + next(i for i, line in enumerate(lines) if text in line)}"


@pytest.mark.parametrize("index", [-1, 5, 2**40, -(2**40)])
def test_a_load_outside_is_a_fault_that_names_its_line(index: int) -> None:
    x, got = np.arange(5.0), np.zeros(1)

    def body(e: Any) -> None:
        e.got[0] = 1.0
        e.got[0] = e.x[e.index]

    with pytest.raises(Fault, match=f"^small strays outside its arrays at {_line_of(body, 'e.x[')}$"):
        call(body, x=x, got=got, index=index, checked=True)
    assert got[0] == 1.0


@pytest.mark.parametrize("index", [-1, 5, 2**40, -(2**40)])
def test_a_store_outside_is_a_fault_and_writes_nothing(index: int) -> None:
    around = np.zeros(7)

    def body(e: Any) -> None:
        e.x[e.index] = 1.0

    with pytest.raises(Fault, match=_line_of(body, "e.x[")):
        call(body, x=around[1:-1], index=index, checked=True)
    assert not around.any()


@pytest.mark.parametrize("start", [-1, 1, 2])
def test_a_vector_that_sticks_out_is_a_fault(start: int) -> None:
    around = np.zeros(18, np.float32)
    inside, got = around[5:13], np.zeros(8, np.float32)

    def load(e: Any) -> None:
        e.got[0] = e.x.vec(e.start, 8)

    def store(e: Any) -> None:
        e.x[e.start] = e.got.vec(0, 8) + e.splat(e.value(1.0, f32), 8)

    with pytest.raises(Fault, match=_line_of(load, "e.x.vec")):
        call(load, x=inside, got=got, start=start, checked=True)
    with pytest.raises(Fault, match=_line_of(store, "e.x[")):
        call(store, x=inside, got=got, start=start, checked=True)
    assert not around.any()
    call(load, x=inside, got=got, start=0, checked=True)
    call(store, x=inside, got=got, start=0, checked=True)
    assert around.tolist() == [0] * 5 + [1] * 8 + [0] * 5


@pytest.mark.parametrize("num", [0, 1, 4, 5])
def test_a_pointer_may_leave_its_array_as_long_as_nothing_is_touched(num: int) -> None:
    x = np.zeros(5)

    def body(e: Any) -> None:
        far = e.x + 100
        with e.range(e.num) as i:
            far[i - 100] = 1.0

    call(body, x=x, num=num, checked=True)
    assert x.sum() == num


def test_an_unpacked_pointer_is_held_to_its_own_array() -> None:
    table, got = np.arange(3), np.zeros(1, np.int64)

    def small(*, checked: bool) -> Emitter:
        e: Any = Emitter("fields", checked=checked, got=ptr(i64), plan=ptr(i64), index=i64)
        e.unpack(e.plan, table=ptr(i64))
        e.got[0] = e.table[e.index]
        return e

    with checking():
        block, kept = compiler.pack(table=table)
        loop = compiler.get(small)
        loop(pointer(got), pointer(block), 2)
        assert got[0] == 2
        with pytest.raises(Fault, match=r"fields strays"):
            loop(pointer(got), pointer(block), 3)
        del kept


def test_a_strided_and_a_reversed_array_may_be_touched_where_they_lie() -> None:
    whole = np.zeros(9)

    def body(e: Any) -> None:
        e.x[e.index] = 1.0

    call(body, x=whole[2:7:2], index=4, checked=True)
    call(body, x=whole[6:1:-1], index=-4, checked=True)
    assert np.flatnonzero(whole).tolist() == [2, 6]
    with pytest.raises(Fault):
        call(body, x=whole[6:1:-1], index=1, checked=True)


def test_nothing_may_be_touched_in_an_empty_array() -> None:
    def body(e: Any) -> None:
        e.got[0] = e.x[0]

    with pytest.raises(Fault):
        call(body, x=np.zeros(0), got=np.zeros(1), checked=True)


def test_plain_loops_hold_no_test() -> None:
    plain: Any = Emitter("scale", x=ptr(f32))
    plain.x[0] = 1.0
    checked: Any = Emitter("scale", checked=True, x=ptr(f32))
    checked.x[0] = 1.0
    assert "fault" not in plain.text()
    assert "fault" in checked.text()


def test_checked_mode_ends_with_its_block_also_after_an_error() -> None:
    array: Array = np.zeros(1)
    with checking():
        assert isinstance(pointer(array), compiler.Pointer)
    with pytest.raises(KeyError), checking():
        raise KeyError
    assert not isinstance(pointer(array), compiler.Pointer)
