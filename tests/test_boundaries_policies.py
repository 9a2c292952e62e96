"""Hand-made cases exactly on each comparison that decides how much a liquidation closes, and a hair beyond it.

Rates, prices and leverages are dyadic: exact in binary, so that both engines stand on the same side.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, HOUR, F, market, run, signals, values
from reference import Account, Outcome, Tier
from scenes import bars_of, play

# 40 units from 100 on 1000, which need 1/16 of their notional: 40 (P - 75) are left, and 2.5 P needed, 200 at 80.
FOURFOLD = Account(cash=F(1000), leverage=F(4))
SIXTEENTH = [Tier(F(0), F(1, 16), F(4))]
HAIR = F(1, 1024)
HALF = {"liquidation": "share", "liquidation_share": F(1, 2)}


def open_at(price: F, account: Account = FOURFOLD, tiers: list | None = None, **rules: object) -> Outcome:
    """Return what becomes of the long at an open; the close before is still 100."""
    bars = market([FLAT, FLAT, (price,) * 4, (price,) * 4])
    return run(bars, signals("1 . . ."), account, tiers or SIXTEENTH, **rules)


def closed(outcome: Outcome) -> list[tuple]:
    return values(outcome.liquidations, "quantity", "partial")


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("breach", "highest"), [("at", F(80)), ("below", 80 - HAIR)])
def test_surplus_of_exactly_nothing(breach: str, highest: F, margin_mode: str) -> None:
    account = replace(FOURFOLD, margin_mode=margin_mode)
    for price in (80 - HAIR, F(80), 80 + HAIR):
        outcome = open_at(price, account, breach=breach)
        assert closed(outcome) == [(40, False)] * (price <= highest)
        # at the end of a leg
        outcome = run(market([FLAT, (100, 100, price, 100)]), signals("1 ."), account, SIXTEENTH, breach=breach)
        assert values(outcome.liquidations, "fill_price") == [(80,)] * (price <= highest)
    # from where the leg stands, down or up
    for low, high in ((79, 80), (80, 81)):
        bars = market([FLAT, FLAT, (80, high, low, 80)])
        outcome = run(bars, signals("1 . ."), account, SIXTEENTH, breach=breach)
        expected = [(80, True)] if breach == "at" else [(80, False)] * (low < 80)
        assert values(outcome.liquidations, "fill_price", "gap") == expected


@pytest.mark.parametrize(("breach", "lowest"), [("at", 80 + HAIR), ("below", F(80))])
def test_increase_that_leaves_exactly_nothing(breach: str, lowest: F) -> None:
    for mark in (80 - HAIR, F(80), 80 + HAIR):
        bars = market([FLAT, FLAT], marks=([FLAT, (mark, 100, mark, 100)],))
        outcome = run(bars, signals("1 ."), FOURFOLD, SIXTEENTH, breach=breach)
        assert len(outcome.fills) == (mark >= lowest)
        assert values(outcome.orders, "reason") == [("refused",)] * (mark < lowest)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(
    ("price", "rows"), [(75 - HAIR, [(40, False)]), (F(75), [(40, False)]), (75 + HAIR, [(20, True), (20, False)])]
)
def test_balance_of_exactly_nothing(price: F, rows: list, margin_mode: str) -> None:
    # where something is left, a share is closed, and the rest while the account cools down
    assert closed(open_at(price, replace(FOURFOLD, margin_mode=margin_mode), **HALF, cooldown=F(1))) == rows


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("price", "taken"), [(64 + HAIR, False), (F(64), False), (64 - HAIR, True)])
def test_balance_exactly_at_the_backstop(price: F, taken: bool, margin_mode: str) -> None:
    # 20 units from 100 on 1000: 280 are left at 64, and 21/64 of 1280 are 420
    account = replace(FOURFOLD, leverage=F(2), margin_mode=margin_mode)
    outcome = open_at(price, account, [Tier(F(0), F(21, 64), F(2))], **HALF, backstop=F(2, 3))
    assert closed(outcome) == [(20, False) if taken else (10, True)]
    assert outcome.history["forfeited"][-1] == (1000 - 20 * (100 - price) if taken else 0)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("backstop", "left"), [(F(0), 200), (F(1, 16), 0)])
def test_without_a_backstop_nothing_is_taken(backstop: F, left: int, margin_mode: str) -> None:
    # the marks say -200, the trade price 200
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], marks=([FLAT, FLAT, (70, 80, 70, 80)],))
    account = replace(FOURFOLD, margin_mode=margin_mode)
    assert run(bars, signals("1 . ."), account, SIXTEENTH, backstop=backstop).equity[-1] == left


@pytest.mark.parametrize(
    ("floor", "row"),
    [
        (3200 + HAIR, (40, False)),
        (F(3200), (40, False)),
        (3200 * (1 - F(1, 10**13)), (40, False)),  # within rounding
        (3200 - HAIR, (20, True)),
    ],
)
def test_notional_exactly_at_the_floor_of_shares(floor: F, row: tuple) -> None:
    assert closed(open_at(F(80), **HALF, liquidation_floor=floor)) == [row]


@pytest.mark.parametrize(("basis", "price", "notional"), [("mark", F(80), 3200), ("entry", F("81.25"), 4000)])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_notional_exactly_at_the_floor_of_a_tier(basis: str, price: F, notional: int, margin_mode: str) -> None:
    account = replace(FOURFOLD, margin_mode=margin_mode)
    rounding = notional * (1 - F(1, 10**13))
    for floor, whole in ((notional + HAIR, True), (notional, True), (rounding, True), (notional - HAIR, False)):
        tiers = [SIXTEENTH[0], Tier(F(floor), F(1, 16), F(4))]
        outcome = open_at(price, account, tiers, liquidation="step_down", maintenance_on=basis)
        assert closed(outcome) == [(40, False) if whole else (40 * HAIR / notional, True)]


@pytest.mark.parametrize(
    ("cooldown", "rows"),
    [
        (F(599), [(20, True), (10, True)]),
        (F(600), [(20, True), (10, True)]),
        (600 + F(1, 10**6), [(20, True), (20, False)]),
    ],
)
def test_cooldown_exactly_over(cooldown: F, rows: list) -> None:
    # 150 are left at 78.75, where half is closed; the rest is at its end at 76, half-way down a third of an hour
    bars = market([FLAT, FLAT, (F("78.75"), F("78.75"), F("73.25"), 78)])
    outcome = run(bars, signals("1 . ."), FOURFOLD, SIXTEENTH, **HALF, cooldown=cooldown)
    assert closed(outcome) == rows
    assert values(outcome.liquidations, "fill_price") == [(F("78.75"),), (76,)]


@pytest.mark.parametrize(
    ("bar", "hours", "intrabar", "seconds"),
    [
        ((F("78.75"), 80, 72, 78), [0, 1, 2], "best", 1800),  # half-way down the second leg
        ((F("78.75"), F("78.75"), F("73.25"), 78), [0, 1, 2, 4], "worst", 1200),  # of a bar of two hours
        ((F("78.75"), F("78.75"), F("73.25"), 78), [0, 1, 3], "worst", 1200),  # the last is as long as the one before
        ((F("78.75"), F("78.75"), F("73.25"), 78), [0, 1, 3, 4], "worst", 600),
    ],
)
def test_cooldown_counts_legs_and_bars(bar: tuple, hours: list, intrabar: str, seconds: int) -> None:
    account = replace(FOURFOLD, intrabar=intrabar)
    bars = market([FLAT, FLAT, bar, (78, 78, 78, 78)][: len(hours)], times=[hour * HOUR for hour in hours])
    wanted = signals(" ".join("1..."[: len(hours)]))
    for cooldown, rows in ((seconds, [(20, True), (10, True)]), (seconds + 1, [(20, True), (20, False)])):
        assert closed(run(bars, wanted, account, SIXTEENTH, **HALF, cooldown=F(cooldown))) == rows


@pytest.mark.parametrize(
    ("fee", "kept"),
    [
        # where the fee is what the target asks of a unit or more, closing does not help
        (F(1, 8) + HAIR, 0),
        (F(1, 8), 0),
        (F(1, 8) - HAIR, 0),
        # closing all costs 3200 times the fee of the 200
        (F(1, 16) + HAIR, 0),
        (F(1, 16), 0),
        # 3.125 are more than that: 3.125 + 196.875 y = 2 * 200 y
        (F(1, 16) - HAIR, F(3125, 203125)),
    ],
)
def test_restore_that_nothing_is_left_for(fee: F, kept: F) -> None:
    outcome = open_at(F(80), liquidation="restore", target_ratio=F(2), liquidation_fee=fee)
    assert closed(outcome) == [(40 * (1 - kept), kept > 0)]


@pytest.mark.parametrize(
    ("lot", "share", "sold"),
    [
        (10, F(1, 2), 20),  # two whole lots
        (10, F(1, 2) + F(1, 10**13), 20),  # within rounding
        (10, F(1, 2) + F(1, 10**11), 30),
        (8, F(1, 2), 24),
        (40, F(1, 2), 40),
        (20, F(3, 4), 40),
    ],
)
def test_share_of_whole_lots(lot: int, share: F, sold: int) -> None:
    outcome = open_at(F(80), liquidation="share", liquidation_share=share, lot_size=F(lot))
    assert closed(outcome) == [(sold, sold < 40)]


@pytest.mark.parametrize(("price", "whole"), [(64 - HAIR, True), (F(64), True), (64 + HAIR, False)])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_dust_is_not_left(price: F, whole: bool, margin_mode: str) -> None:
    # a billionth of the cash is 1: one lot of 1/64 at a price of 64; bought at 84, with a little left at 64
    start = (84, 84, 84, 84)
    account = replace(FOURFOLD, cash=F(10**9), margin_mode=margin_mode)
    held = F(10**9 * 4 * 64 // 84, 64)
    rules = {"liquidation": "share", "liquidation_share": 1 - F(3, 2) / (64 * held), "lot_size": F(1, 64)}
    outcome = run(market([start, start, (price,) * 4]), signals("1 . ."), account, SIXTEENTH, **rules)
    assert closed(outcome) == [(held, False) if whole else (held - F(1, 64), True)]


@pytest.mark.parametrize(
    ("fee", "penalty"), [(F(1, 8) + HAIR, 200), (F(1, 8), 200), (F(1, 8) - HAIR, 200 - 1600 * HAIR)]
)
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_penalty_of_a_part_takes_exactly_the_balance(fee: F, penalty: F, margin_mode: str) -> None:
    # half of 3200 is closed at 80, with 200 left
    account = replace(FOURFOLD, margin_mode=margin_mode)
    outcome = open_at(F(80), account, **HALF, cooldown=F(1), liquidation_fee=fee)
    assert values(outcome.liquidations, "penalty") == [(penalty,), (200 - penalty,)]
    assert closed(outcome) == [(20, True), (20, False)]
    assert outcome.equity[-1] == 0


@pytest.mark.parametrize(
    ("order", "second", "first"),
    [
        ("largest_loss", 79 - HAIR, 1),
        ("largest_loss", F(79), 0),
        ("largest_loss", 79 + HAIR, 0),
        ("largest_maintenance", 79 - HAIR, 0),
        ("largest_maintenance", F(79), 0),
        ("largest_maintenance", 79 + HAIR, 1),
    ],
)
def test_two_that_lose_the_same(order: str, second: F, first: int) -> None:
    # 20 units each, below their common end at 80
    bars = market([FLAT, FLAT, (79, 79, 79, 79)], [FLAT, FLAT, (second,) * 4])
    account = replace(FOURFOLD, margin_mode="cross")
    outcome = run(bars, signals("0.5 . .", "0.5 . ."), account, SIXTEENTH, liquidation_order=order)
    assert outcome.liquidations[0]["instrument"] == first


def test_what_is_closed_whole_begins_no_cooldown() -> None:
    # 10 units are worth less than the floor, 20 more
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], [FLAT, FLAT, (80, 80, 80, 80)])
    rules = {**HALF, "liquidation_floor": F(1000), "cooldown": F(1)}
    assert closed(run(bars, signals("0.25 . .", "0.5 . ."), FOURFOLD, SIXTEENTH, **rules)) == [(10, False), (10, True)]
    assert closed(run(bars, signals("0.5 . .", "0.5 . ."), FOURFOLD, SIXTEENTH, **rules)) == [(10, True), (20, False)]


def test_what_is_not_to_go_stays_even_where_it_is_worth_dust() -> None:
    # 30 units lose 65 each; a short of 10 has gained nearly all of its 1000: 50 are left of 30 * 35 / 16
    least = F(1, 2**24)
    bars = market([FLAT, FLAT, (35, 35, 35, 35)], [FLAT, FLAT, (least,) * 4])
    account = replace(FOURFOLD, margin_mode="cross")
    outcome = run(bars, signals("0.75 . .", "-0.25 . ."), account, SIXTEENTH, **HALF, liquidation_order="largest_loss")
    assert values(outcome.liquidations, "instrument", "quantity") == [(0, 15)]


@pytest.mark.parametrize(
    ("second", "rows"),
    [
        (101 - HAIR, [(159_999_999, False), (1, False)]),
        (F(101), [(159_999_999, False), (1, False)]),
        (101 + HAIR, [(80_000_000, True), (1, False)]),
    ],
)
def test_balance_of_a_billionth_of_what_is_required(second: F, rows: list) -> None:
    # on the entry 1 600 000 000 * 100 / 16 are required, a thousand million; the first has lost all the cash at 75, and
    # the second, of one lot, has gained 1
    held = 159_999_999
    account = Account(cash=F(25 * held), leverage=F(5), margin_mode="cross")
    tiers = [Tier(F(0), F(1, 16), F(5))]
    bars = market([FLAT, FLAT, (75, 75, 75, 75)], [FLAT, FLAT, (second,) * 4])
    full = 5 * account.cash
    wanted = signals(f"{100 * (held + F(1, 2)) / full} . .", f"{150 / full} . .")
    outcome = run(bars, wanted, account, tiers, **HALF, maintenance_on="entry", lot_size=F(1))
    assert closed(outcome)[:2] == rows


@pytest.mark.parametrize(("fee", "penalty"), [(F(1, 16), F("93.75")), (F(1, 8), 100)])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_penalty_of_a_part_that_slips(fee: F, penalty: F, margin_mode: str) -> None:
    # half is sold at 75 and loses 500, the rest stands at 80 and 400 less: 100 of 1000 are left
    account = replace(FOURFOLD, margin_mode=margin_mode)
    outcome = open_at(F(80), account, **HALF, cooldown=F(1), liquidation_fee=fee, liquidation_slippage=F(1, 16))
    assert values(outcome.liquidations, "penalty", "fill_price")[0] == (penalty, 75)
    # 100 less the penalty less another 100 by the slip of the rest
    assert values(outcome.liquidations, "bad_debt")[1] == (penalty,)


@pytest.mark.parametrize(
    ("margin_mode", "rules"),
    [
        # 250 on the entry, or 2.5 P and 1/64 of 3000: both are met at 81.25
        ("isolated", {"maintenance_on": "entry"}),
        ("cross", {"maintenance_on": "entry"}),
        ("cross", {"fee_in_maintenance": 1 / 64, "fee_in_maintenance_at": "bankruptcy"}),
    ],
)
def test_distance_counts_what_no_mark_changes(margin_mode: str, rules: dict) -> None:
    bars = bars_of([100, (100, 100, 90, 90), 100])
    settings = {"tiers": [(0, 1 / 16, 4)], "leverage": 4, "cash": 1000.0, "margin_mode": margin_mode}
    result = play(bars, "1 . .", **settings, **rules)
    assert result.summary["smallest_liquidation_distance"] == pytest.approx(8.75 / 90, rel=1e-12)
