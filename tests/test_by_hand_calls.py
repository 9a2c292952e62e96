"""Margin calls, by hand: made, answered, met, and enforced.

1000 of cash buy 100 units at 100 on tenfold leverage; 5 % of the notional is required, and one and a half of that
calls for margin. So 1000 + 100 (P - 100) is down to the call at 9000 / 92.5, and to what is required at 9000 / 95.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import MarginCall, Outcome, Tier

CROSS = replace(TENFOLD, margin_mode="cross")
FIVE = [Tier(F(0), F(5, 100), F(10))]
TWO_TIERS = [Tier(F(0), F(1, 100), F(10)), Tier(F(5000), F(5, 100), F(10))]  # R = 0.05 N - 200 from 5000 on
WAITS = MarginCall(F(3, 2), 1, "none")
PAYS = MarginCall(F(3, 2), 1, "reserve")
CALLED = F(9000) / F("92.5")
DIP = (100, 100, 96, 97)  # calls on the way down, and closes above what is required
LOW = (97, 97, 97, 97)  # 700 of 485 required, and of 727.5 for the call
HIGH = (99, 99, 99, 99)  # 900 of 495, of 742.5 for the call


def events(outcome: Outcome) -> list[tuple]:
    return values(outcome.calls, "bar", "instrument", "event", "balance", "maintenance", "asked", "amount", "reserve")


def closed(outcome: Outcome) -> list[tuple]:
    return values(outcome.liquidations, "bar", "quantity", "fill_price", "gap")


def row(bar: int, event: str, balance: F, maintenance: F, *money: F, instrument: int | None = 0) -> tuple:
    """Return a row of calls: after its figures what was asked, what was moved, and the reserve left, 0 unless given."""
    return (bar, instrument, event, balance, maintenance, *(*money, 0, 0, 0)[:3])


CALL = row(1, "call", F(15, 2) * CALLED, 5 * CALLED)


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_a_call_is_met_by_the_price(margin_mode: str) -> None:
    account = replace(TENFOLD, margin_mode=margin_mode)
    outcome = run(market([FLAT, DIP, HIGH, HIGH]), signals("1 . . ."), account, FIVE, call=WAITS)
    who = {"instrument": None if margin_mode == "cross" else 0}
    assert events(outcome) == [
        row(1, "call", F(15, 2) * CALLED, 5 * CALLED, **who),
        row(2, "cure", 900, 495, **who),
    ]
    assert not outcome.liquidations
    assert outcome.equity == [1000, 700, 900, 900]
    # equity is looked at right after the call, and at the low of 96
    assert outcome.equity_low == [1000, 600, 900, 900]


def test_a_call_that_is_met_can_be_made_again() -> None:
    outcome = run(market([FLAT, DIP, HIGH, DIP]), signals("1 . . ."), TENFOLD, FIVE, call=WAITS)
    assert [line[:3] for line in events(outcome)] == [(1, 0, "call"), (2, 0, "cure"), (3, 0, "call")]
    assert events(outcome)[2][3:5] == (F(15, 2) * CALLED, 5 * CALLED)


@pytest.mark.parametrize("grace", [1, 2, 3])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_what_is_not_met_in_the_grace_is_closed(grace: int, margin_mode: str) -> None:
    account = replace(TENFOLD, margin_mode=margin_mode)
    bars = market([FLAT, DIP, *[LOW] * 5])
    outcome = run(bars, signals("1" + " ." * 6), account, FIVE, call=replace(WAITS, grace=grace))
    who = {"instrument": None if margin_mode == "cross" else 0}
    assert events(outcome) == [
        row(1, "call", F(15, 2) * CALLED, 5 * CALLED, **who),
        row(2 + grace, "forced", 700, 485, **who),
    ]
    assert closed(outcome) == [(2 + grace, 100, 97, True)]
    assert outcome.equity[-1] == 700


def test_without_grace_the_call_is_the_end() -> None:
    outcome = run(market([FLAT, DIP, LOW]), signals("1 . ."), TENFOLD, FIVE, call=MarginCall(F(3, 2)))
    assert events(outcome) == [row(1, "forced", F(15, 2) * CALLED, 5 * CALLED)]
    assert closed(outcome) == [(1, 100, CALLED, False)]
    assert outcome.equity[-1] == F(15, 2) * CALLED


@pytest.mark.parametrize("below", [F(1), F(1, 2), F(5, 4), F(3, 2)])
def test_a_called_position_is_closed_at_once_at_the_lower_level(below: F) -> None:
    outcome = run(
        market([FLAT, (100, 100, 90, 97), LOW]), signals("1 . ."), TENFOLD, FIVE, call=replace(WAITS, close_below=below)
    )
    # 1000 + 100 (P - 100) = below * 5 P, further down the leg, or right where it was called
    price = 9000 / (100 - 5 * below)
    assert events(outcome) == [
        CALL,
        row(1, "forced", 5 * below * price, 5 * price),
        row(2, "cure", 0, 0),
    ]
    assert closed(outcome) == [(1, 100, price, False)]


def test_a_gap_calls_and_leaves_time() -> None:
    outcome = run(market([FLAT, FLAT, LOW, HIGH]), signals("1 . . ."), TENFOLD, FIVE, call=WAITS)
    assert events(outcome) == [row(2, "call", 700, 485, F("27.5")), row(3, "cure", 900, 495)]


def test_a_gap_through_both_levels_calls_and_closes() -> None:
    bars = market([FLAT, FLAT, (94, 94, 94, 94), FLAT])
    outcome = run(bars, signals("1 . . ."), TENFOLD, FIVE, call=WAITS)
    # 400 of 470, and of 705
    assert events(outcome) == [
        row(2, "call", 400, 470, 305),
        row(2, "forced", 400, 470),
        row(3, "cure", 0, 0),
    ]
    assert closed(outcome) == [(2, 100, 94, True)]


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_the_reserve_brings_a_called_position_to_the_target(margin_mode: str) -> None:
    account = replace(TENFOLD, margin_mode=margin_mode, reserve=F(1000))
    bars = market([FLAT, DIP, LOW, (97, 97, 93, 97)])
    outcome = run(bars, signals("1 . . ."), account, FIVE, call=PAYS, target_ratio=F(2))
    who = {"instrument": None if margin_mode == "cross" else 0}
    # 10 P - 7.5 P are asked for to come from 1.5 to the target of 2, and 2 * 485 - 700 at the open
    second = F(9000 - 270) / F("92.5")
    assert events(outcome) == [
        row(1, "call", F(15, 2) * CALLED, 5 * CALLED, F(5, 2) * CALLED, 0, 1000, **who),
        row(2, "deposit", 700, 485, 270, 270, 730, **who),
        row(2, "cure", 970, 485, 0, 0, 730, **who),
        row(3, "call", F(15, 2) * second, 5 * second, F(5, 2) * second, 0, 730, **who),
    ]
    assert outcome.history["reserve"] == [1000, 1000, 730, 730]
    assert outcome.history["deposits"] == [0, 0, 270, 270]
    assert outcome.equity == [1000, 700, 970, 970]
    assert outcome.history["margin"][-1] == (1270 if margin_mode == "isolated" else 0)
    assert outcome.history["wallet"][-1] == (0 if margin_mode == "isolated" else 1270)


def test_a_reserve_that_runs_out_only_delays_the_end() -> None:
    account = replace(TENFOLD, reserve=F(20))
    outcome = run(market([FLAT, DIP, LOW, LOW, LOW]), signals("1 . . . ."), account, FIVE, call=PAYS, target_ratio=F(2))
    # 720 are less than 727.5; with nothing left there is no row of a deposit
    assert events(outcome) == [
        row(1, "call", F(15, 2) * CALLED, 5 * CALLED, F(5, 2) * CALLED, 0, 20),
        row(2, "deposit", 700, 485, 270, 20, 0),
        row(3, "forced", 720, 485),
    ]
    assert outcome.equity[-1] == 720
    assert outcome.history["deposits"][-1] == 20


def test_a_deposit_is_made_even_where_it_does_not_help_in_time() -> None:
    # the second deposit of the last bar of grace is too small as well, and the position is closed after it
    account = replace(TENFOLD, reserve=F(300))
    bars = market([FLAT, DIP, (97, 97, 94, 94), (92, 92, 92, 92), FLAT])
    call = replace(PAYS, grace=1, close_below=F(1, 2))
    outcome = run(bars, signals("1 . . . ."), account, FIVE, call=call, target_ratio=F(8, 5))
    # 1.6 * 485 - 700 = 76 make 776 of 727.5: met. The margin is 1076 then: called at 8924 / 92.5, just below 97
    again = F(8924) / F("92.5")
    # at 92: 276 of 460: 1.6 * 460 - 276 = 460 are asked, 224 left, which make 500 of 690
    assert events(outcome)[1:] == [
        row(2, "deposit", 700, 485, 76, 76, 224),
        row(2, "cure", 776, 485, 0, 0, 224),
        row(2, "call", F(15, 2) * again, 5 * again, again / 2, 0, 224),
        row(3, "deposit", 276, 460, 460, 224, 0),
        row(4, "cure", 1300, 500),
    ]
    assert not outcome.liquidations


def test_a_deposit_in_the_bar_after_the_grace_is_followed_by_the_end() -> None:
    # missing in its last bar of grace, the position is looked at when it trades again
    account = replace(TENFOLD, reserve=F(10))
    bars = market([FLAT, DIP, None, None, LOW])
    outcome = run(bars, signals("1 . . . ."), account, FIVE, call=PAYS, target_ratio=F(2))
    assert events(outcome)[1:] == [
        row(4, "deposit", 700, 485, 270, 10, 0),
        row(4, "forced", 710, 485),
    ]
    assert closed(outcome) == [(4, 100, 97, True)]


def test_calls_of_isolated_positions_are_answered_in_order_from_one_reserve() -> None:
    account = replace(TENFOLD, reserve=F(200))
    bars = market([FLAT, DIP, LOW, HIGH], [FLAT, DIP, LOW, HIGH])
    outcome = run(bars, signals("0.5 . . .", "0.5 . . ."), account, FIVE, call=PAYS, target_ratio=F(2))
    half = [F(15, 4) * CALLED, F(5, 2) * CALLED, F(5, 4) * CALLED, 0]
    assert events(outcome) == [
        row(1, "call", *half, 200),
        row(1, "call", *half, 200, instrument=1),
        # 350 of 242.5 each, which ask for 135; the second gets 65, and has 415 of 363.75
        row(2, "deposit", 350, F("242.5"), 135, 135, 65),
        row(2, "cure", 485, F("242.5"), 0, 0, 65),
        row(2, "deposit", 350, F("242.5"), 135, 65, 0, instrument=1),
        row(2, "cure", 415, F("242.5"), instrument=1),
    ]


def test_positions_closed_by_the_trader_end_their_call_at_the_next_open() -> None:
    for margin_mode, balance in (("isolated", 0), ("cross", 700)):
        account = replace(TENFOLD, margin_mode=margin_mode)
        outcome = run(market([FLAT, DIP, LOW, LOW, LOW]), signals("1 0 . . ."), account, FIVE, call=WAITS)
        assert [line[:5] for line in events(outcome)][1:] == [
            (3, None if margin_mode == "cross" else 0, "cure", balance, 0)
        ]
        assert outcome.equity[-1] == 700


def test_a_position_opened_under_an_open_call_stands_at_the_lower_level_until_the_next_open() -> None:
    bars = market([FLAT, DIP, LOW, HIGH, FLAT])
    outcome = run(bars, signals("1 -1 . . ."), TENFOLD, FIVE, call=WAITS)
    # the flip leaves 7000 / 97 units short at 97 on 700; at 99 there are 555.7 left, and 535.8 for the call; at 100 too
    # little
    size = F(7000, 97)
    assert events(outcome) == [
        CALL,
        row(3, "cure", 700 - 2 * size, F(5, 100) * size * 99),
        row(4, "call", 700 - 3 * size, 5 * size, F(15, 2) * size - 700 + 3 * size),
    ]


def test_an_increase_has_to_leave_more_than_the_call_asks_for() -> None:
    # 50 units from 100 on 500 are at 97: 350 of 363.75. Called at 4500 / 46.25, 50 more at 97 are taken as long as
    # together they are above the lower level: 835 of 485
    account = replace(TENFOLD, sizing="cash")
    bars = market([FLAT, FLAT, LOW], marks=([FLAT, FLAT, LOW],))
    outcome = run(bars, signals("0.5 0.97 ."), account, FIVE, call=WAITS)
    assert [line[:3] for line in events(outcome)] == [(2, 0, "call")]
    assert outcome.fills[-1]["quantity"] == 50
    # not called, at a mark of 98.5 and a price of 100 the new position would have 850 of 738.75; at 97: 700 of 727.5
    for mark, filled in ((F("98.5"), 100), (97, 0)):
        bars = market([FLAT, FLAT], marks=([FLAT, (mark, 100, mark, 100)],))
        outcome = run(bars, signals("1 ."), TENFOLD, FIVE, call=WAITS)
        assert values(outcome.orders, "filled", "reason") == [(0, "refused")] * (not filled)
        assert [fill["quantity"] for fill in outcome.fills] == [filled] * (filled > 0)


def test_forced_step_by_step_until_the_call_is_met() -> None:
    # R is 0.05 N - 200 from 5000 on: 1000 + 100 (P - 100) = 1.5 (5 P - 200) calls at 8700 / 92.5
    bars = market([FLAT, (100, 100, 93, 93), (93, 93, 93, 93), (93, 93, 93, 93)])
    outcome = run(bars, signals("1 . . ."), TENFOLD, TWO_TIERS, call=WAITS, liquidation="step_down")
    price = F(8700) / F("92.5")
    assert events(outcome) == [
        row(1, "call", F(15, 2) * price - 300, 5 * price - 200),
        row(3, "forced", 300, 265),
    ]
    # at 5000 the 300 that are left are more than one and a half of 50
    assert closed(outcome) == [(3, 100 - F(5000, 93), 93, True)]
    assert outcome.equity[-1] == 300


def test_forced_again_and_again_in_one_row_at_the_open_and_one_each_on_a_leg() -> None:
    rules = {
        "liquidation": "share",
        "liquidation_share": F(1, 2),
        "liquidation_floor": F(3000),
        "liquidation_fee": F(1, 100),
    }
    bars = market([FLAT, DIP, LOW, LOW, LOW])
    outcome = run(bars, signals("1 . . . ."), TENFOLD, FIVE, call=replace(WAITS, close_below=F(1, 10)), **rules)
    # 700 of 727.5; half of it sold for a penalty of 48.5: 651.5 of 363.75
    assert [line[:3] for line in events(outcome)] == [(1, 0, "call"), (3, 0, "forced")]
    assert closed(outcome) == [(3, 50, 97, True)]
    rules["liquidation_fee"] = F(1, 4)
    # a quarter of 4850 would be more than the 700: nothing is left, and all is closed
    outcome = run(bars, signals("1 . . . ."), TENFOLD, FIVE, call=replace(WAITS, close_below=F(1, 10)), **rules)
    assert [line[:3] for line in events(outcome)] == [(1, 0, "call"), (3, 0, "forced")]
    assert closed(outcome) == [(3, 50, 97, True), (3, 50, 97, True)]


def test_without_grace_every_step_on_a_leg_is_forced() -> None:
    bars = market([FLAT, (100, 100, 85, 88)])
    outcome = run(bars, signals("1 ."), TENFOLD, TWO_TIERS, call=MarginCall(F(3, 2)), liquidation="step_down")
    first = F(8700) / F("92.5")
    kept = 5000 / first
    margin = 1000 + (100 - kept) * (first - 100)
    # m + q (P - 100) = 0.015 q P
    second = (100 * kept - margin) / (F(985, 1000) * kept)
    assert events(outcome) == [
        row(1, "forced", F(15, 2) * first - 300, 5 * first - 200),
        row(1, "forced", F(15, 1000) * kept * second, F(1, 100) * kept * second),
    ]
    assert closed(outcome) == [(1, 100 - kept, first, False), (1, kept, second, False)]


def test_a_cross_account_is_called_as_a_whole() -> None:
    # 50 units each: 1000 + 50 (P - 100) = 1.5 (2.5 P + 250) calls; at the close of 93 there are 650 of 482.5
    bars = market([FLAT, (100, 100, 92, 93), (93, 93, 93, 93), (93, 93, 93, 93)], [FLAT] * 4)
    outcome = run(bars, signals("0.5 . . .", "0.5 . . ."), CROSS, FIVE, call=WAITS, liquidation_order="largest_loss")
    price = F(4375) / F("46.25")
    assert events(outcome) == [
        row(1, "call", F("3.75") * price + 375, F("2.5") * price + 250, instrument=None),
        row(3, "forced", 650, F("482.5"), instrument=None),
    ]
    # without the first there are 650 for 375
    assert values(outcome.liquidations, "instrument", "quantity", "fill_price") == [(0, 50, 93)]
