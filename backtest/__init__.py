"""Backtests of leveraged strategies, down to the bar at which an account dies."""

from backtest.accounts import Account
from backtest.bars import Bars
from backtest.errors import BacktestError, ConfigError, DataError, MarginError
from backtest.reading import read_bars
from backtest.replay import run
from backtest.results import Result, load
from backtest.strategies import Strategy, strategy
from backtest.venues import Tier, Venue, venue

__all__ = [
    "Account",
    "BacktestError",
    "Bars",
    "ConfigError",
    "DataError",
    "MarginError",
    "Result",
    "Strategy",
    "Tier",
    "Venue",
    "load",
    "read_bars",
    "run",
    "strategy",
    "venue",
]
