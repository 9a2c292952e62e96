"""Inverse contracts, contract sizes, lots and minimum orders, by hand.

An inverse account of 1 coin buys 1000 quote units at 100 on tenfold leverage: 10 coins' worth, with a margin of 1.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Account, Outcome, Tier

FIVE = [Tier(F(0), F(5, 100), F(10))]
COIN = Account(cash=F(1), leverage=F(10), currency="base")
FREE = [Tier(F(0), F(0), F(10))]
INVERSE = {"tiers": FIVE, "contract": "inverse"}


def fills(outcome: Outcome) -> list[tuple]:
    return values(outcome.fills, "bar", "quantity", "price", "reason")


# Inverse.


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_inverse_profit_is_paid_in_coin(margin_mode: str) -> None:
    bars = market([FLAT, FLAT, (104, 104, 100, 100), (100, 100, 98, 99)])
    account = replace(COIN, margin_mode=margin_mode)
    outcome = run(bars, signals("1 . . ."), account, **INVERSE)
    # 1000 (1/100 - 1/P)
    assert outcome.equity == [1, 1, 1, 1 + 1000 * (F(1, 100) - F(1, 99))]
    assert outcome.equity_low[2] == 1
    assert outcome.equity_low[3] == 1 + 1000 * (F(1, 100) - F(1, 98))
    assert outcome.history["notional"][1:] == [10, 10, F(1000, 99)]
    assert outcome.history["maintenance_margin"][-1] == F(50, 99)
    short = run(bars, signals("-1/4 . . ."), account, **INVERSE)
    assert short.equity[-1] == 1 - 250 * (F(1, 100) - F(1, 99))
    assert short.equity_low[2] == 1 - 250 * (F(1, 100) - F(1, 104))


@pytest.mark.parametrize(
    ("signal", "bar", "price", "left"),
    [
        # 1 + 1000 (1/100 - 1/P) = 50 / P, and as much is left
        ("1", (100, 100, 90, 100), F(1050, 11), F(50 * 11, 1050)),
        # 1 - 1000 (1/100 - 1/P) = 50 / P
        ("-1", (100, 110, 100, 100), F(950, 9), F(50 * 9, 950)),
    ],
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_inverse_liquidation(signal: str, bar: tuple, price: F, left: F, margin_mode: str) -> None:
    outcome = run(market([FLAT, bar]), signals(f"{signal} ."), replace(COIN, margin_mode=margin_mode), **INVERSE)
    bankrupt = F(1000, 11) if signal == "1" else F(1000, 9)
    names = ("quantity", "mark_price", "fill_price", "bankruptcy_price")
    assert values(outcome.liquidations, *names) == [(1000 * F(signal), price, price, bankrupt)]
    assert outcome.equity == [1, left]


def test_inverse_liquidation_slips_and_pays_in_coin() -> None:
    bars = market([FLAT, (100, 100, 90, 100)])
    rules = {"liquidation_slippage": F(1, 100), "liquidation_fee": F(1, 200)}
    outcome = run(bars, signals("1 ."), COIN, **INVERSE, **rules)
    fill = F(1050, 11) * F(99, 100)
    assert values(outcome.liquidations, "fill_price", "penalty") == [(fill, 5 / fill)]
    assert outcome.equity[-1] == 11 - 1000 / fill - 5 / fill
    short = run(market([FLAT, (100, 110, 100, 100)]), signals("-1 ."), COIN, **INVERSE, **rules)
    fill = F(950, 9) * F(101, 100)
    assert values(short.liquidations, "fill_price", "penalty") == [(fill, 5 / fill)]


@pytest.mark.parametrize(
    ("signal", "bar", "exit_price", "reason"),
    [
        # bought at 101, 1010 units for 10 coins; the stop at 95.95 slips by a hundredth, the take-profit does not
        ("1", (100, 100, 95, 100), F("95.95") * F(99, 100), "stop_loss"),
        ("1", (100, 112, 99, 100), F("111.1"), "take_profit"),
        # sold at 99, 990 units; the stop at 103.95, the take-profit at 89.1
        ("-1", (100, 104, 100, 100), F("103.95") * F(101, 100), "stop_loss"),
        ("-1", (100, 100, 89, 100), F("89.1"), "take_profit"),
    ],
)
def test_inverse_slippage_stop_and_profit(signal: str, bar: tuple, exit_price: F, reason: str) -> None:
    account = replace(COIN, stop_loss=F(5, 100), take_profit=F(1, 10))
    rules = {"slippage": F(1, 100), "taker_fee": F(1, 1000)}
    outcome = run(
        market([FLAT, bar]),
        signals(f"{F(signal) / 2} ."),
        account,
        tiers=[Tier(F(0), F(0), F(10))],
        contract="inverse",
        **rules,
    )
    side = int(signal)
    price = 100 + side
    size = 5 * price
    assert fills(outcome) == [(1, side * size, price, "signal"), (1, -side * size, exit_price, reason)]
    fee = F(5, 1000) + size / exit_price / 1000
    assert outcome.equity[-1] == 1 + side * size * (F(1, price) - 1 / exit_price) - fee


def test_inverse_gap_past_the_stop_fills_at_the_open() -> None:
    # the stop sits at 126
    account = replace(COIN, stop_loss=F(1, 64))
    start = (128, 128, 128, 128)
    for opened, filled in ((126, 126), (125, 125), (F("126.5"), None)):
        outcome = run(market([start, start, (opened,) * 4]), signals("0.5 . ."), account, **INVERSE)
        assert fills(outcome)[1:] == ([(2, -640, filled, "stop_loss")] if filled else [])


@pytest.mark.parametrize("take_profit", [F(1), F(3, 2)])
def test_inverse_takes_profit_of_a_short_nowhere_below_nothing(take_profit: F) -> None:
    account = replace(COIN, take_profit=take_profit)
    outcome = run(market([FLAT, (100, 100, 1, 1)]), signals("-0.5 ."), account, **INVERSE)
    assert len(outcome.fills) == 1
    assert outcome.equity[-1] == 1 - 500 * (F(1, 100) - 1)


@pytest.mark.parametrize(("close", "reason"), [(105, "stop_loss"), (100, "stop_loss"), (99, "take_profit")])
def test_inverse_path_of_a_rising_and_a_falling_bar(close: int, reason: str) -> None:
    account = replace(COIN, intrabar="path", stop_loss=F(3, 100), take_profit=F(1, 10))
    outcome = run(market([FLAT, (100, 112, 96, close)]), signals("0.5 ."), account, **INVERSE)
    assert [fill["reason"] for fill in outcome.fills[1:]] == [reason]


@pytest.mark.parametrize(("intrabar", "reason"), [("worst", "stop_loss"), ("best", "take_profit")])
@pytest.mark.parametrize("signal", ["0.5", "-0.5"])
def test_inverse_worst_and_best(intrabar: str, reason: str, signal: str) -> None:
    account = replace(COIN, intrabar=intrabar, stop_loss=F(3, 100), take_profit=F(3, 100))
    outcome = run(market([FLAT, (100, 104, 96, 100)]), signals(f"{signal} ."), account, **INVERSE)
    assert [fill["reason"] for fill in outcome.fills[1:]] == [reason]


def test_inverse_legs_are_straight_in_the_reciprocal() -> None:
    bars = market([FLAT, (100, 100, 80, 90)], [FLAT, (100, 100, 50, 90)])
    outcome = run(bars, signals("0.5 .", "0.5 ."), replace(COIN, margin_mode="cross"), **INVERSE)
    # 500 of each, 1/P from 0.01 to 0.0125 and to 0.02: 1 - 500 * 0.0125 x = 0.05 * 500 (0.02 + 0.0125 x)
    point = F(1, 2) / F("6.5625")
    prices = [1 / (F(1, 100) + F(25, 10_000) * point), 1 / (F(1, 100) + F(1, 100) * point)]
    assert values(outcome.liquidations, "instrument", "fill_price") == list(enumerate(prices))


def test_inverse_funding_is_paid_on_the_notional_in_coin() -> None:
    bars = market([FLAT] * 3, marks=([FLAT, FLAT, (80, 100, 80, 100)],), funding=([0, 0, "0.01"],))
    outcome = run(bars, signals("0.2 . ."), COIN, **INVERSE)
    assert outcome.history["funding"] == [0, 0, F(200, 80) / 100]
    short = run(bars, signals("-0.2 . ."), COIN, **INVERSE)
    assert short.history["funding"] == [0, 0, -F(200, 80) / 100]


def test_inverse_entry_price_averages_the_reciprocals() -> None:
    up = (125, 125, 125, 125)
    account = replace(COIN, sizing="cash")
    outcome = run(market([FLAT, FLAT, up, up]), signals("0.5 0.8 0.4 ."), account, **INVERSE)
    # 500 units at 100, then 500 at 125: 5 + 4 coins. Half of them go at 125 and realise 500 (9/1000 - 8/1000)
    assert fills(outcome) == [(1, 500, 100, "signal"), (2, 500, 125, "signal"), (3, -500, 125, "signal")]
    assert outcome.history["margin"] == [0, F(1, 2), F(9, 10), F(9, 20)]
    assert outcome.history["realised"][-1] == F(1, 2)
    assert outcome.equity[-1] == 2


def test_inverse_tiers_and_cap_are_in_coin() -> None:
    capped = [Tier(F(0), F(5, 100), F(10), cap=F(4))]
    outcome = run(market([FLAT] * 2), signals("-1 ."), COIN, capped, contract="inverse")
    assert values(outcome.orders, "wanted", "filled", "reason") == [(-1000, -400, "tier")]
    steps = [Tier(F(0), F(5, 100), F(10)), Tier(F(6), F(10, 100), F(5))]
    outcome = run(market([FLAT] * 2), signals("1 ."), COIN, steps, contract="inverse")
    assert values(outcome.orders, "wanted", "filled", "reason") == [(1000, 600, "tier")]


def test_inverse_contracts_of_a_hundred_units_in_whole_lots() -> None:
    rules = {**INVERSE, "multiplier": F(100), "lot_size": F(2), "minimum_notional": F(3)}
    outcome = run(market([FLAT] * 3), signals("0.5 0.25 ."), COIN, **rules)
    # 500 units are 5 contracts, of which 4 in lots of 2; then 250 make 2, and the rest is sold whatever it is worth
    assert fills(outcome) == [(1, 4, 100, "signal"), (2, -2, 100, "signal")]
    assert outcome.history["notional"] == [0, 4, 2]
    small = run(market([FLAT] * 2), signals("0.3 ."), COIN, **rules)
    assert values(small.orders, "wanted", "filled", "reason") == [(3, 0, "minimum")]


# Contract sizes.


@pytest.mark.parametrize("multiplier", [F(1), F(1, 100), F(50)])
def test_frames_count_contracts_and_money_does_not(multiplier: F) -> None:
    outcome = run(market([FLAT, (100, 100, 90, 100)]), signals("1 ."), TENFOLD, FIVE, multiplier=multiplier)
    assert fills(outcome) == [
        (1, 100 / multiplier, 100, "signal"),
        (1, -100 / multiplier, F(9000, 95), "liquidation"),
    ]
    assert values(outcome.liquidations, "quantity", "bankruptcy_price") == [(100 / multiplier, 90)]
    assert outcome.equity[-1] == F(9000, 19)


def test_every_symbol_has_its_own_figures() -> None:
    rules = {"multiplier": [F(1), F(1, 10)], "lot_size": [F(3), F(4)], "minimum_notional": [F(0), F(4001)]}
    outcome = run(market([FLAT] * 3, [FLAT] * 3), signals("0.4 . .", "0.4 0.5 ."), TENFOLD, FIVE, **rules)
    # 40 units: 39 of the first; 400 contracts of the second are worth 4000, too little, and 500 are enough
    assert values(outcome.fills, "bar", "instrument", "quantity") == [(1, 0, 39), (2, 1, 500)]
    assert values(outcome.orders, "bar", "instrument", "wanted", "reason") == [(1, 1, 400, "minimum")]


def test_lots_round_targets_towards_nothing() -> None:
    outcome = run(market([FLAT] * 5), signals("0.95 0.7 -0.5 0 ."), TENFOLD, FIVE, lot_size=F(30))
    assert fills(outcome) == [
        (1, 90, 100, "signal"),
        (2, -30, 100, "signal"),
        (3, -60, 100, "signal"),
        (3, -30, 100, "signal"),
        (4, 30, 100, "signal"),
    ]
    assert not outcome.orders
    # less than a lot more is no order; less than a lot at all is one that the venue does not take
    outcome = run(market([FLAT] * 3), signals("0.3 0.5 ."), TENFOLD, FIVE, lot_size=F(30))
    assert values(outcome.orders, "bar", "wanted", "filled", "reason") == [(2, 20, 0, "minimum")]


def test_lots_after_the_cut_by_margin() -> None:
    outcome = run(market([FLAT] * 2), signals("1 ."), TENFOLD, FIVE, lot_size=F(7), taker_fee=F(1, 100))
    # 98 units would take 98 * 11 = 1078: they are cut to 90.9, of which 84 in lots of 7
    assert values(outcome.orders, "wanted", "filled", "reason") == [(100, 84, "fees")]
    assert outcome.history["wallet"][-1] == 1000 - 84 * 11


def test_minimum_of_an_order() -> None:
    rules = {"minimum_notional": F(2000)}
    outcome = run(market([FLAT] * 6), signals("0.19 0.5 0.4 0.5 -0.1 ."), TENFOLD, FIVE, **rules)
    # 1900 is refused; 5000 taken; a reduction of 1000 as well, an addition of 1000 not; of the flip only the close
    assert values(outcome.fills, "bar", "quantity") == [(2, 50), (3, -10), (5, -40)]
    assert values(outcome.orders, "bar", "wanted", "filled", "reason") == [
        (1, 19, 0, "minimum"),
        (4, 10, 0, "minimum"),
        (5, -50, -40, "minimum"),
    ]


def test_minimum_after_the_cut_by_margin() -> None:
    account = replace(TENFOLD, sizing="cash")
    bars = market([FLAT] * 2, [FLAT] * 2)
    outcome = run(bars, signals("1 .", "0.5 ."), account, FIVE, minimum_notional=F(4000))
    # together cut to two thirds: 6666 and 3333
    assert values(outcome.orders, "instrument", "wanted", "filled", "reason") == [
        (0, 100, F(200, 3), "margin"),
        (1, 50, 0, "margin"),
    ]


def test_cap_of_the_last_tier_cuts_like_a_tier() -> None:
    steps = [Tier(F(0), F(1, 100), F(10), cap=F(3000)), Tier(F(3000), F(5, 100), F(10), cap=F(8000))]
    outcome = run(market([FLAT] * 3), signals("1 -0.9 ."), TENFOLD, steps)
    assert values(outcome.orders, "wanted", "filled", "reason") == [(100, 80, "tier"), (-170, -160, "tier")]
    # the tier that does not allow the leverage is nearer than the cap
    steps = [Tier(F(0), F(1, 100), F(10), cap=F(3000)), Tier(F(3000), F(5, 100), F(5), cap=F(8000))]
    outcome = run(market([FLAT] * 2), signals("1 ."), TENFOLD, steps)
    assert values(outcome.orders, "wanted", "filled", "reason") == [(100, 30, "tier")]
