"""Liquidation policies, by hand: how much of which position goes, and what it costs.

Unless a test says otherwise, 1000 of cash buy 100 units at 100 on tenfold leverage.
"""

from __future__ import annotations

from dataclasses import replace

from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Outcome, Tier

CROSS = replace(TENFOLD, margin_mode="cross")
FIVE = [Tier(F(0), F(5, 100), F(10))]
TWO_TIERS = [Tier(F(0), F(1, 100), F(10)), Tier(F(5000), F(5, 100), F(10))]  # R = 0.05 N - 200 from 5000 on
THREE_TIERS = [  # R = 0.02 N - 40 from 4000 on, 0.05 N - 280 from 8000 on
    Tier(F(0), F(1, 100), F(10)),
    Tier(F(4000), F(2, 100), F(10)),
    Tier(F(8000), F(5, 100), F(10)),
]


def closed(outcome: Outcome) -> list[tuple]:
    return values(outcome.liquidations, "bar", "instrument", "quantity", "fill_price", "partial")


def money(outcome: Outcome) -> list[tuple]:
    return values(outcome.liquidations, "margin_lost", "penalty", "forfeited", "bad_debt")


# Step by step down the tiers.


def test_step_down_pays_a_penalty_at_every_step() -> None:
    outcome = run(
        market([FLAT, (100, 100, 85, 88)]), signals("1 ."), tiers=THREE_TIERS, liquidation="step_down",
        liquidation_fee=F(1, 100),
    )  # fmt: skip
    # 1000 + 100 (P - 100) = 5 P - 280; worth 8000 stays, and the margin pays for the rest
    first = F(8720, 95)
    held = 8000 / first
    margin = 1000 + (100 - held) * (first - 100) - (100 - held) * first / 100
    # m + q (P - 100) = 0.02 q P - 40, and worth 4000 stays
    second = (100 * held - margin - 40) / (F(98, 100) * held)
    kept = 4000 / second
    rest = margin + (held - kept) * (second - 100) - (held - kept) * second / 100
    # m + q (P - 100) = 0.01 q P, what the penalty takes
    third = (100 * kept - rest) / (F(99, 100) * kept)
    assert 85 < third < second < first
    assert closed(outcome) == [
        (1, 0, 100 - held, first, True),
        (1, 0, held - kept, second, True),
        (1, 0, kept, third, False),
    ]
    assert money(outcome) == [
        (1000 - margin, (100 - held) * first / 100, 0, 0),
        (margin - rest, (held - kept) * second / 100, 0, 0),
        (rest, kept * third / 100, 0, 0),
    ]
    assert outcome.equity[-1] == 0


def test_step_down_in_a_gap_goes_on_until_nothing_is_breached() -> None:
    # at 91 the balance is 100, and R is 0.05 * 9100 - 280 = 175, then at 8000 it is 120, at 4000 it is 40
    outcome = run(market([FLAT, FLAT, (91, 91, 91, 91)]), signals("1 . ."), tiers=THREE_TIERS, liquidation="step_down")
    assert closed(outcome) == [(2, 0, 100 - F(8000, 91), 91, True), (2, 0, F(4000, 91), 91, True)]
    assert values(outcome.liquidations, "gap", "bankruptcy_price") == [
        (True, 90),
        (True, 91 - 100 / F(8000, 91)),
    ]
    assert outcome.equity[-1] == 100
    assert outcome.history["margin"][-1] == 1000 - 9 * (100 - F(4000, 91))
    assert outcome.history["maintenance_margin"][-1] == 40


def test_step_down_of_a_short_whose_rates_differ() -> None:
    # a short's R is 0.07 N - 200 from 4000 on: 0.02 N below
    tiers = [Tier(F(0), F(1, 100), F(10), F(2, 100)), Tier(F(4000), F(5, 100), F(10), F(7, 100))]
    outcome = run(market([FLAT, (100, 106, 100, 106)]), signals("-1 ."), tiers=tiers, liquidation="step_down")
    # 1000 - 100 (P - 100) = 7 P - 200
    price = F(11_200, 107)
    assert closed(outcome) == [(1, 0, 4000 / price - 100, price, True)]
    assert outcome.history["maintenance_margin"][-1] == F(2, 100) * 4000 / price * 106 + F(5, 100) * (
        4000 / price * 106 - 4000
    )


