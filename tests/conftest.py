"""Profiles of hypothesis: the usual one, `--hypothesis-profile=deep` for a long run, `uncompiled` without numba."""

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile("usual", max_examples=100, deadline=None, suppress_health_check=SLOW, derandomize=True)
settings.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=SLOW)
settings.register_profile(
    "uncompiled", max_examples=40, deadline=None, suppress_health_check=SLOW, derandomize=True
)
settings.load_profile("usual")
