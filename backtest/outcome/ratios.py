"""The ratios of a summary, each formula a function over lanes, with its source.

Sources: quantstats 0.0.86 `stats.py` (Apache-2.0) where it is named below. On a bust curve, where quantstats returns
NaN or worse, the rules are stated.
"""

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from backtest.kernels.schema import Float64Array2D, Int64Array1D

__all__ = [
    "DAYS_PER_YEAR",
    "FloatArray",
    "Number",
    "cagr",
    "calmar",
    "periods_per_year",
    "profit_factor",
    "ratio",
    "sharpe",
    "sortino",
    "volatility",
]

DAYS_PER_YEAR = 365
TRADING_DAYS_PER_YEAR = 252

Number = TypeVar("Number", np.int64, np.float64)
FloatArray = npt.NDArray[np.float64]  # (L,), one figure of every lane


def periods_per_year(day: Int64Array1D) -> float:
    """Return how many returns make a year: 365 where any bar falls on a weekend, else 252.

    Where bars are longer than a day, as many as their usual spacing puts into 365 days.

    Parameters
    ----------
    day : ndarray of int64    days since 1970-01-01 (a Thursday) that have a bar
    """
    spacing = float(np.median(np.diff(day))) if len(day) > 1 else 1.0
    if spacing > 1.0:
        return DAYS_PER_YEAR / spacing
    falls_on_weekend = (day + 3) % 7 >= 5
    return float(DAYS_PER_YEAR if falls_on_weekend.any() else TRADING_DAYS_PER_YEAR)


def ratio(part: npt.NDArray[Number], whole: npt.NDArray[Number]) -> FloatArray:
    """Return part / whole, NaN where there is no whole."""
    quotient = np.full(len(whole), np.nan)
    with np.errstate(over="ignore"):
        np.divide(part, whole, out=quotient, where=whole > 0.0)
    return quotient


def cagr(growth: FloatArray, years: float) -> FloatArray:
    """Return the yearly growth rate that makes `growth` (final equity / cash) in `years` of calendar time.

    -1 where nothing is left, NaN where a single bar does not say how long it took.
    Source: quantstats `cagr`, which counts periods; on daily bars without gaps, at 365, years are the same.
    """
    if years == 0.0:
        return np.where(growth <= 0.0, -1.0, np.nan)
    with np.errstate(divide="ignore", over="ignore"):
        rate: FloatArray = np.expm1(np.log(np.maximum(growth, 0.0)) / years)
    return rate


def volatility(returns: Float64Array2D, periods: float) -> FloatArray:
    """Return the yearly sample standard deviation, NaN below two returns. Source: quantstats `volatility`."""
    if returns.shape[1] < 2:
        return np.full(len(returns), np.nan)
    deviation: FloatArray = returns.std(axis=1, ddof=1) * math.sqrt(periods)
    return deviation


def sharpe(returns: Float64Array2D, periods: float) -> FloatArray:
    """Return the yearly mean over the yearly standard deviation, NaN where that is 0. Source: quantstats `sharpe`."""
    return ratio(returns.mean(axis=1) * periods, volatility(returns, periods))


def sortino(returns: Float64Array2D, periods: float) -> FloatArray:
    """Return the yearly mean over the root mean square of the falls, counted over all days; NaN without falls.

    Source: quantstats `sortino`, after Red Rock Capital, "Sortino: A 'Sharper' Ratio".
    """
    downside = np.sqrt(np.square(np.minimum(returns, 0.0)).mean(axis=1))
    return ratio(returns.mean(axis=1) * math.sqrt(periods), downside)


def calmar(growth: FloatArray, max_drawdown: FloatArray) -> FloatArray:
    """Return cagr over the size of the deepest fall, NaN without a fall.

    A fall beyond the whole counts as the whole: a deeper bust must not look better. Source: quantstats `calmar`.
    """
    return ratio(growth, np.minimum(-max_drawdown, 1.0))


def profit_factor(won: FloatArray, lost: FloatArray) -> FloatArray:
    """Return what winning trades earned over what losing trades lost: inf without losses, NaN without either.

    Source: the usual definition on trades; quantstats `profit_factor` is the same on periods.
    """
    return np.where((lost == 0.0) & (won > 0.0), np.inf, ratio(won, lost))
