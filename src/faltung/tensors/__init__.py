"""Torch tensors: three operators that are each other's gradients, boundaries as gathers, and the public calls."""