def test_step_down_of_a_cross_account_leaves_the_first_tier_alone_while_another_can_step() -> None:
    # 75 units and 25: R is 0.05 N - 200 for the first, 0.01 N for the second
    bars = market([FLAT, (100, 100, 85, 86)], [FLAT, FLAT])
    outcome = run(bars, signals("0.75 .", "0.25 ."), CROSS, TWO_TIERS, liquidation="step_down")
    # 1000 + 75 (P - 100) = 3.75 P - 200 + 25; afterwards 5000 / P are held, on 1000 less 75 - q times the way
    first = F(6325) / F("71.25")
    kept = 5000 / first
    wallet = 1000 + (75 - kept) * (first - 100)
    # w + q (P - 100) = 0.01 q P + 25: both go
    second = (100 * kept - wallet + 25) / (F(99, 100) * kept)
    assert second > 85
    assert closed(outcome) == [
        (1, 0, 75 - kept, first, True),
        (1, 0, kept, second, False),
        (1, 1, 25, 100, False),
    ]
    assert values(outcome.liquidations, "joint", "margin_lost") == [(True, None)] * 3
    assert outcome.equity[-1] == wallet + kept * (second - 100)


def test_step_down_of_the_largest_loss_closes_all_of_it_in_the_first_tier() -> None:
    # 40 units of the first lose, 60 of the second stand: R is 0.4 P + 0.05 * 6000 - 200
    bars = market([FLAT, (100, 100, 75, 75)], [FLAT, FLAT])
    rules = {"liquidation": "step_down", "liquidation_order": "largest_loss"}
    outcome = run(bars, signals("0.4 .", "0.6 ."), CROSS, TWO_TIERS, **rules)
    # 1000 + 40 (P - 100) = 0.4 P + 100
    price = F(3100) / F("39.6")
    assert closed(outcome) == [(1, 0, 40, price, False)]
    rules["liquidation_order"] = "largest_maintenance"
    outcome = run(bars, signals("0.4 .", "0.6 ."), CROSS, TWO_TIERS, **rules)
    # the second is stepped down to 5000: it requires 50; then 1000 + 40 (P - 100) = 0.4 P + 50, and it is closed
    # for it requires more, and last 1000 + 40 (P - 100) = 0.4 P
    second, third = F(3050) / F("39.6"), F(3000) / F("39.6")
    assert closed(outcome) == [
        (1, 1, 10, 100, True),
        (1, 1, 50, 100, False),
        (1, 0, 40, third, False),
    ]
    assert values(outcome.liquidations, "mark_price", "joint") == [(100, True), (100, True), (third, False)]
    assert 75 < third < second < price


def test_step_down_on_the_entry_notional() -> None:
    # R stands at 0.05 * 10 000 - 200 = 300, at 5000 it is 50, whatever the mark
    outcome = run(
        market([FLAT, (100, 100, 85, 85)]), signals("1 ."), tiers=TWO_TIERS, liquidation="step_down",
        maintenance_on="entry",
    )  # fmt: skip
    # 1000 + 100 (P - 100) = 300; 50 units stay on 1000 - 50 * 7, and 650 + 50 (P - 100) = 50
    assert closed(outcome) == [(1, 0, 50, 93, True), (1, 0, 50, 88, False)]
    assert outcome.equity[-1] == 50


# A share.


def test_share_of_everything_in_a_cross_account() -> None:
    # 60 and 40 units on 1000: half of what is worth more than 3900, all of the other
    bars = market([FLAT, (100, 100, 80, 100)], [FLAT, (100, 100, 96, 100)])
    rules = {"liquidation": "share", "liquidation_share": F(1, 2), "liquidation_floor": F(3900)}
    outcome = run(bars, signals("0.6 .", "0.4 ."), CROSS, FIVE, **rules)
    # 1000 - 60 * 20 x - 40 * 4 x = 0.05 (10 000 - 1360 x)  =>  500 = 1292 x; at 4000 - 160 x both are above the floor
    point = F(500, 1292)
    assert closed(outcome)[:2] == [(1, 0, 30, 100 - 20 * point, True), (1, 1, 20, 100 - 4 * point, True)]
    # the next: 1000 - 1360 a - 680 (x - a) = 0.05 (5000 - 680 x); both are worth less than 3900
    second = (750 - 680 * point) / 646
    assert closed(outcome)[2:] == [(1, 0, 30, 100 - 20 * second, False), (1, 1, 20, 100 - 4 * second, False)]
    assert point < second < 1


