"""Both engines on one case, compared row by row, and the ledger that every replay must balance."""

import math

import numpy as np
import pandas as pd
import reference
from draws import Case

import backtest as bt
from backtest.outcome.results import Result
from backtest.outcome.sources import FRAMES, Replayed
from backtest.replaying.engine import inputs_of, replay
from backtest.replaying.records import rules_of
from backtest.signalling.signals import as_signals

TOLERANCE = 1e-9  # of cash, and of each price and quantity
MONEY = (
    *("equity", "equity_low", "wallet", "margin", "initial_margin", "maintenance_margin", "notional"),
    "free_margin",
)
TOTALS = ("realised", "fees", "funding", "interest", "penalties", "forfeited", "bad_debt")
FLOWS = ("reserve", "deposits", "insurance_fund", "socialised_loss")
BY_SYMBOL = ("multiplier", "lot_size", "minimum_notional")
QUANTITIES = ("quantity", "wanted", "filled")
COIN_SYMBOLS = ("BTCUSD", "BTCUSDT", "BTCUSDC")  # one coin behind all, as inverse contracts of one account need


def number(value):
    """Return a fraction as the float nearest to it, None as NaN."""
    return math.nan if value is None else float(value)


def plain(value):
    """Return a setting's text or nothing as it is, a fraction as a float."""
    return value if isinstance(value, str) or value is None else float(value)


def symbols_of(case: Case) -> tuple[str, ...]:
    """Return the engine's names of a case's instruments."""
    count = len(case.venue.tiers)
    return COIN_SYMBOLS[:count] if case.venue.contract == "inverse" else tuple(f"S{i}" for i in range(count))


def bars_of(market: reference.Market, symbols: tuple[str, ...] = ()) -> bt.Bars:
    """Return the engine's bars of a market in fractions."""
    index = pd.to_datetime(market.time, unit="ns", utc=True)
    names = [f"{mark}{name}" for mark in ("", "mark_") for name in ("open", "high", "low", "close")]
    frames = {}
    for i in range(len(market.open[0])):
        tables = {name: getattr(market, name) for name in names if getattr(market, name) is not None}
        columns = {name: [number(row[i]) for row in table] for name, table in tables.items()}
        if market.funding_rate is not None:
            columns["funding_rate"] = [number(row[i]) for row in market.funding_rate]
        frames[symbols[i] if symbols else f"S{i}"] = pd.DataFrame(columns, index=index, dtype=np.float64)
    return bt.Bars.from_frames(frames)


def settings_of(case: Case) -> tuple[bt.Account, bt.Venue]:
    """Return the engine's settings of a case in fractions."""
    symbols, rules = symbols_of(case), dict(vars(case.venue))
    tiers = {
        symbol: [bt.Tier(**{name: plain(value) for name, value in vars(tier).items()}) for tier in ladder]
        for symbol, ladder in zip(symbols, rules.pop("tiers"), strict=True)
    }
    venue = {}
    if (call := rules.pop("call")) is not None:
        terms = {"level": float(call.level), "close_below": float(call.close_below)}
        venue["call"] = bt.MarginCall(grace=call.grace, deposit=call.deposit, **terms)
    for name in BY_SYMBOL:
        value = rules.pop(name)
        if isinstance(value, list):
            value = {symbol: float(each) for symbol, each in zip(symbols, value, strict=True)}
        venue[name] = value if isinstance(value, dict) else float(value)
    venue |= {name: plain(value) for name, value in rules.items()}
    account = {name: plain(value) for name, value in vars(case.account).items()}
    return bt.Account(**account), bt.Venue(tiers=tiers, **venue)


def signals_of(case: Case) -> np.ndarray | dict[str, pd.DataFrame]:
    """Return a case's signals as a user gives them: targets as an array, else a table by symbol."""
    targets = np.array([[number(value) for value in row] for row in case.signals])
    if case.columns is None and not case.hedged:
        return targets
    index = pd.to_datetime(case.market.time, unit="ns", utc=True)
    tables = {}
    for i, symbol in enumerate(symbols_of(case)):
        if case.hedged:
            columns = {"target_long": targets[:, 2 * i], "target_short": targets[:, 2 * i + 1]}
        else:
            columns = {"target": targets[:, i]}
        columns |= {name: [number(row[i]) for row in table] for name, table in (case.columns or {}).items()}
        tables[symbol] = pd.DataFrame(columns, index=index, dtype=np.float64)
    return tables


def engine_result(case: Case, skip_quiet_bars: bool = True) -> Result:
    """Return what the engine makes of a case."""
    return replayed(bars_of(case.market, symbols_of(case)), signals_of(case), *settings_of(case), skip_quiet_bars)


def replayed(bars, signals, account, venue, skip_quiet_bars: bool = True) -> Result:
    """Return what `bt.run` returns, without its warnings, and on request with every bar walked in full."""
    rules = rules_of(account, venue, bars.symbols, skip_quiet_bars)
    inputs = inputs_of(bars, as_signals(signals, bars), rules)
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
    worst = np.abs(history["equity"] - cash - history["deposits"] - books).to_numpy() / scale
    assert worst.max() < 1e-11, f"the ledger is off by {worst.max():g} at bar {worst.argmax()}"


