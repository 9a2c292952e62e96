"""Markets of a few bars written by hand, and replays of them: both ways through the engine, the ledger checked."""

import numpy as np
import pandas as pd
from comparison import assert_same_bits, check_ledger, replayed

import backtest as bt

NAMES = ("open", "high", "low", "close")
SIMPLE = (0, 0.004, 125)  # floor, maintenance rate, highest leverage


def bars_of(*instruments, marks=(), funding=(), every="1h", start="2024-01-01"):
    """Return bars of S0, S1, ...: for each a list of (open, high, low, close), of one flat price, or None = missing.

    `marks` holds such a list for each instrument, `funding` a list of rates.
    """
    index = pd.date_range(start, periods=len(instruments[0]), freq=every, tz="UTC")
    frames = {}
    for i, rows in enumerate(instruments):
        columns = dict(zip(NAMES, zip(*map(four, rows), strict=True), strict=True))
        if marks:
            columns |= dict(
                zip((f"mark_{name}" for name in NAMES), zip(*map(four, marks[i]), strict=True), strict=True)
            )
        if funding:
            columns["funding_rate"] = funding[i]
        frames[f"S{i}"] = pd.DataFrame(columns, index=index, dtype=np.float64)
    return bt.Bars.from_frames(frames)


def four(bar):
    """Return the four prices of a bar."""
    if bar is None:
        return (np.nan,) * 4
    return (bar,) * 4 if np.isscalar(bar) else bar


def targets_of(*columns):
    """Return signals (T, M) from one text per instrument, a word per bar, "." where nothing new is said."""
    return np.array([[np.nan if word == "." else float(word) for word in column.split()] for column in columns]).T


def venue_of(tiers=(SIMPLE,), **rules):
    """Return a venue with tiers, a list or lists by symbol, of (floor, maintenance rate, highest leverage)."""
    names = ("floor", "maintenance_rate", "max_leverage")

    def ladder(rows):
        return [bt.Tier(**dict(zip(names, row, strict=True))) for row in rows]

    by_symbol = {symbol: ladder(rows) for symbol, rows in tiers.items()} if isinstance(tiers, dict) else ladder(tiers)
    return bt.Venue(tiers=by_symbol, **rules)


def play(bars, *signals, **settings):
    """Return the result of the signals, given as texts or one array, under settings of account and venue.

    The bars are replayed with and without a glance over quiet bars: not a bit may differ.
    """
    account = bt.Account(**{name: value for name, value in settings.items() if name in bt.Account.model_fields})
    venue = venue_of(**{name: settings[name] for name in settings if name not in bt.Account.model_fields})
    targets = targets_of(*signals) if isinstance(signals[0], str) else signals[0]
    quick, full = (replayed(bars, targets, account, venue, skip) for skip in (True, False))
    assert_same_bits(quick, full)
    check_ledger(quick, account.cash)
    return quick


def values(frame, *names):
    """Return the rows of a log as tuples of the columns named, `bar` counted in hours from the first of 2024."""
    hours = (frame["time"] - pd.Timestamp("2024-01-01", tz="UTC")) // pd.Timedelta("1h")
    columns = [hours if name == "bar" else frame[name] for name in names]
    return [tuple(column.iloc[row] for column in columns) for row in range(len(frame))]


def reasons(result):
    """Return (bar, reason) of every fill."""
    return values(result.fills, "bar", "reason")
