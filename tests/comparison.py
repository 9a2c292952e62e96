"""Both engines on one case, compared row by row, and the ledger that every replay must balance."""

import math

import numpy as np
import pandas as pd
import reference
from draws import Case

import backtest as bt
from backtest.engine import inputs_of, replay
from backtest.records import rules_of
from backtest.results import FRAMES, Replayed, Result

TOLERANCE = 1e-9  # of cash, and of each price and quantity
MONEY = ("equity", "equity_low", "wallet", "margin", "initial_margin", "maintenance_margin", "notional")
TOTALS = ("realised", "fees", "funding", "interest", "penalties", "forfeited", "bad_debt")


def number(value):
    """Return a fraction as the float nearest to it, None as NaN."""
    return math.nan if value is None else float(value)


def bars_of(market: reference.Market) -> bt.Bars:
    """Return the engine's bars of a market in fractions."""
    index = pd.to_datetime(market.time, unit="ns", utc=True)
    names = [f"{mark}{name}" for mark in ("", "mark_") for name in ("open", "high", "low", "close")]
    frames = {}
    for i in range(len(market.open[0])):
        tables = {name: getattr(market, name) for name in names if getattr(market, name) is not None}
        columns = {name: [number(row[i]) for row in table] for name, table in tables.items()}
        if market.funding_rate is not None:
            columns["funding_rate"] = [number(row[i]) for row in market.funding_rate]
        frames[f"S{i}"] = pd.DataFrame(columns, index=index, dtype=np.float64)
    return bt.Bars.from_frames(frames)


def settings_of(case: Case) -> tuple[bt.Account, bt.Venue]:
    """Return the engine's settings of a case in fractions."""
    account = {
        name: value if isinstance(value, str) or value is None else float(value)
        for name, value in vars(case.account).items()
    }
    venue = {
        name: value if isinstance(value, str) else float(value)
        for name, value in vars(case.venue).items()
        if name != "tiers"
    }
    tiers = {
        f"S{i}": [bt.Tier(**{name: float(value) for name, value in vars(tier).items()}) for tier in ladder]
        for i, ladder in enumerate(case.venue.tiers)
    }
    return bt.Account(**account), bt.Venue(tiers=tiers, **venue)


def engine_result(case: Case, skip_quiet_bars: bool = True) -> Result:
    """Return what the engine makes of a case."""
    bars = bars_of(case.market)
    account, venue = settings_of(case)
    targets = np.array([[number(value) for value in row] for row in case.signals])
    return replayed(bars, targets, account, venue, skip_quiet_bars)


def replayed(bars, targets, account, venue, skip_quiet_bars: bool = True) -> Result:
    """Return what `bt.run` returns, without its warnings, and on request with every bar walked in full."""
    inputs = inputs_of(bars, targets, rules_of(account, venue, bars.symbols, skip_quiet_bars))
    return Result(Replayed(bars, account, venue, None, inputs, replay(inputs)))


def assert_same_bits(one: Result, other: Result) -> None:
    """Assert that two results are equal in every figure and frame, and each in its two ways to equity."""
    assert one.summary.equals(other.summary)
    assert one.equity.equals(other.equity)
    assert one.equity.equals(one.history["equity"])
    for name in FRAMES:
        assert getattr(one, name).equals(getattr(other, name)), name


def check_ledger(result: Result, cash: float) -> None:
    """Assert SPEC section 5 on every bar."""
    history = result.history
    unrealised = history["equity"] - history["wallet"] - history["margin"]
    books = (
        history["realised"] + unrealised - history["fees"] - history["funding"] - history["interest"]
        - history["penalties"] - history["forfeited"] + history["bad_debt"]
    )  # fmt: skip
    scale = np.maximum.accumulate(np.maximum(cash, history[["notional", "equity"]].max(axis=1).to_numpy()))
    worst = np.abs(history["equity"] - cash - books).to_numpy() / scale
    assert worst.max() < 1e-11, f"the ledger is off by {worst.max():g} at bar {worst.argmax()}"


def compare(case: Case, outcome: reference.Outcome, result: Result) -> None:
    """Assert that the engine says what the reference says: every bar, fill, liquidation and order."""
    cash = float(case.account.cash)
    scale = max([cash, *(float(value) for value in outcome.history["notional"])])
    rows(outcome.fills, result.fills, result, ("quantity", "price", "fee"), ("reason",))
    prices = ("quantity", "mark_price", "fill_price", "bankruptcy_price")
    money = ("margin_lost", "penalty", "forfeited", "bad_debt")
    rows(outcome.liquidations, result.liquidations, result, prices + money, ("gap", "joint", "partial"), scale)
    rows(outcome.orders, result.orders, result, ("wanted", "filled"), ("reason",))
    for name, column in outcome.history.items():
        expected = np.array([number(value) for value in column])
        found = result.history[name].to_numpy()
        size = scale if name in MONEY + TOTALS else np.maximum(1.0, np.abs(expected))
        same = (np.abs(found - expected) <= TOLERANCE * size) | (found == expected)
        if name == "margin_ratio":  # a balance of nothing may come out as a rounding error above it
            same |= (expected > 1e9) & (found > 1e9)
        if name == "effective_leverage":
            same |= (expected > 1e6) & (found > 1e6)
        assert same.all(), f"{name} at bar {same.argmin()}: {found[same.argmin()]} but {expected[same.argmin()]}"


def rows(expected, found, result, numbers, words, scale=0.0) -> None:
    """Assert that two logs have the same rows in the same order."""
    bar = result.history.index.get_indexer(found["time"])
    instrument = found["symbol"].str[1:].astype(int)
    keys = [(row["bar"], row["instrument"], *(row[word] for word in words)) for row in expected]
    assert list(zip(bar, instrument, *(found[word] for word in words), strict=True)) == keys
    for name in numbers:
        exact = np.array([number(row[name]) for row in expected], dtype=float)
        difference = np.abs(found[name].to_numpy() - exact)
        size = np.maximum(np.abs(exact), scale)
        same = (difference <= TOLERANCE * np.maximum(size, 1e-9)) | (np.isnan(exact) & np.isnan(found[name].to_numpy()))
        assert same.all(), f"{name}: {found[name].to_list()} but {exact.tolist()}"
