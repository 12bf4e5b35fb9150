"""Hypothesis profiles: `pytest --hypothesis-profile=ci` looks ten times longer than the default."""

from hypothesis import HealthCheck, settings

# the first call of a spec may compile a loop, so single examples have no deadline
settings.register_profile(
    "default", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=1000, derandomize=True)
settings.load_profile("default")
