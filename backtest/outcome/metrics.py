"""The summary of a run: each formula a small function, with its source.

`ruined` says that equity fell to a millionth of `cash`, at an open or at the end, and was not filled up again;
`liquidation_loss` is what the round trips that were liquidated, in full or in part, lost, with their fees and funding;
margin ratio, liquidation distance (below 1, else NaN; to where the maintenance margin is all there is, whatever a venue
calls for before) and effective leverage are the extremes of the closes;
`refused_orders` counts those of a ruined account too.

Returns are taken on equity and reserve together; a refill from outside is no return. Ratios are taken on their daily
sum, the last of each UTC day (a bar belongs to the day in which it opens) after `cash`; the risk-free rate is 0. Falls
are fractions of the high-water mark, which starts at `cash`, and negative.
Sources: quantstats 0.0.86 `stats.py` (Apache-2.0) where it is named below; on daily bars of a market that never closes
those figures are equal, but for the longest fall, which lasts a day more here: `docs/metrics.md` has every difference.
backtesting.py has the same falls, times under water and win rate; its Sharpe and Sortino ratios take the compounded
return of a year where these take the mean. On a bust curve, where quantstats returns NaN or worse, the rules are stated
below.
"""

from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.kernels.curves import end_falls, mark_days, start_falls, walk_falls
from backtest.kernels.orders import RUIN
from backtest.kernels.schema import Float64Array1D, Float64Array2D, Int64Array1D, Logs, Record, Records
from backtest.kernels.sums_schema import TOTALS
from backtest.kernels.trips import tally
from backtest.outcome.ratios import (
    DAYS_PER_YEAR,
    FloatArray,
    Number,
    cagr,
    calmar,
    periods_per_year,
    profit_factor,
    ratio,
    sharpe,
    sortino,
    volatility,
)

__all__ = [
    *("Calendar", "EquityCurve", "calendar_of", "daily_returns", "figures", "nothing_left", "summarise", "summary_of"),
    "years_of",
]

DAY = 86_400_000_000_000  # ns


@dataclass(frozen=True)
class EquityCurve:
    """What returns are taken on (T,), at the closes and at its lowest inside each bar, from `cash` before the first.

    Equity, and with it the reserve where there is one.
    """

    time: pd.DatetimeIndex  # open times, UTC, ns
    equity: Float64Array1D
    equity_low: Float64Array1D
    cash: float


class Calendar(NamedTuple):
    """What a summary needs to know of the bars."""

    bars: int
    day: Int64Array1D  # (D,) days since 1970 that have a bar
    last: Int64Array1D  # (D,) the last bar of each
    interval: int  # shortest time between two bars, ns, 0 with one bar
    years: float  # of 365 days, from the first bar's open to the last bar's end, `interval` after its open
    has_marks: bool  # whether mark prices were given; without them marks are the traded prices


