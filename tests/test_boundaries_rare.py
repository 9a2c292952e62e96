"""Scenes that random markets hardly ever draw, by hand: ties, ends of legs, what one event leaves to the next."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from by_hand import FLAT, TENFOLD, F, market, run, signals, values
from reference import Account, Tier
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


@pytest.mark.parametrize(("price", "filled"), [(110, 0), (109, 10)])
def test_addition_that_would_leave_no_surplus(price: int, filled: int) -> None:
    # 10 units from 100 on 250, 10 more at 110 on 275: at a mark of 84 is left 525 - 160 - 260 = 105 = 20 * 84 / 16
    account = Account(cash=F(1000), leverage=F(4), sizing="cash")
    bars = market([FLAT, FLAT, (price,) * 4], marks=([FLAT, FLAT, (84, 84, 84, 84)],))
    outcome = run(bars, signals(f"1/4 {20 * price}/4000 ."), account, [Tier(F(0), F(1, 16), F(4))])
    assert [row["quantity"] for row in outcome.fills] == [10, 10][: 1 + filled // 10]
    assert values(outcome.orders, "filled", "reason") == [(0, "refused")] * (not filled)


def test_order_above_what_there_is_by_no_more_than_rounding() -> None:
    # half of the cash is lost; what may be asked is the other half, or a trillionth of it more
    most = 0.5 * (1.0 + 1e-12)
    for signal, reason in ((most, []), (math.nextafter(most, 1), ["fees"])):
        result = play(bars_of([1024, 1024, 512, 512]), f"1 0 {signal!r} .", cash=2048.0, sizing="cash")
        assert result.orders["reason"].tolist() == reason
        assert result.fills["quantity"].iloc[-1] == (2.0 if reason else most * 4)


def test_every_trade_bears_what_it_paid_itself() -> None:
    bars = bars_of([100] * 6, [100, 100, 100, 52, 52, 52], funding=([0, 0, 0.01, 0, -0.02, 0], [0] * 6))
    rules = {"tiers": [(0, 1 / 16, 4)], "liquidation_fee": 1 / 64, "residual": "forfeit", "borrow_rate": 0.876}
    result = play(bars, "0.5 . -0.5 0 . .", "0 0.25 . . . .", cash=1000.0, leverage=2, sizing="cash", **rules)
    # a long of 10 pays 10, then interest of a ten-thousandth an hour on 510; a short of 10 pays 20, and on 1000;
    # a long of 5 pays it on 250, and at 52 leaves what its margin of 250 is above 240
    interest = 250e-4
    penalty = 5 * 52 / 64
    expected = {
        "symbol": ["S0", "S1", "S0"],
        "margin": [500, 250, 500],
        "realised": [0, -240, 0],
        "funding": [10, 0, 20],
        "interest": [510e-4 + 510.051e-4, interest, 1000e-4],
        "penalty": [0, penalty, 0],
        "forfeited": [0, 10 - interest - penalty, 0],
    }
    for name, column in expected.items():
        assert result.trades[name].tolist() == (column if name == "symbol" else pytest.approx(column, rel=1e-12)), name


# With a slippage of 1/5 a short is filled at 80 of an open of 100: beyond its stop at 96, where it is stopped at once.
# A long is filled at 120, and has its stop at 96 as well.
SLIPPED = {"stop_loss": F(1, 5), "sizing": "cash"}


def test_price_of_an_earlier_stop_is_forgotten_at_the_next_open() -> None:
    account = Account(cash=F(1000), leverage=F(2), **SLIPPED)
    bars = market([FLAT, FLAT, FLAT, (60, 60, 60, 60)])
    outcome = run(bars, signals("-0.01 0.5 . ."), account, slippage=F(1, 5))
    # each unit of the long stands on 60: at a price of 60 nothing is left of it
    assert values(outcome.fills, "bar", "price", "reason") == [
        (1, 80, "signal"),
        (1, 120, "stop_loss"),
        (2, 120, "signal"),
        (3, 60, "liquidation"),
    ]


def test_price_of_an_earlier_stop_is_forgotten_while_the_instrument_is_missing() -> None:
    account = Account(cash=F(1000), leverage=F(10), margin_mode="cross", **SLIPPED)
    first = [FLAT, FLAT, FLAT, (100, 200, 100, 200), None, (200, 200, 200, 200)]
    bars = market(first, [FLAT, FLAT, FLAT, FLAT, (100, 100, 95, 100), FLAT])
    outcome = run(bars, signals("-0.012 0.336 . . . .", "0 . . 0.36 . ."), account, slippage=F(1, 5))
    # 1.5 short lose 60, and 28 long gain 80 each: enough for 30 of the other, stopped at 96, that lose 43.2 each
    assert values(outcome.fills[3:], "bar", "instrument", "quantity", "reason") == [
        (4, 1, 30, "signal"),
        (4, 1, -30, "stop_loss"),
    ]
    assert outcome.equity[-1] == 1000 - 60 + 28 * 80 - 30 * F("43.2")


def test_a_gap_kills_the_isolated_position_that_it_breaches_and_no_other() -> None:
    bars = market([FLAT, FLAT, (80, 80, 80, 80)], [FLAT, FLAT, (140, 140, 140, 140)])
    outcome = run(bars, signals("0.5 . .", "0.5 . ."))
    assert values(outcome.liquidations, "instrument", "fill_price", "gap", "bad_debt") == [(0, 80, True, 500)]
    cross = run(bars, signals("0.5 . .", "0.5 . ."), replace(TENFOLD, margin_mode="cross"))
    assert not cross.liquidations
    assert cross.equity == [1000, 1000, 1000 - 50 * 20 + 50 * 40]


def test_flip_cut_to_pay_the_fees_of_both_halves() -> None:
    # 1000 / 11 units at first; then their close costs a hundredth, and as much is missing for the fee of the next
    outcome = run(market([FLAT] * 3), signals("1 -1 ."), taker_fee=F(1, 100))
    assert values(outcome.orders, "bar", "reason") == [(1, "fees"), (2, "fees")]
    equity = 1000 - F(1000, 11)
    assert outcome.fills[-1]["quantity"] == -(equity - F(1000, 11)) / 11
