"""Stops and take-profits, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values


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


def test_stop_and_take_profit_are_hit_where_the_price_just_meets_them() -> None:
    account = replace(TENFOLD, leverage=F(1), stop_loss=F(5, 100), take_profit=F(5, 100))
    for bar in ((100, 100, 95, 100), (95, 95, 95, 95)):
        outcome = run(market([FLAT, FLAT, bar]), signals("0.5 . ."), account)
        assert values(outcome.fills[1:], "price", "reason") == [(95, "stop_loss")]
    assert len(run(market([FLAT, FLAT, (100, 100, "95.0001", 100)]), signals("0.5 . ."), account).fills) == 1
    for bar in ((100, 105, 100, 100), (105, 105, 105, 105)):
        outcome = run(market([FLAT, FLAT, bar]), signals("0.5 . ."), account)
        assert values(outcome.fills[1:], "price", "reason") == [(105, "take_profit")]


@pytest.mark.parametrize(("intrabar", "reason"), [("worst", "liquidation"), ("best", "take_profit")])
def test_worst_of_a_short_is_the_high(intrabar: str, reason: str) -> None:
    account = replace(TENFOLD, intrabar=intrabar, take_profit=F(5, 100))
    assert run(market([FLAT, (100, 115, 90, 99)]), signals("-1 ."), account).fills[1]["reason"] == reason


def test_lowest_equity_is_seen_right_after_an_event() -> None:
    account = replace(TENFOLD, intrabar="best", take_profit=F(5, 100))
    bars = market([FLAT, (100, 125, 100, 100)], [FLAT, (100, 105, 100, 100)])
    outcome = run(bars, signals("0.5 .", "0.5 ."), account)
    # the first takes 50 * 5 at a fifth of the leg, where the second is up 50 * 1; at the end both have 250
    assert (outcome.equity_low[-1], outcome.equity[-1]) == (1300, 1500)


def test_stop_beyond_the_margin_is_bad_debt_before_the_orders_of_the_bar() -> None:
    account = replace(TENFOLD, stop_loss=F(5, 100))
    low = (80, 80, 80, 80)
    bars = market([FLAT, FLAT, low], [FLAT] * 3, marks=([FLAT] * 3, [FLAT] * 3))
    outcome = run(bars, signals("0.5 . .", "0.5 0.25 ."), account)
    # the stop loses 1000 of its margin of 500 at an empty wallet; base = 500: 12.5 of 50 units stay, 375 come back
    assert outcome.history["bad_debt"][-1] == 500
    assert outcome.fills[-1]["quantity"] == -F("37.5")
    assert outcome.history["wallet"][-1] == 375