def calendar_of(time: Int64Array1D, has_marks: bool) -> Calendar:
    """Return the calendar of bars that open at `time` (T,), ns."""
    capacity = min(len(time), int(time[-1] // DAY - time[0] // DAY) + 1)
    day, last = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    days, interval = mark_days(time, day, last)
    years = years_of(int(time[0]), int(time[-1]), int(interval))
    return Calendar(len(time), day[:days], last[:days], int(interval), years, has_marks)


def years_of(first: int, last: int, interval: int) -> float:
    """Return the years from the first bar's open to the last bar's end."""
    return float(last - first + interval) / (DAYS_PER_YEAR * DAY)


@overload
def nothing_left(equity: float, cash: float) -> np.bool_: ...


@overload
def nothing_left(equity: FloatArray, cash: FloatArray) -> npt.NDArray[np.bool_]: ...


def nothing_left(equity: float | FloatArray, cash: float | FloatArray) -> np.bool_ | npt.NDArray[np.bool_]:
    """Return whether equity is at most a millionth of `cash`: an account is lost then, what remains is rounding."""
    return np.less_equal(equity, np.multiply(RUIN, cash))


def summarise(
    curve: EquityCurve,
    trips: Records,
    logs: Logs,
    account: Record,
    is_lost: bool,
    has_marks: bool,
) -> pd.Series:
    """Return what a run came to, by name, in the order of the specification.

    Parameters
    ----------
    curve : EquityCurve       at least one bar
    trips : ndarray of TRIP   every round trip
    logs : Logs               liquidations, orders and calls are counted
    account : ACCOUNT record  after the last bar: the ledger's totals, the records at the closes, ruin
    is_lost : bool            whether nothing is left in the account after the last bar
    has_marks : bool          whether mark prices were given; without them marks are the traded prices

    Returns
    -------
    Series
        of objects: see `figures`.
    """
    time = _writable(curve.time.as_unit("ns").asi8)
    calendar = calendar_of(time, has_marks)
    equity = _writable(curve.equity)
    falls = walk_falls(start_falls(float(curve.cash), int(time[0])), time, equity, _writable(curve.equity_low))
    totals = np.empty(1, TOTALS)
    tally(logs, trips, end_falls(falls, int(time[-1])), float(equity[-1]), totals[0])
    return summary_of(calendar, account, totals, equity[calendar.last], curve.cash, is_lost)


def summary_of(
    calendar: Calendar, account: Record, totals: Records, daily: Float64Array1D, cash: float, is_lost: bool
) -> pd.Series:
    """Return the figures of one run by name, of objects; see `figures`."""
    accounts = np.array([account], account.dtype)
    found = figures(calendar, accounts, totals, daily[None, :], np.array([cash]), np.array([is_lost]))
    return pd.Series({name: values[0] for name, values in found.items()}, dtype=object)


def figures(
    calendar: Calendar,
    accounts: Records,
    totals: Records,
    daily: Float64Array2D,
    cash: FloatArray,
    is_lost: npt.NDArray[np.bool_],
) -> dict[str, list[object]]:
    """Return what runs over the same bars came to, by name, in the order of the specification.

    Parameters
    ----------
    calendar : Calendar
    accounts : ndarray of ACCOUNT   (L,), after the last bar
    totals : ndarray of TOTALS      (L,)
    daily : ndarray                 (L, D), the last equity of every day, with a reserve where there is one
    cash : ndarray                  (L,), the same before the first bar
    is_lost : ndarray of bool       (L,), whether nothing is left in the account after the last bar

    Returns
    -------
    dict of lists (L,)
        fractions (never percent), money of the account, counts, a Timedelta, `ruined` a bool, and `marks`, "given" or
        "traded prices". NaN where nothing defines the figure, such as the win rate without trades.
    """
    returns = _returns(daily, cash)
    periods = periods_per_year(calendar.day)
    equity, drawdown = totals["equity"], totals["max_drawdown"]
    left = np.where(nothing_left(equity, cash), 0.0, equity / cash)
    growth = cagr(left, calendar.years)
    first = totals["longest_first"]
    longest = np.maximum(totals["longest"], np.where(first >= 0, first + calendar.interval, 0))
    distance = accounts["smallest_liquidation_distance"]
    found: dict[str, npt.NDArray[np.generic]] = {
        "total_return": equity / cash - 1.0,
        "cagr": growth,
        "volatility": volatility(returns, periods),
        "sharpe": sharpe(returns, periods),
        "sortino": sortino(returns, periods),
        "calmar": calmar(growth, drawdown),
        "max_drawdown": drawdown,
        "max_drawdown_duration": longest,
        "exposure": accounts["bars_held"] / calendar.bars,
        "trades": totals["trades"],
        "win_rate": ratio(totals["wins"], totals["closed"]),
        "profit_factor": profit_factor(totals["won"], totals["lost"]),
        "expectancy": ratio(totals["won"] - totals["lost"], totals["closed"]),
        "fees": accounts["fees"],
        "funding": accounts["funding"],
        "interest": accounts["interest"],
        "liquidations": totals["liquidations"],
        "liquidation_loss": totals["liquidation_loss"],
        "penalties": accounts["penalties"],
        "forfeited": accounts["forfeited"],
        "bad_debt": accounts["bad_debt"],
        "max_drawdown_low": totals["max_drawdown_low"],
        "highest_margin_ratio": accounts["highest_margin_ratio"],
        "smallest_liquidation_distance": np.where(distance < 1.0, distance, np.nan),
        "highest_effective_leverage": accounts["highest_effective_leverage"],
        "cut_orders": totals["cut_orders"],
        "refused_orders": totals["refused_orders"],
        "ruined": (accounts["ruined"] != 0) | is_lost,
        "margin_calls": totals["margin_calls"],
        "forced_closes": totals["forced_closes"],
        "deposits": totals["deposits"],
        "refills": accounts["refills"],
        "refilled": totals["refilled"],
        "insurance_fund": accounts["insurance_fund"],
        "socialised_loss": accounts["socialised_loss"],
    }
    plain = {name: values.tolist() for name, values in found.items()}
    plain["max_drawdown_duration"] = [pd.Timedelta(each, unit="ns") for each in longest.tolist()]
    plain["marks"] = ["given" if calendar.has_marks else "traded prices"] * len(cash)
    return plain


def daily_returns(curve: EquityCurve) -> pd.Series:
    """Return the return of every UTC day that has a bar, by day; the first day's is on `cash`.

    Equity at or below 0 stays 0: the day of ruin returns -1 and every day after it 0.
    """
    calendar = calendar_of(_writable(curve.time.as_unit("ns").asi8), has_marks=False)
    returns = _returns(curve.equity[calendar.last][None, :], np.array([curve.cash]))[0]
    index = pd.DatetimeIndex(calendar.day.view("M8[D]").astype("M8[ns]"), name="time").tz_localize("UTC")
    return pd.Series(returns, index=index, name="return")


def _writable(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return `values` itself where kernels can take it, else a copy: read-only arrays would compile them once more."""
    return np.require(values, requirements=["C", "W"])


def _returns(daily: Float64Array2D, cash: FloatArray) -> Float64Array2D:
    """Return the daily returns (L, D) from `cash`; equity at or below 0 stays 0, and returns after it are 0."""
    equity = np.concatenate((cash[:, None], daily), axis=1)
    equity[np.minimum.accumulate(equity, axis=1) <= 0.0] = 0.0
    before = equity[:, :-1]
    returns = np.zeros(before.shape)
    np.divide(equity[:, 1:] - before, before, out=returns, where=before > 0.0)
    return returns