def compare(case: Case, outcome: reference.Outcome, result: Result) -> None:
    """Assert that the engine says what the reference says: every bar, fill, liquidation, order and call."""
    cash = float(case.account.cash)
    scale = max([cash, *(float(value) for value in outcome.history["notional"])])
    legs = {symbol: 2 * i if case.hedged else i for i, symbol in enumerate(symbols_of(case))}
    rows = Rows(result, legs, 2 if case.hedged else 1)
    rows(outcome.fills, result.fills, ("quantity", "price", "fee"), ("reason",))
    prices = ("quantity", "mark_price", "fill_price", "bankruptcy_price")
    money = ("margin_lost", "penalty", "forfeited", "bad_debt")
    rows(outcome.liquidations, result.liquidations, prices + money, ("gap", "joint", "partial"), scale)
    rows(outcome.orders, result.orders, ("wanted", "filled"), ("reason",))
    money = ("balance", "maintenance", "asked", "amount", "reserve")
    rows(outcome.calls, result.calls, money, ("event",), scale)
    compare_holdings(case, outcome, result, cash)
    for name, column in outcome.history.items():
        expected = np.array([number(value) for value in column])
        found = result.history[name].to_numpy()
        size = scale if name in MONEY + TOTALS + FLOWS else np.maximum(1.0, np.abs(expected))
        same = (np.abs(found - expected) <= TOLERANCE * size) | (found == expected)
        if name == "margin_ratio":  # a balance of nothing may come out as a rounding error above it
            same |= (expected > 1e9) & (found > 1e9)
        if name == "effective_leverage":
            same |= (expected > 1e6) & (found > 1e6)
        assert same.all(), f"{name} at bar {same.argmin()}: {found[same.argmin()]} but {expected[same.argmin()]}"


PRICES = ("entry_price", "liquidation_price", "stop_price", "take_profit_price")


def compare_holdings(case: Case, outcome: reference.Outcome, result: Result, cash: float) -> None:
    """Assert that positions are at every close what the reference holds, and that no row repeats the one before it."""
    frame = result.positions
    count = len(outcome.holdings[0])
    first = {symbol: i * (1 + case.hedged) for i, symbol in enumerate(symbols_of(case))}
    rows = np.array([first[symbol] for symbol in frame["symbol"]], np.int64)
    rows += (frame["leg"] == "short").to_numpy() if case.hedged else 0
    values = frame[["quantity", "margin", *PRICES]]
    for i in range(count):
        own = values[rows == i].set_axis(frame["time"][rows == i])
        assert own.index.is_unique
        if case.venue.contract == "linear":  # two prices next to each other may have one reciprocal
            assert not (own.eq(own.shift()) | (own.isna() & own.shift().isna())).all(axis=1).any()
        held = own.reindex(result.history.index, method="ffill")
        for t, exact in enumerate(row[i] for row in outcome.holdings):
            found = held.iloc[t]
            if exact is None:
                assert np.isnan(found["quantity"]) or found["quantity"] == 0.0, f"{found['quantity']} at bar {t}"
                assert found[list(PRICES)].isna().all()
                continue
            for name in ("quantity", "margin", *PRICES):
                expected = number(exact[name])
                if name == "liquidation_price" and expected < 1e-9 * found["entry_price"]:
                    expected = math.nan  # no market gets there
                size = max(abs(expected), cash if name == "margin" else 0.0)
                if name in ("quantity", "liquidation_price"):  # the rest of a position is a difference of what it was
                    size *= np.nanmax(np.abs(own["quantity"])) / abs(number(exact["quantity"]))
                same = abs(found[name] - expected) <= TOLERANCE * size or found[name] == expected
                same = same or (math.isnan(expected) and math.isnan(found[name]))
                assert same, f"{name} of {i} at bar {t}: {found[name]} but {expected}"


class Rows:
    """What compares a log of the reference with a frame of the engine's result."""

    def __init__(self, result: Result, first: dict[str, int], legs: int) -> None:
        self.bars, self.first, self.legs = result.history.index, first, legs

    def __call__(self, expected, found, numbers, words, scale=0.0) -> None:
        """Assert that two logs have the same rows in the same order; legs of a symbol are told by their numbers."""
        bar = self.bars.get_indexer(found["time"])
        instrument = [self.first.get(symbol) for symbol in found["symbol"]]  # "" is the account as a whole
        keys = [(row["bar"], self.row_of(row), *(row[word] for word in words)) for row in expected]
        found_keys = list(zip(bar, instrument, *(found[word] for word in words), strict=True))
        assert found_keys == keys, f"rows {found_keys} but {keys}"
        for name in numbers:
            exact = np.array([number(row[name]) for row in expected], dtype=float)
            values = found[name].to_numpy()
            size = np.maximum(np.abs(exact), scale)
            if name in QUANTITIES:  # the last hairs of a position are differences of what it was
                size = np.maximum(size, np.nanmax(np.abs(exact), initial=0.0) * 1e-6)
            same = (np.abs(values - exact) <= TOLERANCE * np.maximum(size, 1e-9)) | (values == exact)
            same |= np.isnan(exact) & np.isnan(values)
            assert same.all(), f"{name}: {found[name].to_list()} but {exact.tolist()}"

    def row_of(self, row: dict) -> int | None:
        """Return the first book row of the symbol that a reference row is about."""
        return None if row["instrument"] is None else row["instrument"] // self.legs * self.legs
