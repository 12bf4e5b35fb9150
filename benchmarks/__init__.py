"""Races against other libraries, start-up times and the scripts behind measured constants: `python -m benchmarks`."""
