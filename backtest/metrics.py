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
every figure is equal. backtesting.py has the same falls, times under water and win rate; its Sharpe and Sortino ratios
take the compounded return of a year where these take the mean. On a bust curve, where quantstats returns NaN or worse,
the rules are stated below.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.kernels.curves import CurveRecord, walk_curve
from backtest.kernels.enums import CallEvent, Shortfall
from backtest.kernels.orders import RUIN
from backtest.kernels.schema import Float64Array1D, Int64Array1D, Logs, Record, Records
from backtest.trades import OPEN, Trips

__all__ = ["EquityCurve", "daily_returns", "summarise"]

DAY = 86_400_000_000_000  # ns
DAYS_PER_YEAR = 365
TRADING_DAYS_PER_YEAR = 252

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True)
class EquityCurve:
    """What returns are taken on (T,), at the closes and at its lowest inside each bar, from `cash` before the first.

    Equity, and with it the reserve where there is one.
    """

    time: pd.DatetimeIndex  # open times, UTC, ns
    equity: Float64Array1D
    equity_low: Float64Array1D
    cash: float


def summarise(
    curve: EquityCurve,
    trips: Trips,
    logs: Logs,
    account: Record,
    is_lost: bool,
    has_marks: bool,
) -> pd.Series:
    """Return what a run came to, by name, in the order of the specification.

    Parameters
    ----------
    curve : EquityCurve       at least one bar
    trips : dict of arrays    as `settled_trips` returns them; pnl, reason and liquidated are used
    logs : Logs               liquidations, orders and calls are counted
    account : ACCOUNT record  after the last bar: the ledger's totals, the records at the closes, ruin
    is_lost : bool            whether nothing is left in the account after the last bar
    has_marks : bool          whether mark prices were given; without them marks are the traded prices

    Returns
    -------
    Series
        of objects: fractions (never percent), money of the account, counts, a Timedelta, `ruined` a bool, and
        `marks`, "given" or "traded prices". NaN where nothing defines the figure, such as the win rate without trades.
    """
    record, day, daily_equity = _walk(curve)
    returns = _returns(daily_equity, curve.cash)
    periods = periods_per_year(day)
    final = float(curve.equity[-1])
    left = final / curve.cash if final > RUIN * curve.cash else 0.0  # what rounding leaves of a lost account is nothing
    growth = cagr(left, _years(curve.time, int(record.interval)))
    pnl, reason = trips["pnl"], trips["reason"]
    closed_pnl = pnl[reason != OPEN]
    liquidated_pnl = pnl[trips["liquidated"]]
    distance = float(account["smallest_liquidation_distance"])
    summary: dict[str, object] = {
        "total_return": final / curve.cash - 1.0,
        "cagr": growth,
        "volatility": volatility(returns, periods),
        "sharpe": sharpe(returns, periods),
        "sortino": sortino(returns, periods),
        "calmar": calmar(growth, float(record.max_drawdown)),
        "max_drawdown": float(record.max_drawdown),
        "max_drawdown_duration": pd.Timedelta(int(record.longest), unit="ns"),
        "exposure": int(account["bars_held"]) / len(curve.equity),
        "trades": len(pnl),
        "win_rate": win_rate(closed_pnl),
        "profit_factor": profit_factor(closed_pnl),
        "expectancy": expectancy(closed_pnl),
        "fees": float(account["fees"]),
        "funding": float(account["funding"]),
        "interest": float(account["interest"]),
        "liquidations": len(logs.liquidations),
        "liquidation_loss": 0.0 - float(liquidated_pnl.sum()),
        "penalties": float(account["penalties"]),
        "forfeited": float(account["forfeited"]),
        "bad_debt": float(account["bad_debt"]),
        "max_drawdown_low": float(record.max_drawdown_low),
        "highest_margin_ratio": float(account["highest_margin_ratio"]),
        "smallest_liquidation_distance": distance if distance < 1.0 else math.nan,
        "highest_effective_leverage": float(account["highest_effective_leverage"]),
        "cut_orders": _count(logs.orders, Shortfall.TIER, Shortfall.MARGIN),
        "refused_orders": _count(logs.orders, Shortfall.REFUSED, Shortfall.RUINED),
        "ruined": bool(account["ruined"]) or is_lost,
        "margin_calls": _events(logs.calls, CallEvent.CALL),
        "forced_closes": _events(logs.calls, CallEvent.FORCED),
        "deposits": moved(logs.calls, CallEvent.DEPOSIT),
        "refills": int(account["refills"]),
        "refilled": moved(logs.calls, CallEvent.REFILL),
        "insurance_fund": float(account["insurance_fund"]),
        "socialised_loss": float(account["socialised_loss"]),
        "marks": "given" if has_marks else "traded prices",
    }
    return pd.Series(summary, dtype=object)


def daily_returns(curve: EquityCurve) -> pd.Series:
    """Return the return of every UTC day that has a bar, by day; the first day's is on `cash`.

    Equity at or below 0 stays 0: the day of ruin returns -1 and every day after it 0.
    """
    _, day, daily_equity = _walk(curve)
    index = pd.DatetimeIndex(day.view("M8[D]").astype("M8[ns]"), name="time").tz_localize("UTC")
    return pd.Series(_returns(daily_equity, curve.cash), index=index, name="return")


