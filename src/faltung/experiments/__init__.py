"""The workshop's experiments: parameters, result, drawing; the tour shows them all."""
