"""The slow engine against arithmetic written out by hand, and its ledger on random markets."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from reference import Account, Market, Outcome, Tier, Venue, replay

F = Fraction
HOUR = 3600 * 10**9
FLAT = (100, 100, 100, 100)
SIMPLE = [Tier(F(0), F(4, 1000), F(125))]
TENFOLD = Account(cash=F(1000), leverage=F(10))


def market(
    *instruments: list, marks: tuple = (), funding: tuple = (), times: list[int] | None = None, scale: F | int = 1
) -> Market:
    """Return a market from a list of (open, high, low, close) or None for each instrument, likewise its marks."""

    def table(which: int, lists: tuple) -> list:
        bars = [[bars[t] for bars in lists] for t in range(len(lists[0]))]
        return [[None if bar is None else F(str(bar[which])) * scale for bar in row] for row in bars]

    length = len(instruments[0])
    return Market(
        times or [t * HOUR for t in range(length)],
        *(table(k, instruments) for k in range(4)),
        *(table(k, marks) if marks else None for k in range(4)),
        funding_rate=[[F(str(rates[t])) for rates in funding] for t in range(length)] if funding else None,
    )


def signals(*columns: str) -> list[list[F | None]]:
    """Return signals from one text per instrument, a word per bar, "." where nothing new is said."""
    words = [column.split() for column in columns]
    return [[None if word == "." else F(word) for word in row] for row in zip(*words, strict=True)]


def run(bars: Market, wanted: list, account: Account = TENFOLD, tiers: list | None = None, **rules: object) -> Outcome:
    """Return the replay with the same tiers for every instrument."""
    return replay(bars, wanted, account, Venue([tiers or SIMPLE] * len(wanted[0]), **rules))


def values(rows: list[dict], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


# Trigger and price.


def test_long_is_liquidated_at_the_low_not_the_close() -> None:
    outcome = run(market([FLAT, (100, 100, 85, 98)]), signals("1 ."))
    # 1000 cash at 10x buys 100 units: 1000 + 100 (P - 100) = 0.004 * 100 P  =>  99.6 P = 9000
    price = F(9000) / F("99.6")
    remaining = 1000 + 100 * (price - 100)
    assert remaining == F("0.4") * price
    (row,) = outcome.liquidations
    assert row == {
        "bar": 1,
        "instrument": 0,
        "quantity": 100,
        "mark_price": price,
        "fill_price": price,
        "bankruptcy_price": 90,
        "margin_lost": 1000 - remaining,
        "penalty": 0,
        "forfeited": 0,
        "bad_debt": 0,
        "gap": False,
        "joint": False,
        "partial": False,
    }
    assert outcome.equity == [1000, remaining]
    assert outcome.equity_low == [1000, remaining]
    assert values(outcome.fills, "bar", "quantity", "price", "fee", "reason") == [
        (1, 100, 100, 0, "signal"),
        (1, -100, price, 0, "liquidation"),
    ]


def test_short_is_liquidated_at_the_high() -> None:
    outcome = run(market([FLAT, (100, 120, 99, 101)]), signals("-1 ."))
    # 1000 - 100 (P - 100) = 0.4 P  =>  100.4 P = 11000
    assert values(outcome.liquidations, "quantity", "fill_price", "bankruptcy_price") == [
        (-100, F(11000) / F("100.4"), 110)
    ]


def test_gap_is_the_traders_loss_up_to_the_margin() -> None:
    account = replace(TENFOLD, leverage=F(20))
    outcome = run(market([FLAT, FLAT, (90, 91, 89, 90)]), signals("0.5 . ."), account)
    # half of 1000 at 20x: 100 units, margin 500; at 90 the position has lost 1000, 500 beyond its margin
    assert values(outcome.liquidations, "bar", "fill_price", "margin_lost", "bad_debt", "gap") == [
        (2, 90, 500, 500, True)
    ]
    assert outcome.equity == [1000, 1000, 500]
    assert outcome.history["realised"][-1] == -1000


def test_breach_is_at_or_below_zero() -> None:
    tiers = [Tier(F(0), F(1, 19), F(10))]
    # half of 1000 at 10x: 500 + 50 (P - 100) = 50 P / 19  =>  P = 95
    for low, count in ((95, 1), ("95.0000000001", 0)):
        outcome = run(market([FLAT, (100, 100, low, 100)]), signals("0.5 ."), tiers=tiers)
        assert len(outcome.liquidations) == count
        assert (outcome.closest == 0) == (count == 1)
        assert outcome.closest < 1e-8


def test_mark_triggers_and_trade_fills() -> None:
    calm, wick = (100, 100, 98, 100), (100, 100, 80, 100)
    assert not run(market([FLAT, wick], marks=([FLAT, calm],)), signals("1 .")).liquidations
    outcome = run(market([FLAT, calm], marks=([FLAT, wick],)), signals("1 ."))
    # the mark falls 20 while the trade price falls 2, in step
    mark = F(9000) / F("99.6")
    fill = 100 - (100 - mark) / 10
    assert values(outcome.liquidations, "mark_price", "fill_price") == [(mark, fill)]
    assert outcome.equity[-1] == 1000 + 100 * (fill - 100)


def test_missing_marks_in_one_bar_are_the_trade_prices() -> None:
    bars = market([FLAT, (100, 100, 80, 100)], marks=([FLAT, None],))
    assert len(run(bars, signals("1 .")).liquidations) == 1


def test_one_times_short_dies_and_one_times_long_lives() -> None:
    account = replace(TENFOLD, leverage=F(1))
    assert run(market([FLAT, (100, 211, 100, 150)]), signals("-1 ."), account).liquidations
    assert not run(market([FLAT, (100, 100, 10, 50)]), signals("1 ."), account).liquidations


def test_root_lies_in_the_tier_that_the_notional_has_grown_into() -> None:
    tiers = [Tier(F(0), F(1, 100), F(10)), Tier(F(1000), F(5, 100), F(10))]
    account = replace(TENFOLD, cash=F(180), leverage=F(5))
    outcome = run(market([(90, 90, 90, 90), (90, 110, 90, 90)]), signals("-1 ."), account, tiers)
    # 10 short at 90, margin 180: 1080 - 10 P = 0.05 * 10 P - 40  =>  10.5 P = 1120, a notional of 1066.67
    assert outcome.liquidations[0]["mark_price"] == F(1120) / F("10.5")


def test_maintenance_is_continuous_where_tiers_meet() -> None:
    venue = Venue([[Tier(F(0), F(4, 1000), F(50)), Tier(F(50_000), F(5, 1000), F(20))]], fee_in_maintenance=F(1, 1000))
    assert venue.maintenance(0, F(50_000)) == 50_000 * F(5, 1000) == 50_000 * F(6, 1000) - 50
    assert venue.maintenance(0, F(60_000)) == 60_000 * F(6, 1000) - 50


def test_fee_in_maintenance_raises_the_liquidation_price() -> None:
    outcome = run(market([FLAT, (100, 100, 85, 98)]), signals("1 ."), fee_in_maintenance=F(1, 1000))
    assert outcome.liquidations[0]["mark_price"] == F(9000) / F("99.5")


# Cross margin.


def test_cross_fails_at_the_joint_price() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    falling = [FLAT, (100, 100, 80, 90)]
    outcome = run(market(falling, falling), signals("0.5 .", "0.5 ."), account, liquidation_fee=F(1, 1000))
    # 50 units of each: 1000 + 100 (P - 100) = 0.4 P, and each alone would go bankrupt at P - balance / 50
    price = F(9000) / F("99.6")
    balance = F("0.4") * price
    row = {
        "bar": 1,
        "quantity": 50,
        "mark_price": price,
        "fill_price": price,
        "bankruptcy_price": price - balance / 50,
        "margin_lost": None,
        "penalty": 50 * price / 1000,
        "forfeited": 0,
        "bad_debt": 0,
        "gap": False,
        "joint": True,
        "partial": False,
    }
    assert outcome.liquidations == [row | {"instrument": 0}, row | {"instrument": 1}]
    assert outcome.equity[-1] == balance - 100 * price / 1000


def test_cross_counts_the_maintenance_of_other_positions() -> None:
    account = Account(cash=F(5), leverage=F(220), margin_mode="cross")
    tiers = [Tier(F(0), F(4, 1000), F(225))]
    bars = market([FLAT, (100, 100, 99, 100)], [FLAT, FLAT])
    outcome = run(bars, signals("1/11 .", "10/11 ."), account, tiers)
    # 1 unit of one and 10 of the other: 5 + (P - 100) = 0.004 P + 4  =>  0.996 P = 99
    assert values(outcome.liquidations, "instrument", "mark_price") == [(0, F(99) / F("0.996")), (1, 100)]


def test_isolated_loser_dies_and_winner_lives() -> None:
    bars = market([FLAT, (100, 100, 80, 80)], [FLAT, (100, 130, 100, 130)])
    outcome = run(bars, signals("0.5 .", "0.5 ."))
    assert values(outcome.liquidations, "instrument", "joint") == [(0, False)]
    price = F(9000) / F("99.6")
    assert outcome.equity[-1] == F("0.4") * price / 2 + 500 + 50 * 30


def test_cross_survives_what_isolated_does_not() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, (100, 100, 85, 100)])
    assert run(bars, signals("0.5 .")).liquidations
    assert not run(bars, signals("0.5 ."), account).liquidations


def test_cross_bad_debt_is_shared_by_notional_and_penalties_are_not_paid() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], [FLAT, FLAT, FLAT])
    outcome = run(bars, signals("0.75 . .", "0.25 . ."), account, liquidation_fee=F(1, 100))
    # 75 and 25 units; the first loses 75 * 20 = 1500 of 1000: debt 500 over notionals of 6000 and 2500
    assert values(outcome.liquidations, "instrument", "bad_debt", "penalty", "gap", "joint") == [
        (0, 500 * F(6000, 8500), 0, True, False),
        (1, 500 * F(2500, 8500), 0, True, False),
    ]
    assert outcome.equity[-1] == 0
    assert outcome.history["bad_debt"][-1] == 500


def test_cross_penalties_are_paid_as_far_as_there_is_money() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, FLAT, (88, 88, 88, 88)], [FLAT, FLAT, FLAT])
    outcome = run(
        bars, signals("0.75 . .", "0.25 . ."), account, liquidation_fee=F(1, 10), fee_in_maintenance=F(9, 100)
    )
    # 1000 - 75 * 12 = 100 left; asked 660 and 250
    assert values(outcome.liquidations, "penalty", "bad_debt") == [(F(6600, 91), 0), (F(2500, 91), 0)]
    assert outcome.equity[-1] == 0


def test_missing_instrument_falls_with_the_cross_account_at_its_last_mark() -> None:
    account = replace(TENFOLD, margin_mode="cross")
    bars = market([FLAT, FLAT, (100, 100, 70, 70)], [FLAT, (100, 100, 98, 99), None])
    outcome = run(bars, signals("0.5 . .", "0.5 . ."), account, liquidation_slippage=F(1, 100))
    # 1000 - 50 at the last mark of the second; 950 + 50 (P - 100) = 0.004 * 50 (P + 99)  =>  49.8 P = 4069.8
    price = F("4069.8") / F("49.8")
    assert values(outcome.liquidations, "mark_price", "fill_price", "joint") == [
        (price, price * F(99, 100), True),
        (99, 99 * F(99, 100), True),
    ]


# Stops and take-profits.


@pytest.mark.parametrize(
    ("stop_loss", "bar", "reason", "price"),
    [
        ("0.05", (99, 100, 88, 98), "stop_loss", F(95)),
        ("0.5", (99, 100, 88, 98), "liquidation", F(9000) / F("99.6")),
        ("0.05", (93, 94, 92, 93), "stop_loss", F(93)),
        ("0.05", (89, 90, 89, 89), "liquidation", F(89)),
    ],
)
def test_nearer_stop_saves_the_trader(stop_loss: str, bar: tuple, reason: str, price: F) -> None:
    account = replace(TENFOLD, stop_loss=F(stop_loss))
    outcome = run(market([FLAT, FLAT, bar]), signals("1 . ."), account)
    assert values(outcome.fills[1:], "bar", "price", "reason") == [(2, price, reason)]


def test_stop_slips_and_pays_and_take_profit_only_pays() -> None:
    account = replace(TENFOLD, leverage=F(1), stop_loss=F(1, 10), take_profit=F(1, 10))
    rules = {"slippage": F(1, 100), "taker_fee": F(1, 1000)}
    entry = F(101)
    up = run(market([FLAT, (100, 120, 100, 120)]), signals("0.5 ."), account, **rules)
    take = up.fills[1]
    assert (take["price"], take["reason"]) == (entry * F(11, 10), "take_profit")
    assert take["fee"] == take["price"] * -take["quantity"] / 1000
    down = run(market([FLAT, (100, 100, 80, 80)]), signals("0.5 ."), account, **rules)
    assert down.fills[1]["price"] == entry * F(9, 10) * F(99, 100)


@pytest.mark.parametrize(
    ("intrabar", "close", "reason"),
    [
        ("worst", 101, "liquidation"),
        ("best", 101, "take_profit"),
        ("path", 101, "liquidation"),
        ("path", 100, "liquidation"),
        ("path", 99, "take_profit"),
    ],
)
def test_intrabar_decides_which_extreme_comes_first(intrabar: str, close: int, reason: str) -> None:
    account = replace(TENFOLD, intrabar=intrabar, take_profit=F(5, 100))
    outcome = run(market([FLAT, (100, 110, 85, close)]), signals("1 ."), account)
    assert outcome.fills[1]["reason"] == reason


def test_fresh_stop_that_slippage_has_passed_is_hit_at_once_where_the_walk_stands() -> None:
    account = replace(TENFOLD, leverage=F(1), stop_loss=F(1, 100))
    outcome = run(market([FLAT, (100, 105, 99, 105)]), signals("0.5 ."), account, slippage=F(5, 100))
    # bought at 105, stop at 103.95, the price stands at 100
    assert values(outcome.fills, "price", "reason") == [(105, "signal"), (95, "stop_loss")]


def test_cross_is_checked_again_where_a_stop_has_cost_it_its_margin() -> None:
    account = replace(TENFOLD, margin_mode="cross", stop_loss=F(5, 100))
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], [FLAT] * 3, marks=([FLAT] * 3, [FLAT] * 3))
    outcome = run(bars, signals("0.5 . .", "0.5 . ."), account)
    # the trade price alone falls: the stop loses 50 * 20, all there is, and the other position stands on nothing
    assert values(outcome.fills[2:], "instrument", "price", "reason") == [(0, 80, "stop_loss"), (1, 100, "liquidation")]
    assert values(outcome.liquidations, "gap", "joint", "bad_debt") == [(True, False, 0)]


# Orders.


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
    ("reentry", "rebalance", "bars"),
    [
        ("signal", "signal", [1, 5]),
        ("signal", "bar", [1, 5]),
        ("bar", "signal", [1, 3, 5]),
        ("bar", "bar", [1, 3, 5]),
        ("never", "bar", [1]),
    ],
)
def test_reentry_after_a_liquidation(reentry: str, rebalance: str, bars: list[int]) -> None:
    account = replace(TENFOLD, sizing="cash", reentry=reentry, rebalance=rebalance)
    crash = (100, 100, 80, 100)
    outcome = run(market([FLAT, FLAT, crash, FLAT, FLAT, FLAT]), signals("0.1 . . . 0.2 ."), account)
    assert [fill["bar"] for fill in outcome.fills if fill["reason"] == "signal"] == bars
    assert [row["bar"] for row in outcome.liquidations] == [2]


def test_never_means_liquidations_only() -> None:
    account = replace(TENFOLD, sizing="cash", reentry="never", stop_loss=F(5, 100))
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


# Funding and interest.


@pytest.mark.parametrize(("signal", "paid"), [("0.5", F(51, 10)), ("-0.5", F(-51, 10))])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_longs_pay_funding_on_the_mark_and_shorts_receive_it(signal: str, paid: F, margin_mode: str) -> None:
    account = replace(TENFOLD, margin_mode=margin_mode)
    bars = market([FLAT] * 4, marks=([FLAT, FLAT, (102, 102, 100, 100), FLAT],), funding=([9, 9, "0.001", 0],))
    outcome = run(bars, signals(f"{signal} . . ."), account)
    assert outcome.history["funding"] == [0, 0, paid, paid]
    assert outcome.equity[-1] == 1000 - paid
    assert outcome.history["wallet"][-1] == (500 if margin_mode == "isolated" else 1000 - paid)


def test_funding_alone_can_liquidate() -> None:
    outcome = run(market([FLAT] * 5, funding=([0, 0, "0.05", "0.05", 0],)), signals("1 . . . ."))
    # margin 1000 on 10000: 500 is paid, then the next 500 leave nothing
    assert values(outcome.liquidations, "bar", "margin_lost", "gap") == [(3, 0, True)]
    assert outcome.history["funding"][-1] == 1000


def test_interest_on_quote_debt_and_on_shorts() -> None:
    times = [0, HOUR, 3 * HOUR]
    account = replace(TENFOLD, leverage=F(2))
    rate, share = F(1, 10), F(2, 365 * 24)
    bars = market([FLAT, FLAT, (110, 110, 110, 110)], times=times)
    long = run(bars, signals("1 . ."), account, borrow_rate=rate)
    assert long.history["interest"] == [0, 0, (2000 - 1000) * rate * share]
    short = run(bars, signals("-1/2 . ."), account, borrow_rate=rate)
    assert short.history["interest"][-1] == 10 * 110 * rate * share


def test_cross_pays_quote_interest_on_every_bar_and_the_rest_at_own_bars() -> None:
    account = replace(TENFOLD, leverage=F(2), margin_mode="cross", sizing="cash")
    bars = market([FLAT, FLAT, None, FLAT], [FLAT, FLAT, None, FLAT])
    outcome = run(bars, signals("3/4 . . .", "-1/8 . . ."), account, borrow_rate=F(1))
    # debt 1500 - 250 - 1000 = 250 for one hour, then on a smaller wallet for another, and 250 of base for two hours
    hour = F(1, 365 * 24)
    first = 250 * hour
    assert outcome.history["interest"] == [0, 0, first, first + (250 + first) * hour + 250 * 2 * hour]


# Liquidation money.


@pytest.mark.parametrize(("residual", "wallet"), [("return", 18), ("forfeit", 0)])
def test_penalty_and_what_is_left(residual: str, wallet: int) -> None:
    tiers = [Tier(F(0), F(1, 19), F(10))]
    rules = {"liquidation_fee": F(1, 50), "liquidation_slippage": F(1, 50), "residual": residual}
    outcome = run(market([FLAT, (100, 100, 94, 100)]), signals("1 ."), tiers=tiers, **rules)
    # breached at 95, filled at 93.1: 1000 - 690 = 310 left, penalty 0.02 * 9310 = 186.2
    left = 310 - F("186.2")
    forfeited = left if residual == "forfeit" else 0
    assert values(outcome.liquidations, "fill_price", "penalty", "forfeited", "margin_lost") == [
        (F("93.1"), F("186.2"), forfeited, 1000 - left + forfeited)
    ]
    assert outcome.equity[-1] == (0 if wallet == 0 else left)


def test_penalty_takes_no_more_than_remains() -> None:
    outcome = run(market([FLAT, (100, 100, 85, 98)]), signals("1 ."), liquidation_fee=F(1, 100))
    assert outcome.liquidations[0]["penalty"] == F("0.4") * F(9000) / F("99.6")
    assert outcome.equity[-1] == 0


def test_close_that_costs_more_than_everything_is_bad_debt() -> None:
    # the mark stands still while the trade price falls by half: the close loses 5000 of 1000
    bars = market([FLAT, FLAT, (50, 50, 50, 50)], marks=([FLAT] * 3,))
    outcome = run(bars, signals("1 0 ."))
    assert outcome.history["bad_debt"] == [0, 0, 4000]
    assert outcome.equity == [1000, 1000, 0]


# History.


def test_history_of_an_isolated_position() -> None:
    outcome = run(market([FLAT, (100, 104, 96, 102)]), signals("0.5 ."))
    last = {name: column[-1] for name, column in outcome.history.items()}
    assert last == {
        "equity": 1100,
        "equity_low": 800,
        "wallet": 500,
        "margin": 500,
        "initial_margin": 510,
        "maintenance_margin": F("20.4"),
        "margin_ratio": F("20.4") / 600,
        "notional": 5100,
        "effective_leverage": F(5100, 1100),
        "realised": 0,
        "fees": 0,
        "funding": 0,
        "interest": 0,
        "penalties": 0,
        "forfeited": 0,
        "bad_debt": 0,
    }


def test_closest_names_the_nearest_decision() -> None:
    account = replace(TENFOLD, leverage=F(1), stop_loss=F(5, 100))
    outcome = run(market([FLAT, (100, 100, "95.001", 100)]), signals("0.5 ."), account)
    assert math.isclose(outcome.closest, 0.001 / 95.001)


def test_scaled_prices_give_the_same_money() -> None:
    bars = [FLAT, (100, 104, 93, 98), (98, 120, 97, 110), (105, 106, 70, 80)]
    wanted, account = signals("1 -0.5 0.75 ."), replace(TENFOLD, stop_loss=F(6, 100))
    rules = {"taker_fee": F(1, 1000), "slippage": F(1, 500)}
    plain, tiny = (run(market(bars, scale=scale), wanted, account, **rules) for scale in (F(1), F(1, 10**8)))
    assert plain.equity == tiny.equity
    assert [row["quantity"] * 10**8 for row in plain.fills] == [row["quantity"] for row in tiny.fills]


# The ledger.


def drawn_bars(draw: random.Random, length: int, step: int) -> tuple[list, list]:
    """Return a random instrument's trade and mark bars in sixteenths, some missing."""
    price, trades, marks = F(draw.randint(800, 2400), 16), [], []
    for _ in range(length):
        if draw.random() < 0.1:
            trades.append(None)
            marks.append(None)
            continue
        points = [max(F(1), price + F(draw.randint(-step, step), 16)) for _ in range(4)]
        trade = (points[0], max(points), min(points), points[3])
        apart = F(draw.randint(-step, step), 64)
        mark = (trade[0] + apart, trade[1] + apart + F(1, 4), trade[2] + apart - F(1, 8), trade[3] + apart)
        trades.append(trade)
        marks.append(mark if min(mark) > 0 and draw.random() < 0.7 else None)
        price = points[3]
    return trades, marks


