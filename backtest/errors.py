"""The errors that bad input meets, all before the replay starts.

BacktestError (a ValueError)
├── DataError      bars, signals, files and saved runs
└── ConfigError    settings, venues, strategies and command lines
    └── MarginError    leverage and margin rules that no account could meet
"""

__all__ = ["BacktestError", "ConfigError", "DataError", "MarginError"]


class BacktestError(ValueError):
    """Any input that the engine refuses."""


class DataError(BacktestError):
    """Bars, signals or files that cannot be replayed; the message names file or symbol, row, time and value."""


class ConfigError(BacktestError):
    """A setting that breaks a rule; the message names the setting, the rule and the value."""


class MarginError(ConfigError):
    """A leverage that the venue does not offer, or tiers under which an account is born liquidated."""
