"""The slow engine in scenes worked by hand: every policy, calls, conventions, contracts, hedge mode and columns.

1000 cash at 10x buys 100 units at 100, 10 000 worth, with a margin of 1000.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, signals, values
from reference import Account, MarginCall, Outcome, Tier, Venue, replay

TWO_TIERS = [Tier(F(0), F(1, 100), F(10)), Tier(F(5000), F(5, 100), F(10))]  # R = 0.05 N - 200 from 5000 on


def closed(outcome: Outcome) -> list[tuple]:
    return values(outcome.liquidations, "bar", "quantity", "fill_price", "partial")


def events(outcome: Outcome) -> list[tuple]:
    return values(outcome.calls, "bar", "event", "balance", "maintenance", "asked", "amount", "reserve")


def test_step_down_goes_to_the_floor_of_the_tier_and_then_to_nothing() -> None:
    venue = Venue([TWO_TIERS], liquidation="step_down")
    outcome = replay(market([FLAT, (100, 100, 80, 80)]), signals("1 ."), TENFOLD, venue)
    # 1000 + 100 (P - 100) = 5 P - 200  =>  95 P = 8800; 5000 stays, P q = 5000
    price = F(8800, 95)
    kept = 5000 / price
    # what is left: margin 1000 + (100 - q)(P - 100); it fails in the first tier where m + q (x - 100) = 0.01 q x
    margin = 1000 + (100 - kept) * (price - 100)
    last = (100 * kept - margin) / (F(99, 100) * kept)
    assert closed(outcome) == [(1, 100 - kept, price, True), (1, kept, last, False)]
    assert outcome.liquidations[0]["margin_lost"] == -(100 - kept) * (price - 100)
    assert outcome.equity[-1] == margin + kept * (last - 100)


def test_share_closes_a_share_and_all_while_cooling_down() -> None:
    tiers = [Tier(F(0), F(5, 100), F(10))]
    half = Venue([tiers], liquidation="share", liquidation_share=F(1, 2), cooldown=F(3000))
    bars = market([FLAT, (100, 100, 80, 80)])
    # 1000 + 100 (P - 100) = 5 P  =>  P = 9000/95; then 50 are left: margin + 50 (x - 100) = 2.5 x
    first = F(9000, 95)
    margin = 1000 + 50 * (first - 100)
    second = (5000 - margin) / F(475, 10)
    outcome = replay(bars, signals("1 ."), TENFOLD, half)
    # both on the first leg, less than 20 minutes after each other
    assert closed(outcome) == [(1, 50, first, True), (1, 50, second, False)]
    warm = replay(bars, signals("1 ."), TENFOLD, replace(half, cooldown=F(0)))
    assert closed(warm)[:2] == [(1, 50, first, True), (1, 25, second, True)]
    small = replay(bars, signals("1 ."), TENFOLD, replace(half, liquidation_floor=F(10_000)))
    assert closed(small) == [(1, 100, first, False)]


def test_restore_closes_just_enough_of_the_position() -> None:
    tiers = [Tier(F(0), F(5, 100), F(10))]
    venue = Venue([tiers], liquidation="restore", target_ratio=F(2), liquidation_fee=F(1, 100))
    outcome = replay(market([FLAT, (100, 100, 94, 94)]), signals("1 ."), TENFOLD, venue)
    # at P = 9000/95 balance and R are 5 P; closing 1 - y costs P (1 - y), so that 5 - (1 - y) = 2 (5 y)  =>  y = 4/9
    price = F(9000, 95)
    assert closed(outcome) == [(1, 100 - F(400, 9), price, True)]
    assert outcome.liquidations[0]["penalty"] == F(5, 9) * price
    assert outcome.history["margin_ratio"][1] == F(5, 100) * 94 * F(400, 9) / (outcome.history["equity"][1])


def test_restore_finds_the_piece_of_the_curve() -> None:
    venue = Venue([TWO_TIERS], liquidation="restore", target_ratio=F(2))
    outcome = replay(market([FLAT, (100, 100, 92, 92)]), signals("1 ."), TENFOLD, venue)
    # at P = 8800/95 the balance is 5 P - 200 = 263.16, and R(y) = 0.05 y N - 200 or, below 5000, 0.01 y N
    price = F(8800, 95)
    kept = (5 * price - 200 + 400) / (2 * F(5, 100) * price)  # 0.05 y N - 200 = balance / 2
    assert kept * price > 5000
    assert closed(outcome) == [(1, 100 - kept, price, True)]


def test_lots_round_a_partial_close_up() -> None:
    venue = Venue([TWO_TIERS], liquidation="step_down", lot_size=F(30))
    account = replace(TENFOLD, leverage=F(9))
    outcome = replay(market([FLAT, (100, 100, 85, 100)]), signals("1 ."), account, venue)
    # 9000 at 9x: 90 units, a margin of 1000: 1000 + 90 (P - 100) = 4.5 P - 200  =>  85.5 P = 7800
    price = F(7800) / F("85.5")
    assert outcome.fills[0]["quantity"] == 90
    # to keep 5000 worth, 54.8 units, 35.2 are to go: two lots
    assert closed(outcome)[0] == (1, 60, price, True)


def test_cross_closes_the_largest_loss_first() -> None:
    account, tiers = replace(TENFOLD, margin_mode="cross"), [Tier(F(0), F(5, 100), F(10))]
    venue = Venue([tiers, tiers], liquidation_order="largest_loss")
    bars = market([FLAT, (100, 100, 88, 88)], [FLAT, (100, 100, 98, 98)])
    outcome = replay(bars, signals("0.5 .", "0.5 ."), account, venue)
    # 50 of each: 1000 + 50 (p - 100) + 50 (r - 100) = 2.5 (p + r), p = 100 - 12 l, r = 100 - 2 l:
    # 1000 - 700 l = 500 - 35 l  =>  l = 500/665; the first is closed, and 1000 - 600 l remain against 2.5 r
    at = F(500, 665)
    assert closed(outcome) == [(1, 50, 100 - 12 * at, False)]
    assert outcome.liquidations[0]["joint"]
    assert outcome.equity[-1] == 1000 - 600 * at - 50 * 2
    assert values(replay(bars, signals("0.5 .", "0.5 ."), account, replace(venue, liquidation_order="everything"))
                  .liquidations, "instrument") == [(0,), (1,)]  # fmt: skip


def test_backstop_takes_all_and_forfeits_the_rest() -> None:
    tiers = [Tier(F(0), F(5, 100), F(10))]
    bars = market([FLAT, FLAT, (92, 92, 92, 92)])
    for share, forfeited in ((F(1, 2), 200), (F(2, 5), 0)):
        venue = Venue([tiers], backstop=share)
        outcome = replay(bars, signals("1 . ."), TENFOLD, venue)
        # at 92 the balance is 200, R = 460: below a half of it, above two fifths
        assert values(outcome.liquidations, "forfeited", "margin_lost") == [(forfeited, 800 + forfeited)]


def test_call_is_answered_from_the_reserve() -> None:
    tiers = [Tier(F(0), F(5, 100), F(10))]
    call = MarginCall(F(3, 2), grace=1, deposit="reserve")
    venue, account = Venue([tiers], call=call, target_ratio=F(2)), replace(TENFOLD, reserve=F(500))
    bars = market([FLAT, (100, 100, 96, 96), (96, 96, 96, 96)])
    outcome = replay(bars, signals("1 . ."), account, venue)
    # 1000 + 100 (P - 100) = 7.5 P  =>  P = 9000/92.5; at 96 balance 600 and R 480, 2 x 480 - 600 = 360 is asked for
    price = F(9000) / F("92.5")
    assert events(outcome) == [
        (1, "call", F("7.5") * price, 5 * price, F("2.5") * price, 0, 500),  # 2 x 5 P - 7.5 P
        (2, "deposit", 600, 480, 360, 360, 140),
        (2, "cure", 960, 480, 0, 0, 140),
    ]
    assert not outcome.liquidations
    assert (outcome.history["deposits"][-1], outcome.history["reserve"][-1], outcome.equity[-1]) == (360, 140, 960)


def test_call_is_forced_when_grace_is_over_or_the_balance_too_low() -> None:
    tiers = [Tier(F(0), F(5, 100), F(10))]
    venue = Venue([tiers], call=MarginCall(F(3, 2), grace=1, deposit="none"))
    still = (96, 96, 96, 96)
    outcome = replay(market([FLAT, (100, 100, 96, 96), still, still]), signals("1 . . ."), TENFOLD, venue)
    # called in bar 1; at the open of bar 2 one bar has passed, at that of bar 3 more than the grace
    assert values(outcome.calls, "bar", "event") == [(1, "call"), (3, "forced")]
    assert closed(outcome) == [(3, 100, 96, False)]
    outcome = replay(market([FLAT, (100, 100, 90, 96), still]), signals("1 . ."), TENFOLD, venue)
    assert values(outcome.calls, "bar", "event") == [(1, "call"), (1, "forced"), (2, "cure")]
    assert closed(outcome) == [(1, 100, F(9000, 95), False)]


@pytest.mark.parametrize(
    ("rule", "bars"), [("wait", [1, 4]), ("reenter", [1, 3, 4]), ("stop", [1]), ("refill", [1, 4])]
)
def test_what_follows_a_liquidation(rule: str, bars: list[int]) -> None:
    account = replace(TENFOLD, on_liquidation=rule, sizing="cash", rebalance="bar", reserve=F(7))
    crash = (100, 100, 80, 100)
    outcome = replay(
        market([FLAT, FLAT, crash, FLAT, FLAT]), signals("0.1 . . 0.2 ."), account, Venue([[Tier(F(0), F(0), F(10))]])
    )
    # 10 units with 100 behind them die at 90 without a rest
    assert [fill["bar"] for fill in outcome.fills if fill["reason"] == "signal"] == bars
    assert outcome.history["deposits"] == [0, 0, 0, *([100, 100] if rule == "refill" else [0, 0])]
    assert events(outcome) == ([(3, "refill", 900, 0, 100, 100, 7)] if rule == "refill" else [])


def test_maintenance_on_entry_stands_still() -> None:
    venue = Venue([[Tier(F(0), F(5, 100), F(10))]], maintenance_on="entry")
    outcome = replay(market([FLAT, (100, 100, 90, 100)]), signals("1 ."), TENFOLD, venue)
    assert closed(outcome) == [(1, 100, 95, False)]  # 1000 + 100 (P - 100) = 500


def test_fee_at_the_bankruptcy_price_and_breach_below() -> None:
    tiers, bars = [Tier(F(0), F(5, 100), F(10))], market([FLAT, (100, 100, 90, 100)])
    rules = {"fee_in_maintenance": F(1, 100), "fee_in_maintenance_at": "bankruptcy"}
    # 100 P - 9000 = 5 P, and in cross + 0.01 x 9000; an isolated margin holds that fee besides
    for mode, price in (("isolated", F(9000, 95)), ("cross", F(9090, 95))):
        account = replace(TENFOLD, margin_mode=mode)
        assert closed(replay(bars, signals("1 ."), account, Venue([tiers], **rules)))[0][2] == price
    exact = market([FLAT, (100, 100, 95, 100)])
    for rule, count in (("at", 1), ("below", 0)):
        venue = Venue([tiers], maintenance_on="entry", breach=rule)
        assert len(replay(exact, signals("1 ."), TENFOLD, venue).liquidations) == count


def test_funding_from_the_wallet_first() -> None:
    venue = Venue([[Tier(F(0), F(1, 100), F(10))]], funding_from="wallet")
    bars = market([FLAT, FLAT, FLAT], funding=([0, 0, "0.02"],))
    outcome = replay(bars, signals("0.9 . ."), TENFOLD, venue)
    # 9000 x 0.02 = 180: the wallet's 100, then 80 of the margin's 900
    assert (outcome.history["wallet"][-1], outcome.history["margin"][-1]) == (0, 820)


def test_inverse_contracts_are_paid_in_coin() -> None:
    venue = Venue([[Tier(F(0), F(4, 1000), F(10))]], contract="inverse", multiplier=F(100))
    account = Account(cash=F(1), leverage=F(2), currency="base")
    outcome = replay(market([FLAT, (100, 125, 60, 125)]), signals("1 ."), account, venue)
    # 2 coins at 100 are 200 of quote, 2 contracts; 1 + 200 (1/100 - 1/P) = 0.004 x 200/P  =>  3 = 200.8 / P
    assert values(outcome.fills, "quantity", "price") == [(2, 100), (-2, F("200.8") / 3)]
    assert outcome.liquidations[0]["bankruptcy_price"] == F(200, 3)
    calm = replay(market([FLAT, (100, 125, 100, 125)]), signals("1 ."), account, venue)
    assert calm.equity == [1, 1 + 200 * (F(1, 100) - F(1, 125))]


def test_lots_and_minimum_leave_small_orders_unsent() -> None:
    bars = market([FLAT] * 4)
    venue = Venue([[Tier(F(0), F(1, 100), F(10))]], multiplier=F(2), lot_size=F(3), minimum_notional=F(1200))
    outcome = replay(bars, signals("0.17 0.25 0.1 ."), replace(TENFOLD, sizing="cash"), venue)
    # 8.5 contracts are two lots of 3, 1200 worth; 12.5 would be 6 more; 5 are one lot: a reduction knows no minimum
    assert values(outcome.fills, "bar", "quantity") == [(1, 6), (2, 6), (3, -9)]
    venue = replace(venue, minimum_notional=F(1201))
    outcome = replay(bars, signals("0.17 0.25 0.1 ."), replace(TENFOLD, sizing="cash"), venue)
    assert values(outcome.orders, "bar", "wanted", "filled", "reason") == [
        (1, F("8.5"), 0, "minimum"),
    ]


def test_hedged_legs_net_their_requirement() -> None:
    account, tiers = replace(TENFOLD, margin_mode="cross"), [Tier(F(0), F(5, 100), F(10))]
    wanted, bars = signals("0.6 .", "0.4 ."), market([FLAT, FLAT])
    for basis, required in (("net", 100), ("mark", 500)):
        outcome = replay(bars, wanted, account, Venue([tiers], maintenance_on=basis), hedged=True)
        # 60 long and 40 short
        assert values(outcome.fills, "instrument", "quantity") == [(0, 60), (1, -40)]
        assert outcome.history["maintenance_margin"][-1] == required
        assert outcome.history["notional"][-1] == 10_000


def test_columns_come_into_force_at_the_next_open() -> None:
    bars = market([FLAT, FLAT, (100, 100, 96, 100), FLAT])
    said = {
        "leverage": [[F(5)], [None], [None], [None]],
        "stop_loss": [[None], [F(3, 100)], [None], [None]],
        "margin_add": [[None], [F(900)], [None], [None]],
    }
    outcome = replay(bars, signals("0.5 . . ."), TENFOLD, Venue([[Tier(F(0), F(1, 100), F(10))]]), said)
    # 0.5 x 5 x 1000 buys 25 units with a margin of 500; the wallet has only 500 to add; the stop moves to 97
    assert events(outcome) == [(2, "margin_add", 500, 25, 900, 500, 0)]
    assert values(outcome.fills, "bar", "quantity", "price", "reason") == [
        (1, 25, 100, "signal"),
        (2, -25, 97, "stop_loss"),
    ]


def test_a_fund_of_a_given_size_socialises_what_it_cannot_bear() -> None:
    bars, tiers = market([FLAT, FLAT, (85, 85, 85, 85)]), [Tier(F(0), F(1, 100), F(10))]
    for size, fund, rest in ((F(200), 0, 300), (F(600), 100, 0), (None, -500, 0)):
        outcome = replay(bars, signals("1 . ."), TENFOLD, Venue([tiers], insurance_fund=size))
        # at 85 the 1000 of margin have lost 1500
        assert outcome.history["bad_debt"][-1] == 500
        assert (outcome.history["insurance_fund"][-1], outcome.history["socialised_loss"][-1]) == (fund, rest)
