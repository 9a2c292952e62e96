"""Fixtures of the command line, and three profiles of hypothesis: usual, deep (long) and uncompiled."""

import pytest
from hypothesis import HealthCheck, settings
from shell import TASTES

from backtest.command_line import app

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile("usual", max_examples=100, deadline=None, suppress_health_check=SLOW, derandomize=True)
settings.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=SLOW)
settings.register_profile("uncompiled", max_examples=40, deadline=None, suppress_health_check=SLOW, derandomize=True)
settings.load_profile("usual")


@pytest.fixture
def call(capsys, monkeypatch):
    """Return a function that runs a command and returns its exit code, stdout and stderr."""
    for name in TASTES:
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        code = app.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def refused(call):
    """Return a function that runs a command which must end in one line on stderr, and returns that line."""

    def run(*arguments):
        code, out, err = call(*arguments)
        assert code == 2
        assert out == ""
        assert err.startswith("error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err.removeprefix("error: ").strip()

    return run
