"""Backtests of leveraged strategies, down to the bar at which an account dies."""

from backtest.accounts import Account
from backtest.bars import Bars
from backtest.calculators import bankruptcy_price, liquidation_price, maintenance_margin, max_quantity
from backtest.errors import BacktestError, ConfigError, DataError, MarginError
from backtest.ladders import Tier
from backtest.presets import venue
from backtest.reading import read_bars
from backtest.replay import run
from backtest.results import Result, load
from backtest.strategies import Strategy, strategy
from backtest.tier_files import read_tiers
from backtest.venues import MarginCall, Venue

__all__ = [
    "Account",
    "BacktestError",
    "Bars",
    "ConfigError",
    "DataError",
    "MarginCall",
    "MarginError",
    "Result",
    "Strategy",
    "Tier",
    "Venue",
    "bankruptcy_price",
    "liquidation_price",
    "load",
    "maintenance_margin",
    "max_quantity",
    "read_bars",
    "read_tiers",
    "run",
    "strategy",
    "venue",
]
