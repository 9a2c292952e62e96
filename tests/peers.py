"""quantstats and empyrical for the tests, real runs, and the returns that somebody would hand them, made by pandas."""

import os
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import backtest as bt

ROOT = Path(__file__).parents[1]
CASH = 10_000.0
PAIR = {"BTCUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"}

LIVING = (
    ("buy_and_hold", "hours", "isolated", 1),
    ("buy_and_hold", "days", "cross", 2),
    ("buy_and_hold", "weekdays", "isolated", 1),
    ("buy_and_hold", "weekday hours", "isolated", 2),
    ("moving_average_cross", "hours", "isolated", 1),
    ("moving_average_cross", "hours", "cross", 3),
    ("moving_average_cross", "days", "isolated", 2),
    ("moving_average_cross", "weekdays", "isolated", 1),
    ("donchian_breakout", "hours", "isolated", 2),
    ("donchian_breakout", "days", "isolated", 1),
    ("donchian_breakout", "weekdays", "cross", 2),
    ("rsi_mean_reversion", "hours", "isolated", 1),
    ("rsi_mean_reversion", "weekday hours", "isolated", 1),
    ("relative_momentum", "pair", "isolated", 1),
    ("relative_momentum", "pair", "isolated", 2),
    ("relative_momentum", "pair", "cross", 5),
)
"""Real runs that no account dies in: strategy, market, margin mode, leverage."""

DEAD = (
    ("relative_momentum", "pair", "isolated", 5),
    ("buy_and_hold", "hours", "cross", 3),
    ("rsi_mean_reversion", "days", "isolated", 2),
)


class Peers(NamedTuple):
    """The figures of other packages."""

    quantstats: object  # the modules `stats` of both
    empyrical: object


@cache
def _modules():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from empyrical import stats as empyrical
        from quantstats import stats as quantstats
    return Peers(quantstats, empyrical)


def imported(folder):
    """Return the peers, imported in silence; `folder` is where matplotlib, which comes with them, leaves its files."""
    before = os.environ.get("MPLCONFIGDIR")
    os.environ["MPLCONFIGDIR"] = str(folder)
    try:
        return _modules()
    finally:
        if before is None:
            del os.environ["MPLCONFIGDIR"]
        else:
            os.environ["MPLCONFIGDIR"] = before


@cache
def market(name):
    """Return the bars of a market: hours or days of Bitcoin, with or without weekends, or half-hours of the pair."""
    if name == "pair":
        paths = [ROOT / "data" / f"{stem}_30m.parquet" for stem in ("btcusd", "ethusd")]
        return bt.read_bars(paths).with_funding(0.0001, every="8h")
    bars = bt.read_bars(ROOT / "data" / "btcusdt_1h.parquet")
    if name in ("days", "weekdays"):
        bars = bars.resample("1D")
    if name.startswith("weekday"):
        open_days = bars.time.day_of_week < 5
        bars = bt.Bars.from_frames({symbol: bars.frame(symbol)[open_days] for symbol in bars.symbols})
    return bars


@cache
def run(strategy, bars, margin_mode, leverage):
    """Return the result of a real run."""
    venue = bt.venue("binance_usdm", symbols=PAIR if bars == "pair" else None)
    account = bt.Account(cash=CASH, leverage=leverage, margin_mode=margin_mode)
    return bt.run(market(bars), bt.strategy(ROOT / "strategies" / f"{strategy}.py"), account=account, venue=venue)


def by_day(result):
    """Return daily returns as a user of pandas would take them: the last equity of each day, after the cash."""
    equity = result.equity.tz_localize(None)
    return returns(equity.groupby(equity.index.floor("D")).last())


def by_bar(result):
    """Return the return of every bar, after the cash."""
    return returns(result.equity.tz_localize(None))


def theirs(peers, name, daily, periods):
    """Return a figure of the summary as quantstats and as empyrical have it, None where they have none."""
    stats, empyrical = peers
    by_periods, by_year = {"periods": periods}, {"annualization": periods}
    figures = {
        "total_return": ((stats.comp, {}), (empyrical.cum_returns_final, {})),
        "cagr": ((stats.cagr, by_periods), (empyrical.cagr, by_year)),
        "volatility": ((stats.volatility, by_periods), (empyrical.annual_volatility, by_year)),
        "sharpe": ((stats.sharpe, by_periods), (empyrical.sharpe_ratio, by_year)),
        "sortino": ((stats.sortino, by_periods), (empyrical.sortino_ratio, by_year)),
        "calmar": ((stats.calmar, by_periods), (empyrical.calmar_ratio, by_year)),
        "max_drawdown": ((stats.max_drawdown, {}), (empyrical.max_drawdown, {})),
        "max_drawdown_duration": ((lambda r: longest_fall(stats, r), {}), None),
        "exposure": ((stats.exposure, {}), None),
        "win_rate": ((stats.win_rate, {}), None),
        "profit_factor": ((stats.profit_factor, {}), None),
        "risk_of_ruin": ((stats.risk_of_ruin, {}), None),
    }
    with np.errstate(invalid="ignore"):  # empyrical takes roots of what is below 0
        return tuple(None if call is None else float(call[0](daily, **call[1])) for call in figures[name])


def longest_fall(stats, daily):
    """Return how many days quantstats says that the longest fall lasted."""
    return stats.drawdown_details(stats.to_drawdown_series(daily))["days"].max()


def returns(equity, cash=CASH):
    """Return what pandas makes of equity: NaN where it stays 0, nonsense where it is below."""
    before = equity.shift(1, fill_value=cash)
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.Series(equity.to_numpy() / before.to_numpy() - 1.0, index=equity.index, name="return")


def periods_of(daily):
    """Return how many returns make a year on a market."""
    return 365 if (daily.index.day_of_week >= 5).any() else 252