def drawn_case(seed: int) -> tuple[Market, list, Account, Venue]:
    draw = random.Random(seed)  # noqa: S311 - draws, no secrets
    count, length = draw.randint(1, 3), draw.randint(3, 12)
    pairs = [drawn_bars(draw, length, draw.choice([4, 32, 200, 800])) for _ in range(count)]
    trades, marks = zip(*pairs, strict=True)
    times = [0]
    for _ in range(length - 1):
        times.append(times[-1] + draw.choice([1, 8, 24]) * HOUR)
    funding = tuple([F(draw.choice([0, 0, -8, 2, 8]), 1024) for _ in range(length)] for _ in range(count))
    words = ["1", "-1", "3/4", "-1/2", "1/4", "0", ".", ".", "."]
    wanted = signals(*(" ".join(draw.choice(words) for _ in range(length)) for _ in range(count)))
    account = Account(
        cash=F(1000),
        leverage=F(draw.choice([1, 2, 3, 10, 20])),
        margin_mode=draw.choice(["isolated", "cross"]),
        sizing=draw.choice(["equity", "cash"]),
        rebalance=draw.choice(["signal", "bar"]),
        reentry=draw.choice(["signal", "bar", "never"]),
        intrabar=draw.choice(["worst", "path", "best"]),
        stop_loss=draw.choice([None, None, F(1, 32), F(1, 8)]),
        take_profit=draw.choice([None, None, F(1, 16)]),
    )
    steps = [Tier(F(0), F(1, 128), F(20)), Tier(F(2000), F(1, 64), F(20)), Tier(F(6000), F(1, 32), F(8))]
    venue = Venue(
        [steps[: draw.randint(1, 3)] for _ in range(count)],
        taker_fee=F(draw.choice([0, 1, 4]), 1024),
        slippage=F(draw.choice([0, 1, 40]), 1024),
        liquidation_fee=F(draw.choice([0, 13]), 1024),
        liquidation_slippage=F(draw.choice([0, 16]), 1024),
        residual=draw.choice(["return", "forfeit"]),
        borrow_rate=F(draw.choice([0, 1]), 4),
        fee_in_maintenance=F(draw.choice([0, 1]), 1024),
    )
    return market(*trades, marks=marks, funding=funding, times=times), wanted, account, venue