def test_cooldown_of_one_position_holds_for_the_account() -> None:
    # both die at 9000/95, the second on the way to a lower low, and so sooner: its other half cools down, and so does
    # the first, of which a share may be closed an hour later
    bars = [FLAT, (100, 100, 90, 100), FLAT]
    rules = {"liquidation": "share", "liquidation_share": F(1, 2), "cooldown": F(3600)}
    outcome = run(market(bars, [FLAT, (100, 100, 80, 100), FLAT]), signals("0.5 . .", "0.5 . ."), tiers=FIVE, **rules)
    price = F(9000, 95)
    # what is left of the second: 25 units on 500 - 25 (100 - p), and m + 25 (P - 100) = 1.25 P
    last = (2500 - 500 + 25 * (100 - price)) / F("23.75")
    assert closed(outcome) == [(1, 1, 25, price, True), (1, 1, 25, last, False), (1, 0, 50, price, False)]


def test_cooldown_runs_on_the_thirds_of_the_bar() -> None:
    # at the open of bar 2 half is closed, at the open of bar 3 half of the rest, but for a cool-down of two hours;
    # margin 1000, marks of 94 and 90: 1000 - 600 < 0.05 * 9400, then 400 - 200 < 0.05 * 4500
    bars = market([FLAT, FLAT, (94, 94, 94, 94), (90, 90, 90, 90), (90, 90, 90, 90)])
    rules = {"tiers": FIVE, "liquidation": "share", "liquidation_share": F(1, 2)}
    warm = run(bars, signals("1 . . . ."), cooldown=F(3600), **rules)
    assert closed(warm) == [(2, 0, 50, 94, True), (3, 0, 25, 90, True)]
    cooling = run(bars, signals("1 . . . ."), cooldown=F(3601), **rules)
    assert closed(cooling) == [(2, 0, 50, 94, True), (3, 0, 50, 90, False)]
    assert [outcome.equity[-1] for outcome in (warm, cooling)] == [200, 200]


def test_share_of_the_largest_maintenance() -> None:
    bars = market([FLAT, (100, 100, 85, 85)], [FLAT, (100, 120, 100, 120)])
    rules = {"liquidation": "share", "liquidation_share": F(1, 4), "liquidation_order": "largest_maintenance"}
    outcome = run(bars, signals("0.6 .", "-0.4 ."), CROSS, FIVE, **rules)
    # on the way to 85 and 120, at x: 1000 - 900 x - 800 x = 0.05 (6000 - 900 x + 4000 + 800 x); 6000 - 900 x is more
    # than 4000 + 800 x: a quarter of the first goes at once
    point = F(500, 1695)
    assert closed(outcome)[0] == (1, 0, 15, 100 - 15 * point, True)
    # then 1000 - 900 a - 675 (x - a) - 800 x = 0.05 (4500 - 675 x + 4000 + 800 x), where the second has outgrown it
    second = (575 - 225 * point) / F("1481.25")
    assert 45 * (100 - 15 * second) < 40 * (100 + 20 * second)
    assert closed(outcome)[1] == (1, 1, -10, 100 + 20 * second, True)


# Just enough.


def test_restore_closes_one_fraction_of_all_that_stand_together() -> None:
    bars = market([FLAT, (100, 100, 88, 95)], [FLAT, (100, 104, 100, 104)])
    outcome = run(
        bars, signals("0.6 .", "-0.4 ."), CROSS, FIVE, liquidation="restore", target_ratio=F(2),
        liquidation_fee=F(1, 100), liquidation_slippage=F(1, 100),
    )  # fmt: skip
    # 1000 - 720 x - 160 x = 0.05 (10 000 - 720 x + 160 x)  =>  500 = 852 x, on the way to 88 and 104
    point = F(500, 852)
    long, short = 100 - 12 * point, 100 + 4 * point
    balance = F(5, 100) * (60 * long + 40 * short)
    # closing costs the slip to 0.99 and 1.01, and a hundredth of the fills
    cost = 60 * long / 100 + 40 * short / 100 + (60 * long * F("0.99") + 40 * short * F("1.01")) / 100
    # B - (1 - y) C = 2 y B
    kept = (balance - cost) / (2 * balance - cost)
    assert closed(outcome) == [
        (1, 0, 60 * (1 - kept), long * F("0.99"), True),
        (1, 1, -40 * (1 - kept), short * F("1.01"), True),
    ]
    after = balance - (1 - kept) * cost
    assert outcome.equity[-1] == after + 60 * kept * (95 - long) - 40 * kept * (104 - short)


