"""What must not change when the same trade is told in another way."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from comparison import check_ledger, engine_result
from draws import DECIMAL, DYADIC, cases
from hypothesis import given, settings
from scenes import assert_same_bits, play, reasons, venue_of
from wild import market_of, signals_of

import backtest as bt
from backtest.replaying.records import new_logs

PRICES = [f"{mark}{name}" for mark in ("", "mark_") for name in ("open", "high", "low", "close")]
MONEY = ["equity", "equity_low", "wallet", "margin", "initial_margin", "maintenance_margin", "notional", "realised"]
COSTS = ["fees", "funding", "interest", "penalties", "forfeited", "bad_debt"]


def scaled(case, prices, money):
    """Return the case with all prices and all amounts of money multiplied."""
    market, account, venue = case.market, case.account, case.venue
    tables = {
        name: None if (table := getattr(market, name)) is None else [[p and p * prices for p in row] for row in table]
        for name in PRICES
    }
    tiers = [
        [replace(tier, floor=tier.floor * money, cap=tier.cap and tier.cap * money) for tier in ladder]
        for ladder in venue.tiers
    ]
    return replace(
        case,
        market=replace(market, **tables),
        account=replace(account, cash=account.cash * money),
        venue=replace(venue, tiers=tiers),
    )


@settings(max_examples=50)
@given(cases(DYADIC, plain=True))
def test_prices_of_another_scale_make_the_same_money(case):
    usual, tiny = (engine_result(scaled(case, Fraction(scale), 1)) for scale in (1, Fraction(1, 2**27)))
    check_ledger(tiny, float(case.account.cash))
    assert tiny.history.equals(usual.history)  # powers of 2 are exact: not a bit may differ
    assert (tiny.fills["quantity"] == usual.fills["quantity"] * 2**27).all()
    assert tiny.fills["reason"].equals(usual.fills["reason"])
    assert tiny.trades["pnl"].equals(usual.trades["pnl"])


@settings(max_examples=50)
@given(cases(DECIMAL, plain=True))
def test_money_of_another_scale_changes_nothing_else(case):
    one, kilo = (engine_result(scaled(case, 1, money)) for money in (1, 1024))
    check_ledger(kilo, 1024 * float(case.account.cash))
    assert kilo.history[MONEY + COSTS].equals(one.history[MONEY + COSTS] * 1024)
    assert kilo.history["margin_ratio"].equals(one.history["margin_ratio"])
    assert kilo.fills["price"].equals(one.fills["price"])


RULES = {"leverage": 8, "taker_fee": 0.0005, "slippage": 0.0002, "liquidation_fee": 0.01, "on_liquidation": "reenter"}


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("seed", range(3))
def test_order_of_columns_does_not_matter(seed, margin_mode):
    frames, signals, order = market_of(seed, 3), signals_of(seed, 3), [2, 0, 1]
    rules = {**RULES, "margin_mode": margin_mode, "rebalance": ("signal", "bar")[seed % 2], "borrow_rate": 0.1}
    one = play(bt.Bars.from_frames(frames), signals, **rules)
    other = play(bt.Bars.from_frames({f"S{i}": frames[f"S{i}"] for i in order}), signals[:, order], **rules)
    assert len(one.fills) > 30
    np.testing.assert_allclose(other.history, one.history, rtol=1e-9, atol=1e-6)
    for name in ("fills", "liquidations", "orders"):
        rows, others = (getattr(result, name).sort_values(["time", "symbol"], kind="stable") for result in (one, other))
        pd.testing.assert_frame_equal(others.reset_index(drop=True), rows.reset_index(drop=True), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_cross_with_one_instrument_is_isolated_with_the_whole_wallet(seed):
    # without fees and slippage nothing stays in the wallet of an isolated account that is always fully invested
    bars = bt.Bars.from_frames({"S0": market_of(seed, 1)["S0"].drop(columns=PRICES[4:])})
    signals = np.sign(signals_of(seed, 1))
    rules = {"leverage": 8, "liquidation_fee": 0.01, "tiers": [(0, 0.01, 20), (12_000, 0.03, 20), (25_000, 0.04, 20)]}
    isolated, cross = (play(bars, signals, margin_mode=mode, **rules) for mode in ("isolated", "cross"))
    assert len(isolated.liquidations) > 0
    columns = ["equity", "equity_low", "notional", "maintenance_margin", "margin_ratio", *COSTS]
    np.testing.assert_allclose(cross.history[columns], isolated.history[columns], rtol=1e-9, atol=1e-6)
    assert reasons(cross) == reasons(isolated)
    np.testing.assert_allclose(cross.fills["price"], isolated.fills["price"], rtol=1e-9)
    np.testing.assert_allclose(
        cross.liquidations["bankruptcy_price"], isolated.liquidations["bankruptcy_price"], rtol=1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_leverage_changes_no_profit_until_it_kills(seed):
    bars = bt.Bars.from_frames(market_of(seed, 1))
    deaths = []
    for leverage in (1, 2, 4, 8, 16, 32):
        result = play(bars, np.full((250, 1), 0.5 / leverage), leverage=leverage, sizing="cash", taker_fee=0.0005)
        alive = len(bars) if result.liquidations.empty else bars.time.get_loc(result.liquidations["time"].iloc[0])
        if leverage == 1:
            unlevered = result.equity
        else:
            np.testing.assert_allclose(result.equity.iloc[:alive], unlevered.iloc[:alive], rtol=1e-12)
        deaths.append(alive)
    assert deaths == sorted(deaths, reverse=True)
    assert deaths[-1] < len(bars)


@pytest.mark.parametrize("intrabar", ["worst", "best", "path"])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("seed", range(4))
def test_a_short_is_a_long_in_the_mirror(seed, margin_mode, intrabar):
    # without maintenance, which counts notionals, prices may be mirrored at the price of the entry
    frame = market_of(seed, 1, 60)["S0"][PRICES[:4]]
    middle = frame["open"].iloc[1]
    mirrored = (2 * middle - frame).rename(columns={"high": "low", "low": "high"})
    rules = {"tiers": [(0, 0, 20)], "leverage": 20, "margin_mode": margin_mode, "intrabar": intrabar}
    rules |= {"take_profit": 0.05} if seed % 2 else {}
    long, short = (
        play(bt.Bars.from_frames({"S0": rows}), np.full((60, 1), signal), **rules)
        for rows, signal in ((frame, 1.0), (mirrored, -1.0))
    )
    np.testing.assert_allclose(
        short.history[["equity", "equity_low"]], long.history[["equity", "equity_low"]], atol=1e-6
    )
    assert reasons(short) == reasons(long)
    assert len(long.fills) == 2
    np.testing.assert_allclose(2 * middle - short.fills["price"], long.fills["price"], rtol=1e-9)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("seed", range(3))
def test_an_instrument_split_in_two(seed, margin_mode):
    frame, signals = market_of(seed, 1)["S0"], signals_of(seed, 1) * 1.6
    rules = {**RULES, "leverage": 20, "margin_mode": margin_mode, "borrow_rate": 0.1}
    whole = play(bt.Bars.from_frames({"S0": frame}), signals, **rules)
    halves = play(bt.Bars.from_frames({"S0": frame, "S1": frame}), np.hstack([signals / 2] * 2), **rules)
    assert len(whole.liquidations) > 0
    np.testing.assert_allclose(halves.history, whole.history, rtol=1e-9, atol=1e-6)
    assert len(halves.fills) == 2 * len(whole.fills)
    assert halves.fills.groupby("time")["quantity"].sum().tolist() == pytest.approx(
        whole.fills.groupby("time")["quantity"].sum().tolist()
    )
    table = halves.liquidations
    assert not whole.liquidations["joint"].any()
    assert (table["joint"] == (~table["gap"] & (margin_mode == "cross"))).all()


def test_runs_side_by_side_have_the_bits_of_runs_alone():
    bars, signals, venue = bt.Bars.from_frames(market_of(0, 2)), signals_of(0, 2), venue_of(liquidation_fee=0.01)
    accounts = [
        bt.Account(leverage=leverage, margin_mode=margin_mode, on_liquidation="reenter")
        for leverage in (1, 4, 8, 16)
        for margin_mode in ("isolated", "cross")
    ]

    def run(account):
        result = bt.run(bars, signals, account=account, venue=venue)
        check_ledger(result, account.cash)
        return result

    alone = [run(account) for account in accounts]
    assert len({result.equity.iloc[-1] for result in alone}) > 4
    with ThreadPoolExecutor(2) as pool:
        for expected, result in zip(alone * 3, pool.map(run, accounts * 3), strict=True):
            assert_same_bits(result, expected)


def test_logs_that_overflow_are_complete(monkeypatch):
    bars, signals = bt.Bars.from_frames(market_of(1, 2)), signals_of(1, 2)
    roomy = play(bars, signals, **RULES)
    assert min(len(roomy.fills), len(roomy.liquidations), len(roomy.orders)) > 2
    for rows in ((0, 0, 0, 0), (2, 2, 2, 2), (10_000, 1, 10_000, 0), (1, 10_000, 10_000, 0), (10_000, 10_000, 1, 0)):
        given = []

        def small(*capacity, rows=rows, given=given):
            given.append(capacity)
            return new_logs(*(capacity if len(given) == 2 else rows))

        monkeypatch.setattr("backtest.replaying.engine.new_logs", small)
        account = bt.Account(leverage=8, on_liquidation="reenter")
        venue = venue_of(**{name: RULES[name] for name in ("taker_fee", "slippage", "liquidation_fee")})
        result = bt.run(bars, signals, account=account, venue=venue)
        assert given[1] == (len(roomy.fills), len(roomy.liquidations), len(roomy.orders), 0)
        monkeypatch.undo()
        assert_same_bits(result, roomy)


@pytest.mark.parametrize("count", [255, 256, 257, 600])
def test_any_number_of_liquidations_is_logged(count):
    # there is room for 256 at the first go
    rows = [(100.0, 100.0, 80.0, 100.0)] * (count + 1)
    index = pd.date_range("2024-01-01", periods=len(rows), freq="1h", tz="UTC")
    bars = bt.Bars.from_frames({"S0": pd.DataFrame(rows, index, columns=PRICES[:4])})
    result = play(bars, np.full((len(rows), 1), 1 / 1024), leverage=8, sizing="cash", on_liquidation="reenter")
    assert len(result.liquidations) == count
    assert len(result.fills) == 2 * count
    assert result.liquidations["time"].is_unique
