"""Backtests of leveraged strategies, down to the bar at which an account dies.

Doors          replay, sweeps, comparison, ambiguity, forward, queries, calculators, tearsheets
Frames         market (bars), terms (account and venue), signalling (strategies), replaying (one history),
               plots (figures), pages (reports), outcome (results), sweeping (many settings, threads, clusters)
Kernels        what is compiled: the bar loop, margin, liquidation, and everything on the way

Imports run downwards only. The command line stands on the doors.
"""

from backtest import plots
from backtest.ambiguity import Bracket, bracket
from backtest.calculators import bankruptcy_price, liquidation_price, maintenance_margin, max_quantity
from backtest.comparison import Comparison, compare
from backtest.errors import BacktestError, ConfigError, DataError, MarginError
from backtest.forward import WalkForward, walk_forward
from backtest.market.bars import Bars
from backtest.market.reading import read_bars
from backtest.outcome.results import Result, load
from backtest.queries import query
from backtest.replay import run
from backtest.signalling.strategies import Strategy, strategy
from backtest.sweeps import sweep
from backtest.tearsheets import tearsheet
from backtest.terms.accounts import Account
from backtest.terms.ladders import Tier
from backtest.terms.presets import venue
from backtest.terms.tier_files import read_tiers
from backtest.terms.venues import MarginCall, Venue

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
    "plots",
    "query",
    "read_bars",
    "read_tiers",
    "run",
    "strategy",
    "sweep",
    "tearsheet",
    "venue",
    "walk_forward",
]
