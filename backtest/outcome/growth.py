"""How an account has grown: the curve that returns are taken on, its falls, its months, and its days in logarithms."""

import math

import numpy as np
import pandas as pd

from backtest.kernels.enums import CallEvent
from backtest.kernels.orders import RUIN
from backtest.kernels.schema import CALL, SETTINGS, Columns
from backtest.outcome.metrics import EquityCurve, daily_returns
from backtest.outcome.wealth import wealth_of

__all__ = ["curve_of", "daily_log_growth", "drawdowns_of", "monthly_returns_of"]

MONTHS = range(1, 13)


def curve_of(history: pd.DataFrame, calls: pd.DataFrame, cash: float, reserve: float) -> EquityCurve:
    """Return what returns are taken on: equity and reserve, of which no refill is a return.

    Parameters
    ----------
    history, calls : DataFrame  of a result
    cash, reserve : float       before the first bar
    """
    moved = np.zeros(len(calls), CALL)
    moved["bar"] = history.index.searchsorted(pd.DatetimeIndex(calls["time"]))
    moved["event"] = [CallEvent[event.upper()] for event in calls["event"]]
    for name in ("balance", "amount", "reserve"):
        moved[name] = calls[name]
    settings = np.zeros(1, SETTINGS)[0]
    settings["cash"], settings["reserve"] = cash, reserve
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


def drawdowns_of(curve: EquityCurve) -> pd.DataFrame:
    """Return the falls below the high-water mark, fractions of it, by time.

    The mark starts at `cash`; a low inside a bar is held against the mark of the closes before it. The lowest of the
    two columns are `max_drawdown` and `max_drawdown_low` of the summary.
    """
    mark = np.maximum.accumulate(np.append(curve.cash, curve.equity))
    falls = {
        "drawdown": (curve.equity - mark[1:]) / mark[1:],
        "drawdown_low": np.minimum((curve.equity_low - mark[:-1]) / mark[:-1], 0.0),
    }
    return pd.DataFrame(falls, index=curve.time)


def monthly_returns_of(curve: EquityCurve) -> pd.DataFrame:
    """Return what daily returns make in every UTC month and year: a row a year, columns 1 to 12 and "year".

    NaN where no bar is.
    """
    growth = daily_returns(curve) + 1.0
    days = pd.DatetimeIndex(growth.index)
    months = growth.groupby([days.year, days.month]).prod() - 1.0
    table = months.unstack().reindex(columns=MONTHS)
    table["year"] = growth.groupby(days.year).prod() - 1.0
    table.index.name, table.columns.name = "year", "month"
    return table
