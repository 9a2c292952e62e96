"""Orders, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Tier


def test_flip_is_a_close_and_an_open_at_one_price() -> None:
    account = replace(TENFOLD, leverage=F(1), sizing="cash")
    outcome = run(market([FLAT] * 3), signals("0.5 -0.5 ."), account, slippage=F(1, 100), taker_fee=F(1, 1000))
    long, short = 500 / F(101), 500 / F(99)
    assert values(outcome.fills, "bar", "quantity", "price", "fee", "reason") == [
        (1, long, 101, F("0.5"), "signal"),
        (2, -long, 99, long * 99 / 1000, "signal"),
        (2, -short, 99, F("0.5"), "signal"),
    ]
    assert outcome.history["realised"][-1] == long * (99 - 101)
    assert outcome.history["margin"][-1] == 500
    assert not outcome.orders


def test_reduction_keeps_the_entry_and_returns_its_share_of_the_margin() -> None:
    account = replace(TENFOLD, sizing="cash")
    high = (110, 110, 110, 110)
    outcome = run(market([FLAT, FLAT, high, high]), signals("0.5 0.22 . ."), account)
    # 50 units at 100, margin 500; to 2200 / 110 = 20 units: 30 / 50 of the margin and 30 * 10 profit come back
    assert outcome.history["margin"][1:] == [500, 200, 200]
    assert outcome.history["wallet"][1:] == [500, 1100, 1100]
    assert outcome.history["realised"][1:] == [0, 300, 300]
    assert outcome.equity[1:] == [1000, 1500, 1500]


def test_tier_cuts_the_target_to_its_floor() -> None:
    tiers = [Tier(F(0), F(1, 100), F(20)), Tier(F(500), F(2, 100), F(5))]
    outcome = run(market([FLAT] * 2), signals("1 ."), tiers=tiers)
    assert outcome.orders == [{"bar": 1, "instrument": 0, "wanted": 100, "filled": 5, "reason": "tier"}]
    assert outcome.history["notional"] == [0, 500]
    assert not run(market([FLAT] * 2), signals("1/20 ."), tiers=tiers).orders


def test_order_that_a_tier_cuts_to_nothing_has_its_row() -> None:
    tiers = [Tier(F(0), F(1, 100), F(20)), Tier(F(500), F(2, 100), F(5))]
    outcome = run(market([FLAT] * 3), signals("1/20 1 ."), tiers=tiers)
    assert outcome.orders == [{"bar": 2, "instrument": 0, "wanted": 95, "filled": 0, "reason": "tier"}]


def test_fees_cut_a_full_order() -> None:
    outcome = run(market([FLAT] * 2), signals("1 ."), taker_fee=F(1, 100))
    # 100 units cost 10000 * (0.1 + 0.01) = 1100 of 1000
    assert outcome.orders == [{"bar": 1, "instrument": 0, "wanted": 100, "filled": F(1000, 11), "reason": "fees"}]
    assert outcome.history["wallet"][-1] == 0


def test_margin_cuts_all_increases_by_one_factor() -> None:
    account = replace(TENFOLD, sizing="cash")
    outcome = run(market([FLAT] * 2, [FLAT] * 2, [FLAT] * 2), signals("1 .", "0.5 .", "-1 ."), account)
    assert values(outcome.orders, "instrument", "wanted", "filled", "reason") == [
        (0, 100, 40, "margin"),
        (1, 50, 20, "margin"),
        (2, -100, -40, "margin"),
    ]


def test_cross_increase_pays_for_a_fill_worse_than_the_mark() -> None:
    account = replace(TENFOLD, margin_mode="cross", leverage=F(2))
    bars = market([FLAT] * 2, marks=([FLAT, (96, 100, 96, 100)],))
    outcome = run(bars, signals("1 ."), account)
    # 20 units want 20 * (50 + 4) = 1080 of 1000
    assert values(outcome.orders, "wanted", "filled", "reason") == [(20, F(1000, 54), "margin")]


def test_increase_born_breached_is_refused_and_its_cost_not_handed_out_again() -> None:
    bars = market([FLAT] * 2, [FLAT] * 2, marks=([FLAT, (80, 80, 80, 80)], [FLAT] * 2))
    outcome = run(bars, signals("1 .", "1 ."))
    assert values(outcome.orders, "instrument", "wanted", "filled", "reason") == [
        (0, 100, 0, "refused"),
        (1, 100, 50, "margin"),
    ]
    assert outcome.history["wallet"][-1] == 500


def test_reductions_fill_before_increases() -> None:
    outcome = run(market([FLAT] * 3, [FLAT] * 3), signals("0 1 .", "1 0 ."))
    assert values(outcome.fills, "bar", "instrument", "quantity") == [(1, 1, 100), (2, 1, -100), (2, 0, 100)]
    assert not outcome.orders


def test_dust_is_not_sent_unless_it_closes() -> None:
    account = replace(TENFOLD, sizing="cash", rebalance="bar")
    # 1e-9 of 1000 cash is 1e-6: at 100 per unit and 10000 for a full signal, a signal of 1e-10 is exactly that
    assert not run(market([FLAT] * 2), signals("1/10000000000 ."), account).fills
    sent = run(market([FLAT] * 4), signals("2/10000000000 3/10000000000 0 ."), account)
    assert values(sent.fills, "bar", "quantity") == [(1, F(2, 10**8)), (3, F(-2, 10**8))]
    assert not sent.orders


def test_ruined_account_reduces_and_never_increases() -> None:
    account = replace(TENFOLD, sizing="cash", leverage=F(20))
    outcome = run(market([FLAT, FLAT, (90, 90, 90, 90), FLAT]), signals("1 . -1 ."), account)
    assert outcome.equity == [1000, 1000, 0, 0]
    assert outcome.orders == [{"bar": 3, "instrument": 0, "wanted": -200, "filled": 0, "reason": "ruined"}]


def test_order_waits_for_a_missing_instrument_and_uses_the_signal_then_in_force() -> None:
    account = replace(TENFOLD, sizing="cash")
    outcome = run(market([FLAT, None, None, None, FLAT, FLAT]), signals("0.5 . 0.25 -0.25 . ."), account)
    assert outcome.orders == [{"bar": 1, "instrument": 0, "wanted": None, "filled": 0, "reason": "waiting"}]
    assert values(outcome.fills, "bar", "quantity") == [(4, -25)]


def test_wait_without_signal_or_position_has_no_row() -> None:
    assert not run(market([FLAT, FLAT, None, FLAT]), signals("0 . . ."), replace(TENFOLD, rebalance="bar")).orders


@pytest.mark.parametrize(
    ("on_liquidation", "rebalance", "bars"),
    [
        ("wait", "signal", [1, 5]),
        ("wait", "bar", [1, 5]),
        ("reenter", "signal", [1, 3, 5]),
        ("reenter", "bar", [1, 3, 5]),
        ("stop", "bar", [1]),
        ("refill", "bar", [1, 5]),
    ],
)
def test_order_after_a_liquidation(on_liquidation: str, rebalance: str, bars: list[int]) -> None:
    account = replace(TENFOLD, sizing="cash", on_liquidation=on_liquidation, rebalance=rebalance)
    crash = (100, 100, 80, 100)
    outcome = run(market([FLAT, FLAT, crash, FLAT, FLAT, FLAT]), signals("0.1 . . . 0.2 ."), account)
    assert [fill["bar"] for fill in outcome.fills if fill["reason"] == "signal"] == bars
    assert [row["bar"] for row in outcome.liquidations] == [2]


def test_a_stop_is_no_liquidation() -> None:
    account = replace(TENFOLD, sizing="cash", on_liquidation="stop", stop_loss=F(5, 100))
    outcome = run(market([FLAT, (100, 100, 80, 100), FLAT, FLAT]), signals("0.1 . 0.2 ."), account)
    assert values(outcome.fills, "bar", "reason") == [(1, "signal"), (1, "stop_loss"), (3, "signal")]


def test_change_due_at_the_open_of_an_exit_is_traded_at_it() -> None:
    account = replace(TENFOLD, sizing="cash", stop_loss=F(5, 100), reentry="bar")
    low = (94, 94, 94, 94)
    outcome = run(market([FLAT, FLAT, low, low]), signals("0.1 0.2 . ."), account)
    assert values(outcome.fills, "bar", "reason") == [(1, "signal"), (2, "stop_loss"), (2, "signal")]


def test_waiting_order_survives_a_forced_exit() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    crash = (100, 100, 60, 60)
    bars = market([FLAT, FLAT, crash, FLAT], [FLAT, FLAT, None, FLAT])
    outcome = run(bars, signals("0.5 . . .", "0.5 -0.5 . ."), account, liquidation_fee=F(0))
    assert values(outcome.liquidations, "bar", "instrument") == [(2, 0), (2, 1)]
    last = outcome.fills[-1]
    assert (last["bar"], last["instrument"], last["reason"]) == (3, 1, "signal")
    assert last["quantity"] < 0


def test_last_signal_is_not_traded_and_nothing_is_due_at_the_first_bar() -> None:
    assert not run(market([FLAT] * 2), signals("0 1")).fills
    assert not run(market([FLAT]), signals("1"), replace(TENFOLD, rebalance="bar")).fills


def test_stop_leaves_flat_until_the_signal_changes_whatever_rebalance_says() -> None:
    account = replace(TENFOLD, sizing="cash", stop_loss=F(5, 100), rebalance="bar")
    rise = (110, 110, 110, 110)
    outcome = run(market([FLAT, (100, 100, 90, 100), FLAT, FLAT, FLAT, rise]), signals("0.1 . . 0.2 . ."), account)
    assert values(outcome.fills, "bar", "reason") == [(1, "signal"), (1, "stop_loss"), (4, "signal"), (5, "signal")]


def test_exit_at_the_open_reenters_at_the_next_open() -> None:
    account = replace(TENFOLD, sizing="cash", stop_loss=F(5, 100), reentry="bar")
    low = (94, 94, 94, 94)
    outcome = run(market([FLAT, FLAT, low, low, low]), signals("0.1 . . . ."), account)
    assert values(outcome.fills, "bar", "reason") == [(1, "signal"), (2, "stop_loss"), (3, "signal")]


def test_waiting_order_is_sent_once_and_each_wait_has_a_row() -> None:
    rise = (110, 110, 110, 110)
    outcome = run(market([FLAT, None, FLAT, rise, None, rise]), signals("0.5 . . -0.5 . ."))
    assert values(outcome.orders, "bar", "reason") == [(1, "waiting"), (4, "waiting")]
    assert values(outcome.fills, "bar") == [(2,), (5,), (5,)]


def test_rebalance_within_the_slippage_is_not_sent() -> None:
    account = replace(TENFOLD, leverage=F(1), sizing="cash", rebalance="bar")
    near, far = ("100.5",) * 4, ("102.5",) * 4
    outcome = run(market([FLAT, FLAT, near, far]), signals("0.5 . . ."), account, slippage=F(1, 100))
    assert values(outcome.fills, "bar") == [(1,), (3,)]


def test_close_of_dust_is_sent() -> None:
    account = replace(TENFOLD, sizing="cash", margin_mode="cross")
    low = (40, 40, 40, 40)
    outcome = run(market([FLAT, FLAT, low]), signals("2/10000000000 0 ."), account)
    assert values(outcome.fills, "bar", "quantity") == [(1, F(2, 10**8)), (2, F(-2, 10**8))]


def test_margin_at_or_below_the_dust_limit_is_none() -> None:
    account = replace(TENFOLD, sizing="cash")
    # all but 1e-6, the dust limit, is used; it would pay for ten times as much
    outcome = run(market([FLAT] * 3, [FLAT] * 3), signals("0.999999999 . .", "0 1 ."), account)
    assert values(outcome.orders, "instrument", "wanted", "filled", "reason") == [(1, 100, 0, "margin")]


def test_increase_cut_to_dust_is_not_sent() -> None:
    account = replace(TENFOLD, leverage=F(1), sizing="cash")
    # 1.5e-6 of margin for two: each would have less than the dust limit of 1e-6
    outcome = run(market([FLAT] * 3, [FLAT] * 3, [FLAT] * 3), signals("0.9999999985 . .", "0 1 .", "0 1 ."), account)
    assert values(outcome.orders, "wanted", "filled", "reason") == [(10, 0, "margin"), (10, 0, "margin")]
    assert len(outcome.fills) == 1


@pytest.mark.parametrize(("price", "reason"), [("99.999999", "fees"), ("99.9999989", "margin")])
def test_shortage_up_to_costs_and_dust_is_of_fees(price: str, reason: str) -> None:
    account = replace(TENFOLD, leverage=F(1), sizing="cash")
    low = (price,) * 4
    outcome = run(market([FLAT, FLAT, low, FLAT]), signals("0.1 0 1 ."), account)
    assert [row["reason"] for row in outcome.orders] == [reason]


def test_slippage_of_a_flip_counts_as_fees() -> None:
    account = replace(TENFOLD, leverage=F(1))
    outcome = run(market([FLAT] * 3), signals("1 -1 ."), account, slippage=F(1, 100))
    # 1000 / 101 units are sold at 99, the base was their worth at 100
    assert values(outcome.orders, "filled", "reason") == [(-F(2000, 101), "fees")]


def test_order_cut_by_tier_and_fees_says_tier() -> None:
    tiers = [Tier(F(0), F(1, 100), F(20)), Tier(F(9900), F(2, 100), F(5))]
    outcome = run(market([FLAT] * 2), signals("1 ."), tiers=tiers, taker_fee=F(1, 100))
    assert values(outcome.orders, "wanted", "filled", "reason") == [(100, F(1000, 11), "tier")]


def test_cross_fill_better_than_the_mark_earns_no_margin() -> None:
    account = replace(TENFOLD, margin_mode="cross", leverage=F(2))
    bars = market([FLAT] * 2, marks=([FLAT, (104, 104, 100, 104)],))
    outcome = run(bars, signals("1 ."), account, taker_fee=F(1, 100))
    assert values(outcome.orders, "wanted", "filled", "reason") == [(20, F(1000, 51), "fees")]


def test_cross_positions_held_take_margin_at_the_mark() -> None:
    account = replace(TENFOLD, margin_mode="cross", sizing="cash")
    outcome = run(market([FLAT] * 3, [FLAT] * 3), signals("0.75 . .", "0 1 ."), account)
    assert values(outcome.orders, "wanted", "filled", "reason") == [(100, 25, "margin")]


def test_refusal_is_at_or_below_zero() -> None:
    tiers = [Tier(F(0), F(1, 19), F(10))]
    for mark, reasons in ((95, ["refused"]), ("95.0000001", [])):
        outcome = run(market([FLAT] * 2, marks=([FLAT, (mark, 100, mark, 100)],)), signals("0.5 ."), tiers=tiers)
        assert [row["reason"] for row in outcome.orders] == reasons


@pytest.mark.parametrize(("price", "reasons"), [("84", ["ruined"]), ("84.000001", [])])
def test_ruin_is_a_millionth_of_cash_and_stays(price: str, reasons: list) -> None:
    account = replace(TENFOLD, cash=F(1_000_000), margin_mode="cross", sizing="cash")
    bars = market([FLAT, FLAT, (price, 100, price, 100), FLAT])
    # 62 499.9375 units lose 999 999 at 84 and leave 1 of 1 000 000; back at 100 all is there again
    outcome = run(bars, signals("0.624999375 . 1 ."), account, [Tier(F(0), F(0), F(10))])
    assert [row["reason"] for row in outcome.orders] == reasons
    assert outcome.equity[-1] == 1_000_000
