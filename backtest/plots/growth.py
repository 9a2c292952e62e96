"""What a sweep's rows say along one swept number: growth, the value where it is best, and the share of ruin."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.plots.frames import numbers
from backtest.plots.thinning import Values

__all__ = ["Optimum", "edge", "growth_at", "growth_by_value", "log_growth", "optimum", "share_ruined"]


class Optimum(NamedTuple):
    """Where growth is highest: the row's number, the swept value in it, and its growth a year (a fraction)."""

    row: int
    value: float
    growth: float


def log_growth(growth: Values) -> Values:
    """Return log growth a year, log(1 + growth), of growth as a fraction; NaN where nothing is left, which has none."""
    log = np.full(len(growth), np.nan, np.float64)
    np.log1p(growth, out=log, where=np.isfinite(growth) & (growth > -1.0))
    return log


def growth_by_value(rows: pd.DataFrame, over: str, values: "pd.Series[Any]") -> Values:
    """Return the growth of the rows that have these values of `over`, the first of several, NaN where none has."""
    growth = pd.Series(numbers(rows, "cagr"), rows[over].to_numpy())
    return np.asarray(growth[~growth.index.duplicated()].reindex(values.to_numpy()), np.float64)


def optimum(rows: pd.DataFrame, over: str) -> Optimum | None:
    """Return where growth is highest, at the lowest value of equal ones; None where it is defined nowhere.

    Parameters
    ----------
    rows : DataFrame           with cagr, in order of `over`
    over : str                 a swept number
    """
    growth = numbers(rows, "cagr")
    if not np.isfinite(growth).any():
        return None
    row = int(np.nanargmax(growth))
    return Optimum(row, float(rows[over].iloc[row]), float(growth[row]))


def growth_at(rows: pd.DataFrame, over: str, value: float) -> float:
    """Return growth at a value of `over`, on the straight line between its neighbours; NaN below the first of them.

    Parameters
    ----------
    rows : DataFrame           with cagr, in order of `over`
    over : str                 a swept number
    value : float              at most the last
    """
    known = numbers(rows, over)
    return float(np.interp(value, known, numbers(rows, "cagr"))) if value >= known[0] else np.nan


def edge(rows: pd.DataFrame, over: str) -> str:
    """Return which end of the values the best of them is: "lowest", "highest", or "" where it lies between."""
    best = optimum(rows, over)
    if best is None or len(rows) < 2:
        return ""
    return {0: "lowest", len(rows) - 1: "highest"}.get(best.row, "")


def share_ruined(rows: pd.DataFrame, over: str) -> "pd.Series[float]":
    """Return the share of accounts that were ruined, a fraction, by value of `over`."""
    share: pd.Series[float] = rows["ruined"].astype(np.float64).groupby(rows[over]).mean()
    return share
