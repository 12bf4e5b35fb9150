"""Conventions as values: what a call of one library means, how another would say it, and why two calls differ."""