def check_ledger(bars: Market, cash: F, outcome: Outcome) -> None:
    """Balance every bar twice: by the totals, and by the cash that the fills moved."""
    history, count = outcome.history, len(bars.open[0])
    quantities, last, spent, fees = [F(0)] * count, [F(0)] * count, F(0), F(0)
    for t in range(len(bars.time)):
        for fill in outcome.fills:
            if fill["bar"] == t:
                quantities[fill["instrument"]] += fill["quantity"]
                spent += fill["quantity"] * fill["price"]
                fees += fill["fee"]
        for i in range(count):
            if bars.close[t][i] is not None:
                mark = bars.mark_close[t][i]
                last[i] = bars.close[t][i] if mark is None else mark
        now = {name: column[t] for name, column in history.items()}
        paid = sum(now[name] for name in ("fees", "funding", "interest", "penalties", "forfeited")) - now["bad_debt"]
        unrealised = now["equity"] - now["wallet"] - now["margin"]
        worth = sum(quantity * price for quantity, price in zip(quantities, last, strict=True))
        assert now["equity"] - cash == now["realised"] + unrealised - paid
        assert now["equity"] == cash - spent + worth - paid
        assert now["fees"] == fees
        assert now["notional"] == sum(abs(q) * price for q, price in zip(quantities, last, strict=True))
        assert now["equity_low"] <= now["equity"]
        assert now["effective_leverage"] >= 0
    for column, name in (("penalty", "penalties"), ("forfeited", "forfeited")):
        assert sum(row[column] for row in outcome.liquidations) == history[name][-1]
    assert sum(row["bad_debt"] for row in outcome.liquidations) <= history["bad_debt"][-1]


