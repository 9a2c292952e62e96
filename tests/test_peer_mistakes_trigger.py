"""Mistakes that other backtesters made about what triggers a liquidation or stop, and at which price it fills."""

import math

import numpy as np
import pandas as pd
import pytest
from comparison import check_ledger
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import bars_of, play, reasons, values, venue_of

import backtest as bt

TENFOLD = {"cash": 1000.0, "leverage": 10}
LIQUIDATED_LONG = 90 / 0.996  # 10x at 100: 10 + (P - 100) = 0.004 P
LIQUIDATED_SHORT = 110 / 1.004  # 10 - (P - 100) = 0.004 P


def test_t1_close_only_check():
    """Margin was looked at on closes only, so a wick through the liquidation price did no harm."""
    result = play(bars_of([100, (99, 100, 85, 98)]), "1 .", **TENFOLD)
    # bought at 99: 9.9 + (P - 99) = 0.004 P
    price = 99 * 0.9 / 0.996
    quantity = 10_000 / 99
    assert values(result.liquidations, "bar", "fill_price") == [(1, pytest.approx(price, rel=1e-12))]
    assert result.equity.iloc[-1] == pytest.approx(1000 + quantity * (price - 99), rel=1e-12)


def test_t2_short_reads_its_own_extreme():
    """The short branch looked at the low of a bar, so only longs were ever liquidated."""
    result = play(bars_of([100, (100, 115, 99, 100)]), "-1 .", **TENFOLD)
    assert values(result.liquidations, "quantity", "fill_price") == [(-100, pytest.approx(LIQUIDATED_SHORT, rel=1e-12))]
    assert play(bars_of([100, (100, 101, 85, 100)]), "-1 .", **TENFOLD).liquidations.empty


def test_t3_gap_fills_at_the_open():
    """A gap beyond the liquidation price was booked at that price, which never traded."""
    result = play(bars_of([100, 100, (90, 91, 89, 90)]), "0.5 . .", cash=1000.0, leverage=20)
    # half of 1000 at 20x: 100 units on a margin of 500; at 90 they have lost 1000
    row = ("bar", "fill_price", "margin_lost", "bad_debt", "gap")
    assert values(result.liquidations, *row) == [(2, 90, 500, 500, True)]
    assert result.equity.tolist() == [1000, 1000, 500]


def test_t4_gap_beyond_the_margin_leaves_free_money_alone():
    """After a fix for gaps, the loss beyond an isolated margin was taken from the rest of the wallet."""
    result = play(bars_of([100, 100, 20]), "0.5 . .", cash=1000.0, leverage=5)
    assert result.history["wallet"].tolist() == [1000, 500, 500]
    assert result.history["bad_debt"].iloc[-1] == 25 * 80 - 500


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_t5_fees_never_push_equity_below_zero(margin_mode):
    """The exit fee came on top of a loss of the whole margin, and equity ended below 0."""
    rules = {"taker_fee": 0.01, "liquidation_fee": 0.05, "liquidation_slippage": 0.02, "margin_mode": margin_mode}
    for opened in (95.0, 91.0, 90.0, 80.0, 1.0):
        result = play(bars_of([100, 100, opened]), "1 . .", tiers=[(0, 0.08, 10)], **TENFOLD, **rules)
        assert len(result.liquidations) == 1
        assert result.equity.iloc[-1] >= 0
        assert result.history["equity_low"].min() >= 0


@settings(max_examples=60)
@given(
    st.integers(2, 100),
    st.floats(0.0, 0.9),
    st.sampled_from([1.0, -1.0]),
    st.sampled_from(["isolated", "cross"]),
    st.floats(0.0, 0.02),
)
def test_t6_liquidation_is_never_a_gain(leverage, share, signal, margin_mode, fee):
    """The close fee stood in the bankruptcy price but not in the liquidation price: longs were closed above entry."""
    tiers = [(0, share / leverage, leverage)]
    bar = (100, 100, 1, 1) if signal > 0 else (100, 300, 100, 300)
    result = play(
        bars_of([100, bar]), f"{signal} .", tiers=tiers, leverage=leverage, taker_fee=fee, margin_mode=margin_mode
    )
    (row,) = result.liquidations.to_dict("records")
    assert signal * (row["mark_price"] - row["bankruptcy_price"]) >= -1e-9
    assert signal * (row["fill_price"] - 100) <= 1e-9


@pytest.mark.parametrize(
    ("signal", "bar", "stop_loss", "reason", "price"),
    [
        ("1", (99, 100, 88, 95), 0.05, "stop_loss", 95),
        ("1", (99, 100, 88, 95), 0.5, "liquidation", LIQUIDATED_LONG),
        ("1", (89, 100, 88, 95), 0.05, "liquidation", 89),
        ("-1", (101, 112, 100, 105), 0.05, "stop_loss", 105),
        ("-1", (101, 112, 100, 105), 0.5, "liquidation", LIQUIDATED_SHORT),
        ("-1", (111, 112, 100, 105), 0.05, "liquidation", 111),
        ("-1", (101, 112, 100, 105), None, "liquidation", LIQUIDATED_SHORT),
    ],
)
def test_t7_the_nearer_of_stop_and_liquidation(signal, bar, stop_loss, reason, price):
    """A stop saved the trader across a gap, or never did, or its absence spared shorts their liquidation."""
    result = play(bars_of([100, 100, bar]), f"{signal} . .", stop_loss=stop_loss, **TENFOLD)
    assert values(result.fills, "bar", "reason", "price")[1:] == [(2, reason, pytest.approx(price, rel=1e-12))]


