"""Boundaries on tensors: x extended by what its rules put outside, as gathers that torch can differentiate."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_unary

from ..boundary import AxisBoundary, Boundary, Side, parse_boundary


def pad(x: Tensor, boundary: Boundary, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """Extend the last axes of x by what its boundary puts outside.

    Args:
        x: (..., *sizes).
        boundary: as in `faltung.convolve`, one entry per size; "ignore" puts zeros.
        before, after: samples to add in front of and behind each of the sizes; negative ones are taken away.

    Returns:
        (..., *(before + size + after)), x itself where nothing is added. As everywhere, the last axis that fills
        decides in the corners.
    """
    return pad_by_rules(x, parse_boundary(boundary, len(before)), before, after)


def pad_by_rules(x: Tensor, rules: Sequence[AxisBoundary], before: Sequence[int], after: Sequence[int]) -> Tensor:
    """`pad` by parsed rules."""
    if has_torch_function_unary(x):
        # one operation to whoever watches, as torch's own pad is: the calculators know its places, not those of gathers
        return handle_torch_function(pad_by_rules, (x,), x, rules, before, after)
    for i, (rule, front, behind) in enumerate(zip(rules, before, after, strict=True)):
        if front == behind == 0:
            continue
        axis = x.ndim - len(rules) + i
        found = places(rule.before.rule, rule.after.rule, x.shape[axis], front, behind).to(x.device)
        x = x.index_select(axis, found.clamp(min=0))
        if rule.before.fills or rule.after.fills:
            # one axis of truth values, against all axes of x
            shape = [-1 if j == axis else 1 for j in range(x.ndim)]
            in_front = torch.arange(len(found), device=x.device) < front
            # numbers made in x's dtype: torch.where would pass them through float32
            front_value, back_value = (x.new_full((), side.value) for side in (rule.before, rule.after))
            value = torch.where(in_front, front_value, back_value)
            x = torch.where((found < 0).reshape(shape), value.reshape(shape), x)
    return x


@torch.library.custom_op("faltung::places", mutates_args=())
def places(rule_before: str, rule_after: str, size: int, front: int, behind: int) -> Tensor:
    """Where each position of an extended axis comes from, int64; negative where a value is filled in."""
    left, right = AxisBoundary(Side(rule_before), Side(rule_after)).tables(size, max(front, 0), max(behind, 0))
    inside = torch.arange(max(-front, 0), size + min(behind, 0))
    return torch.cat([torch.from_numpy(left), inside, torch.from_numpy(right)])


@places.register_fake
def _(rule_before: str, rule_after: str, size: int, front: int, behind: int) -> Tensor:
    return torch.empty(front + size + behind, dtype=torch.int64)
