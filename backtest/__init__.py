"""Backtests of leveraged strategies, down to the bar at which an account dies."""

from backtest.accounts import Account
from backtest.ambiguity import Bracket, bracket
from backtest.bars import Bars
from backtest.calculators import bankruptcy_price, liquidation_price, maintenance_margin, max_quantity
from backtest.comparison import Comparison, compare
from backtest.errors import BacktestError, ConfigError, DataError, MarginError
from backtest.forward import WalkForward, walk_forward
from backtest.ladders import Tier
from backtest.presets import venue
from backtest.queries import query
from backtest.reading import read_bars
from backtest.replay import run
from backtest.results import Result, load
from backtest.strategies import Strategy, strategy
from backtest.sweeps import sweep
from backtest.tier_files import read_tiers
from backtest.venues import MarginCall, Venue

__all__ = [
    "Account",
    "BacktestError",
    "Bars",
    "Bracket",
    "Comparison",
    "ConfigError",
    "DataError",
    "MarginCall",
    "MarginError",
    "Result",
    "Strategy",
    "Tier",
    "Venue",
    "WalkForward",
    "bankruptcy_price",
    "bracket",
    "compare",
    "liquidation_price",
    "load",
    "maintenance_margin",
    "max_quantity",
    "query",
    "read_bars",
    "read_tiers",
    "run",
    "strategy",
    "sweep",
    "venue",
    "walk_forward",
]