def check_sense(account: Account, venue: Venue, outcome: Outcome) -> None:
    """Check what holds whatever happens: no breached close, exact roots, no order filled past its wish."""
    history = outcome.history
    for t, (equity, ratio) in enumerate(zip(outcome.equity, history["margin_ratio"], strict=True)):
        assert equity >= 0
        assert ratio < 1
        if account.margin_mode == "isolated":
            assert history["wallet"][t] >= 0
        else:
            assert history["margin"][t] == 0
    for row in outcome.liquidations:
        if account.margin_mode == "isolated":
            assert row["margin_lost"] is not None
            assert not row["joint"]
            assert min(row["penalty"], row["bad_debt"]) == 0
            balance = row["quantity"] * (row["mark_price"] - row["bankruptcy_price"])
            surplus = balance - venue.maintenance(row["instrument"], abs(row["quantity"]) * row["mark_price"])
            assert surplus <= 0 if row["gap"] else abs(surplus) < F(1, 10**200)
    for row in outcome.orders:
        if row["reason"] not in ("waiting", "tier"):
            assert abs(row["filled"]) < abs(row["wanted"])


def test_ledger_balances_exactly_on_every_bar_under_all_settings() -> None:
    seen: Counter[str] = Counter()
    for seed in range(800):
        bars, wanted, account, venue = drawn_case(seed)
        outcome = replay(bars, wanted, account, venue)
        check_ledger(bars, account.cash, outcome)
        check_sense(account, venue, outcome)
        seen.update(row["reason"] for row in outcome.fills + outcome.orders)
        seen.update("joint" for row in outcome.liquidations if row["joint"])
        seen.update("gap" for row in outcome.liquidations if row["gap"])
        seen.update("bad debt" for row in outcome.liquidations if row["bad_debt"])
    reasons = {"signal", "stop_loss", "take_profit", "liquidation", "tier", "fees", "margin", "refused", "waiting"}
    for name in reasons | {"ruined", "joint", "gap", "bad debt"}:
        assert seen[name] >= 20, f"the draws hardly ever saw {name}: {seen}"


def test_two_runs_are_the_same() -> None:
    for seed in range(20):
        assert replay(*drawn_case(seed)) == replay(*drawn_case(seed))