def _walk(curve: EquityCurve) -> tuple[CurveRecord, Int64Array1D, Float64Array1D]:
    """Return what the pass over the curve finds, the days that have bars, and the last equity of each."""
    time = _writable(curve.time.as_unit("ns").asi8)
    capacity = min(len(time), int(time[-1] // DAY - time[0] // DAY) + 1)
    day, daily_equity = np.empty(capacity, dtype=np.int64), np.empty(capacity)
    # a kernel compiles once more for every kind of array, and read-only ones are another kind
    equity, equity_low = _writable(curve.equity), _writable(curve.equity_low)
    record = walk_curve(time, equity, equity_low, float(curve.cash), day, daily_equity)
    return record, day[: record.days], daily_equity[: record.days]


def _writable(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return `values` itself where kernels can take it, else a copy."""
    return np.require(values, requirements=["C", "W"])


def _returns(daily_equity: Float64Array1D, cash: float) -> Float64Array1D:
    """Return the daily returns from `cash`; equity at or below 0 stays 0, and returns after it are 0."""
    equity = np.concatenate(([cash], daily_equity))
    bust = np.flatnonzero(equity <= 0.0)
    if len(bust):
        equity[bust[0] :] = 0.0
    before = equity[:-1]
    returns = np.zeros(len(before))
    np.divide(equity[1:] - before, before, out=returns, where=before > 0.0)
    return returns


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


def _years(time: pd.DatetimeIndex, interval: int) -> float:
    """Return the years of 365 days from the first bar's open to the last bar's end, `interval` (ns) after its open."""
    first, last = time[0].value, time[-1].value
    return float(last - first + interval) / (DAYS_PER_YEAR * DAY)


def cagr(growth: float, years: float) -> float:
    """Return the yearly growth rate that makes `growth` (final equity / cash) in `years` of calendar time.

    -1 where nothing is left, NaN where a single bar does not say how long it took.
    Source: quantstats `cagr`, which counts periods; on daily bars without gaps, at 365, years are the same.
    """
    if growth <= 0.0:
        return -1.0
    if years == 0.0:
        return math.nan
    exponent = math.log(growth) / years
    return math.expm1(exponent) if exponent < 700.0 else math.inf


def volatility(returns: Float64Array1D, periods: float) -> float:
    """Return the yearly sample standard deviation, NaN below two returns. Source: quantstats `volatility`."""
    return float(returns.std(ddof=1)) * math.sqrt(periods) if len(returns) > 1 else math.nan


def sharpe(returns: Float64Array1D, periods: float) -> float:
    """Return the yearly mean over the yearly standard deviation, NaN where that is 0. Source: quantstats `sharpe`."""
    deviation = volatility(returns, periods)
    return float(returns.mean()) * periods / deviation if deviation > 0.0 else math.nan


def sortino(returns: Float64Array1D, periods: float) -> float:
    """Return the yearly mean over the root mean square of the falls, counted over all days; NaN without falls.

    Source: quantstats `sortino`, after Red Rock Capital, "Sortino: A 'Sharper' Ratio".
    """
    downside = math.sqrt(float(np.square(np.minimum(returns, 0.0)).mean()))
    return float(returns.mean()) / downside * math.sqrt(periods) if downside > 0.0 else math.nan


def calmar(growth: float, max_drawdown: float) -> float:
    """Return cagr over the size of the deepest fall, NaN without a fall.

    A fall beyond the whole counts as the whole: a deeper bust must not look better. Source: quantstats `calmar`.
    """
    return growth / min(-max_drawdown, 1.0) if max_drawdown < 0.0 else math.nan


def win_rate(pnl: Float64Array1D) -> float:
    """Return the share of closed trades that earned something, NaN without trades."""
    return float((pnl > 0.0).mean()) if len(pnl) else math.nan


def profit_factor(pnl: Float64Array1D) -> float:
    """Return what winning trades earned over what losing trades lost: inf without losses, NaN without either.

    Source: the usual definition on trades; quantstats `profit_factor` is the same on periods.
    """
    won, lost = float(pnl[pnl > 0.0].sum()), float(-pnl[pnl < 0.0].sum())
    if lost > 0.0:
        return won / lost
    return math.inf if won > 0.0 else math.nan


def expectancy(pnl: Float64Array1D) -> float:
    """Return the mean profit of a closed trade (quote), NaN without trades."""
    return float(pnl.mean()) if len(pnl) else math.nan


def moved(calls: Records, event: CallEvent) -> float:
    """Return how much money was moved by events of one kind."""
    return float(calls["amount"][calls["event"] == event].sum())


def _events(calls: Records, event: CallEvent) -> int:
    """Return how often something happened to a margin call."""
    return int((calls["event"] == event).sum())


def _count(orders: Records, *reasons: Shortfall) -> int:
    """Return how many orders fell short for one of `reasons`."""
    return int(np.isin(orders["reason"], reasons).sum())