def test_restore_of_the_largest_loss_counts_what_the_others_require() -> None:
    bars = market([FLAT, (100, 100, 88, 95)], [FLAT, FLAT])
    rules = {"liquidation": "restore", "target_ratio": F(3, 2), "liquidation_order": "largest_loss"}
    outcome = run(bars, signals("0.6 .", "0.4 ."), CROSS, FIVE, **rules)
    # 1000 + 60 (P - 100) = 3 P + 200; then B = 1.5 (3 y P + 200)
    price = F(5200, 57)
    kept = (3 * price + 200 - 300) / (F(9, 2) * price)
    assert closed(outcome) == [(1, 0, 60 * (1 - kept), price, True)]


def test_restore_closes_all_where_the_others_alone_require_too_much() -> None:
    # the second requires 0.05 * 5000 = 250 whatever is closed of the first
    bars = market([FLAT, (100, 100, 80, 90)], [FLAT, FLAT])
    rules = {"liquidation": "restore", "target_ratio": F(5), "liquidation_order": "largest_loss"}
    outcome = run(bars, signals("0.5 .", "0.5 ."), CROSS, FIVE, **rules)
    # 1000 + 50 (P - 100) = 2.5 P + 250; B would have to be 5 * (250 + ...)
    price = F(4250) / F("47.5")
    assert closed(outcome) == [(1, 0, 50, price, False)]
    assert outcome.equity[-1] == F(5, 2) * price + 250


def test_restore_walks_down_the_tiers_to_the_root() -> None:
    outcome = run(
        market([FLAT, (100, 100, 91, 98)]), signals("1 ."), tiers=THREE_TIERS, liquidation="restore", target_ratio=F(3),
        liquidation_fee=F(1, 200),
    )  # fmt: skip
    # 1000 + 100 (P - 100) = 5 P - 280, of which closing all takes P / 2
    price = F(8720, 95)
    balance = 5 * price - 280
    # in the middle tier: B - (1 - y) P / 2 = 3 (0.02 * 100 y P - 40)
    kept = (balance - price / 2 + 120) / (6 * price - price / 2)
    assert 4000 < kept * 100 * price < 8000
    assert closed(outcome) == [(1, 0, 100 * (1 - kept), price, True)]
    assert outcome.liquidations[0]["margin_lost"] == 100 * (1 - kept) * (100 - price) + (1 - kept) * price / 2


def test_restore_on_the_entry_notional() -> None:
    outcome = run(
        market([FLAT, (100, 100, 94, 98)]), signals("1 ."), tiers=FIVE, liquidation="restore", target_ratio=F(4),
        maintenance_on="entry",
    )  # fmt: skip
    # 1000 + 100 (P - 100) = 500; 500 = 4 * 0.05 * 100 y * 100
    assert closed(outcome) == [(1, 0, 75, 95, True)]
    assert outcome.history["maintenance_margin"][-1] == 125


def test_restore_in_whole_lots_closes_more_than_just_enough() -> None:
    rules = {"tiers": FIVE, "liquidation": "restore", "target_ratio": F(2)}
    bars = market([FLAT, (100, 100, 94, 98)])
    # at 9000/95 the half of 100 units would do: in lots of 20 three are closed of five; in lots of 30 three can be
    # bought, of which two are closed instead of one and a half; in lots of 100 there is nothing but all
    for lot, held, sold in ((1, 100, 50), (20, 100, 60), (30, 90, 60), (100, 100, 100)):
        outcome = run(bars, signals("1 ."), lot_size=F(lot), **rules)
        assert outcome.fills[0]["quantity"] == held
        assert closed(outcome) == [(1, 0, sold, F(9000, 95), sold < held)]
