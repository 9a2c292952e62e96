"""Scenes in which the end of a leg, a tie, or what an event leaves behind decides about the next one, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Account
from scenes import bars_of, play
from scenes import values as rows

UNLEVERED = Account(cash=F(1000), leverage=F(1))


def test_cross_dies_on_the_way_to_the_close() -> None:
    # 50 units of each, 1000 + 49.8 a + 49.8 b = 10 000; on the path one is at its low while the other is at its high
    account = replace(TENFOLD, margin_mode="cross", intrabar="path")
    bars = market([FLAT, (100, 120, 100, 100)], [FLAT, (100, 100, 78, 79)])
    outcome = run(bars, signals("0.5 .", "0.5 ."), account)
    # the last leg leads from 120 and 78 to 100 and 79
    point = (198 - F(9000) / F("49.8")) / 19
    assert values(outcome.liquidations, "mark_price", "fill_price") == [
        (120 - 20 * point, 120 - 20 * point),
        (78 + point, 78 + point),
    ]


@pytest.mark.parametrize(
    ("first", "second", "reasons"),
    [("0.5 .", "-0.5 .", ["stop_loss", "take_profit"]), ("-0.5 .", "0.5 .", ["take_profit", "stop_loss"])],
)
def test_exits_at_the_very_end_of_a_leg_follow_the_instruments(first: str, second: str, reasons: list[str]) -> None:
    account = replace(UNLEVERED, intrabar="path", stop_loss=F(1, 4), take_profit=F(1, 4))
    falling = [FLAT, (100, 100, 75, 100)]
    outcome = run(market(falling, falling), signals(first, second), account)
    assert values(outcome.fills[2:], "instrument", "reason") == list(enumerate(reasons))


def test_a_take_profit_lost_in_rounding_is_reached_where_the_position_is_opened() -> None:
    result = play(bars_of([100, 100, 100]), "1 . .", take_profit=2.0**-60)
    assert rows(result.fills, "bar", "price", "reason") == [(1, 100, "signal"), (1, 100, "take_profit")]


@pytest.mark.parametrize("direction", [1, -1])
def test_gains_of_another_position_carry_a_cross_account(direction: int) -> None:
    # both move by 30: what one loses, 50 * 30 of 1000, the other has gained at every point of the path
    account = replace(TENFOLD, margin_mode="cross", intrabar="path")
    bar = (100, 130, 100, 120)
    outcome = run(market([FLAT, bar], [FLAT, bar]), signals(f"{direction}/2 .", f"{-direction}/2 ."), account)
    assert not outcome.liquidations
    assert outcome.equity == [1000, 1000]


def test_shortfall_of_one_event_is_not_made_good_by_the_next() -> None:
    # 20 units of each bought at 150 while the open is 100; the first is stopped at 90 and filled at 45, then the
    # second earns its 30 a unit
    account = Account(cash=F(3000), leverage=F(2), stop_loss=F(2, 5), take_profit=F(1, 5))
    bars = market([FLAT, (100, 100, 90, 100)], [FLAT, (100, 180, 95, 180)])
    outcome = run(bars, signals("0.5 .", "0.5 ."), account, slippage=F(1, 2))
    assert values(outcome.fills[2:], "instrument", "price") == [(0, 45), (1, 180)]
    assert outcome.history["bad_debt"] == [0, 20 * 105 - 1500]
    assert outcome.equity == [3000, 1500 + 20 * 30]
