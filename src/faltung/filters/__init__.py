"""Filters: plain functions on arrays. Their kernels by formula, their arithmetic by `faltung.door`."""

from . import kernels as kernels
