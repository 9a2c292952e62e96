"""Every preset on the crash of March 2020, bar by bar against the slow engine."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import reference
from comparison import check_ledger, compare, engine_result
from draws import Case

import backtest as bt
from backtest.terms.presets import preset_names

ROOT = Path(__file__).parents[1]
SYMBOLS = {"hyperliquid": "BTCUSDC", "dydx_v4": "BTCUSD", "binance_coinm": "BTCUSD", "bybit_inverse": "BTCUSD"}
CASH = {"binance_coinm": 4, "bybit_inverse": 20}  # coins
HIGHEST = {"reg_t": 2, "portfolio_margin": 6, "binance_coinm": 10, "bybit_inverse": 20}


@pytest.fixture(scope="module")
def crash():
    bars = bt.read_bars(ROOT / "data" / "btcusdt_1h.parquet")
    return bars["2020-03-11":"2020-03-14"].with_funding(0.0003, every="8h")


def fraction(value):
    return Fraction(value) if isinstance(value, float) else value


def venue_in_fractions(venue, symbol):
    """Return a venue for the slow engine with the very floats of the fast one."""
    given = dict(venue)
    ladder = [reference.Tier(**{name: fraction(value) for name, value in tier}) for tier in venue.ladder(symbol)]
    for name in ("tiers", "symbols", "name", "as_of", "source"):
        given.pop(name)
    for name in ("multiplier", "lot_size", "minimum_notional"):
        given[name] = Fraction(venue.figure(name, symbol))
    call = given.pop("call")
    if call is not None:
        call = reference.MarginCall(**{name: fraction(value) for name, value in call})
    return reference.Venue([ladder], call=call, **{name: fraction(value) for name, value in given.items()})


def case_of(bars, targets, venue, symbol, **settings):
    """Return a case of the slow engine with the very floats of bars and venue."""
    frame = bars.frame(bars.symbols[0])
    prices = {name: [[Fraction(price)] for price in frame[name]] for name in ("open", "high", "low", "close")}
    funding = [[Fraction(rate) for rate in row] for row in bars.funding]
    market = reference.Market(bars.time.as_unit("ns").asi8.tolist(), **prices, funding_rate=funding)
    signals = [[None if np.isnan(value) else Fraction(value)] for value in targets]
    return Case(market, signals, reference.Account(**settings), venue_in_fractions(venue, symbol))


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("name", preset_names())
def test_a_preset_does_in_the_crash_what_the_slow_engine_does(crash, name, side, margin_mode):
    symbol, leverage = SYMBOLS.get(name, "BTCUSDT"), HIGHEST.get(name, 5)
    targets = np.full(len(crash), np.nan)
    targets[[0, 40, 60]] = side, -side, side  # before the fall, in it, and for what followed
    if name == "reg_t" and side > 0:
        targets[40] = np.nan  # at 2x it takes all of the fall
    settings = {
        "cash": Fraction(CASH.get(name, 2_000_000)),
        "leverage": Fraction(leverage),
        "margin_mode": margin_mode,
        "on_liquidation": "reenter",
        "reserve": Fraction(300_000 if name == "reg_t" else 0),
        "currency": "base" if name in CASH else "quote",
    }
    case = case_of(crash, targets, bt.venue(name), symbol, **settings)
    outcome = case.replay()
    result = engine_result(case)
    check_ledger(result, float(settings["cash"]))
    compare(case, outcome, result)
    assert outcome.liquidations or outcome.calls


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("policy", ["step_down", "share", "restore"])
def test_a_policy_does_in_the_crash_what_the_slow_engine_does(crash, policy, margin_mode):
    rules = {
        "step_down": {},
        "share": {"liquidation_share": 0.25, "liquidation_floor": 10_000.0, "cooldown": 600.0, "backstop": 0.5},
        "restore": {"target_ratio": 1.25},
    }[policy]
    call = bt.MarginCall(level=1.5, grace=2, deposit="reserve", close_below=0.9) if policy == "restore" else None
    rules = rules | {"target_ratio": 1.75, "call": call} if call else rules
    venue = bt.venue("binance_usdm", liquidation=policy, liquidation_slippage=0.001, insurance_fund=1000, **rules)
    targets = np.full(len(crash), np.nan)
    targets[[0, 40, 60]] = 1.0, -1.0, 1.0
    settings = {"cash": Fraction(5_000_000), "leverage": Fraction(4), "margin_mode": margin_mode}
    case = case_of(crash, targets, venue, "BTCUSDT", on_liquidation="refill", reserve=Fraction(100_000), **settings)
    if call is None:
        case = replace(case, account=replace(case.account, reserve=Fraction(0)))
    outcome = case.replay()
    result = engine_result(case)
    check_ledger(result, 5_000_000.0)
    compare(case, outcome, result)
    assert outcome.liquidations
