"""What all loops over a stack share: their arguments, and which entry of x meets which kernel."""

from ..jit.emitter import OF_DTYPE, Emitter, i64, ptr


def stack_emitter(label, source, result, *weights, checked):
    """An emitter with the arguments loop(src, dst, *weights, fill, plan, scratch, first unit, last unit)."""
    pixel, item = OF_DTYPE[source], OF_DTYPE[result]
    names = dict.fromkeys(weights, ptr(item))
    return Emitter(
        label, checked=checked, src=ptr(pixel), dst=ptr(item), **names, fill=item, plan=ptr(i64), scratch=ptr(item),
        first=i64, last=i64,
    )  # fmt: skip


PAIRS = {"pairs": ptr(i64), "num_pairs": i64}
"""Fields of the plan block: the table of `ConvSpec.pairs`; num_pairs is 0 where there is none."""


def pair_of(e, entry):
    """The numbers of the x and of the kernel that make this entry of the result."""
    source, kernel = e.cell(entry), e.cell(0)
    with e.when(e.num_pairs > 0):
        source.value, kernel.value = e.pairs[entry * 2], e.pairs[entry * 2 + 1]
    return source.value, kernel.value