@pytest.mark.parametrize("signal", ["1", "-1"])
def test_t8_take_profit_loses_to_a_liquidation_in_the_same_bar(signal):
    """A bar that reached both sides was counted as a win."""
    bars = bars_of([100, (100, 115, 85, 100)])
    for intrabar, reason in (("worst", "liquidation"), ("best", "take_profit")):
        assert reasons(play(bars, f"{signal} .", intrabar=intrabar, take_profit=0.1, **TENFOLD))[1:] == [(1, reason)]


def test_t9_check_runs_without_brackets():
    """Margin was only checked where a stop or a take-profit was set."""
    result = play(bars_of([100, 50]), "1 .", **TENFOLD)
    assert result.liquidations.empty  # bought at 50
    assert reasons(play(bars_of([100, 100, 50]), "1 . .", **TENFOLD)) == [(1, "signal"), (2, "liquidation")]


def test_t10_unlevered_shorts_can_die():
    """At a leverage of 1 nothing was checked, though a short loses everything when the price doubles."""
    short = play(bars_of([100, (100, 210, 100, 100)]), "-1 .", cash=1000.0)
    # 100 - (P - 100) = 0.004 P
    assert values(short.liquidations, "fill_price") == [(pytest.approx(200 / 1.004, rel=1e-12),)]
    assert play(bars_of([100, (100, 100, 10, 10)]), "1 .", cash=1000.0).equity.iloc[-1] == 100


def test_t11_marks_trigger_and_trades_fill():
    """The traded price decided on liquidations, or the mark price was paid."""
    wick, calm = (100, 100, 80, 100), (100, 100, 96, 100)
    assert play(bars_of([100, wick], marks=([100, calm],)), "1 .", **TENFOLD).liquidations.empty
    result = play(bars_of([100, calm], marks=([100, wick],)), "1 .", **TENFOLD)
    # on the first leg the mark falls 20 while the traded price falls 4
    fill = 100 - (100 - LIQUIDATED_LONG) / 5
    assert values(result.liquidations, "mark_price", "fill_price") == [
        (pytest.approx(LIQUIDATED_LONG, rel=1e-12), pytest.approx(fill, rel=1e-12))
    ]
    assert result.equity.iloc[-1] == pytest.approx(1000 + 100 * (fill - 100), rel=1e-12)


def test_t12_a_position_meets_only_the_bars_from_its_fill():
    """The extreme of a bar before the entry's own fill was held against the position."""
    spike = (100, 100, 50, 100)
    assert play(bars_of([spike, 100, 100]), "1 . .", **TENFOLD).liquidations.empty
    # an entry at the open meets all of its bar
    assert reasons(play(bars_of([100, spike]), "1 .", **TENFOLD)) == [(1, "signal"), (1, "liquidation")]


@pytest.mark.parametrize("on_liquidation", ["wait", "reenter", "stop", "refill"])
def test_t13_no_entry_in_the_bar_of_the_liquidation(on_liquidation):
    """A liquidated position was opened again inside the bar that killed it."""
    result = play(bars_of([100, (100, 100, 85, 98), 100, 100]), "1 . . .", on_liquidation=on_liquidation, **TENFOLD)
    again = [(2, "signal")] if on_liquidation == "reenter" else []
    assert reasons(result) == [(1, "signal"), (1, "liquidation"), *again]


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_t14_tiny_prices(margin_mode):
    """A coin worth a hundred-thousandth was always liquidated: prices were rounded, or compared with amounts."""
    day = [100, (100, 104, 97, 103), (103, 105, 101, 102), (102, 103, 85, 99), 99]
    small = [tuple(price * 1e-8 for price in bar) if isinstance(bar, tuple) else bar * 1e-8 for bar in day]
    rules = {"taker_fee": 0.0005, "liquidation_fee": 0.0125, "margin_mode": margin_mode, **TENFOLD}
    usual, tiny = (play(bars_of(rows), "0.5 1 . . .", **rules) for rows in (day, small))
    assert reasons(usual) == reasons(tiny) == [(1, "signal"), (2, "signal"), (3, "liquidation")]
    np.testing.assert_allclose(tiny.history, usual.history, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(tiny.fills["quantity"], usual.fills["quantity"] * 1e8, rtol=1e-9)


def test_t16_a_missing_bar_has_no_prices():
    """Gaps were filled with old prices, at which orders then filled and positions were liquidated."""
    result = play(bars_of([100, 100, None, (95, 96, 94, 95), 95]), "1 0 . . .", **TENFOLD)
    assert values(result.fills, "bar", "price") == [(1, 100), (3, 95)]
    assert values(result.orders, "bar", "reason", "filled") == [(2, "waiting", 0)]
    assert math.isnan(result.orders["wanted"].iloc[0])
    assert result.equity.tolist() == [1000, 1000, 1000, 500, 500]
    # nor does a position die on a price that was not there: its first price after the gap kills it
    dead = play(bars_of([100, 100, None, 80]), "1 . . .", **TENFOLD)
    assert values(dead.liquidations, "bar", "fill_price", "gap") == [(3, 80, True)]


def test_a_position_may_outlive_its_instruments_last_bar():
    """What was delisted while held vanished from equity, or raised an error."""
    times = pd.date_range("2024-01-01", periods=4, freq="1h", tz="UTC")
    flat = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    bars = bt.Bars.from_frames({"S0": pd.DataFrame(flat, times[:3]), "S1": pd.DataFrame(flat, times)})
    result = bt.run(bars, np.full((4, 2), 0.5), account=bt.Account(**TENFOLD), venue=venue_of())
    check_ledger(result, 1000.0)
    assert result.history["notional"].tolist() == [0, 10_000, 10_000, 10_000]
    assert result.trades["exit_reason"].tolist() == ["open", "open"]
