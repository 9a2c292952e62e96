"""How an account has grown, day by day, in logarithms: what settings are compared by."""

import math

import numpy as np
import pandas as pd

from backtest.kernels.enums import CallEvent
from backtest.kernels.orders import RUIN
from backtest.kernels.schema import CALL, SETTINGS, Columns
from backtest.outcome.metrics import EquityCurve, daily_returns
from backtest.outcome.results import Result
from backtest.outcome.wealth import wealth_of
from backtest.terms.accounts import Account

__all__ = ["curve_of", "daily_log_growth"]


def curve_of(result: Result, account: Account) -> EquityCurve:
    """Return what a result's returns are taken on: equity and reserve, of which no refill is a return."""
    history, calls = result.history, result.calls
    moved = np.zeros(len(calls), CALL)
    moved["bar"] = history.index.searchsorted(pd.DatetimeIndex(calls["time"]))
    moved["event"] = [CallEvent[event.upper()] for event in calls["event"]]
    for name in ("balance", "amount", "reserve"):
        moved[name] = calls[name]
    settings = np.zeros(1, SETTINGS)[0]
    settings["cash"], settings["reserve"] = account.cash, account.reserve
    equity, equity_low = (history[name].to_numpy(copy=True) for name in ("equity", "equity_low"))
    return wealth_of(pd.DatetimeIndex(history.index), Columns(equity, equity_low, np.empty((0, 0))), moved, settings)


def daily_log_growth(curve: EquityCurve) -> pd.Series:
    """Return the logarithmic growth of every UTC day that has a bar, by day.

    What is left of a lost account counts as a millionth of `cash`, at which the engine calls it ruined: the logarithm
    of nothing would hide by how much one setting lost less than another, or that both lost all.
    """
    returns = daily_returns(curve)
    with np.errstate(divide="ignore"):
        level = np.maximum(np.log1p(returns.to_numpy()).cumsum(), math.log(RUIN))
    return pd.Series(np.diff(level, prepend=0.0), index=returns.index, name="log_growth")
