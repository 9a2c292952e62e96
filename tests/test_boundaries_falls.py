"""Falls of a curve, and the totals of its logs, in cases that lie exactly on an edge."""

import math

import numpy as np
import pytest

from backtest.kernels.curves import DAY, end_falls, mark_days, start_falls, walk_falls
from backtest.kernels.enums import CallEvent, Reason, Shortfall
from backtest.kernels.schema import CALL, FILL, LIQUIDATION, ORDER, POSITION, Logs
from backtest.kernels.sums_schema import TOTALS, TRIP
from backtest.kernels.trips import OPEN, settle_trips, tally

HOUR = 3_600_000_000_000


def falls_of(closes, lows=None, start=100.0):
    """Return the falls after the last of hourly bars."""
    time = np.arange(len(closes)) * HOUR
    closes = np.array(closes, float)
    lows = closes if lows is None else np.array(lows, float)
    return end_falls(walk_falls(start_falls(start, 0), time, closes, lows), int(time[-1]))


def test_a_close_equal_to_the_mark_ends_a_fall():
    falls = falls_of([101, 99, 99, 101, 100, 101])
    assert falls.longest == 3 * HOUR  # not 5
    assert falls.since == 5 * HOUR


def test_a_close_equal_to_the_equity_before_the_first_bar_ends_a_fall_from_there():
    falls = falls_of([99, 100, 98])
    assert (falls.longest_first, falls.longest, falls.first) == (HOUR, HOUR, 0)


def test_a_curve_that_stays_at_its_mark_has_no_fall():
    falls = falls_of([100, 100, 100])
    assert (falls.longest_first, falls.longest, falls.below) == (-1, 0, 0)
    assert (falls.max_drawdown, falls.max_drawdown_low) == (0, 0)


def test_a_fall_from_before_the_first_bar_is_counted_apart():
    falls = falls_of([90, 80, 120, 119])
    assert (falls.longest_first, falls.longest) == (2 * HOUR, HOUR)
    assert falls.max_drawdown == -0.2


def test_a_fall_from_before_the_first_bar_may_last_to_the_end():
    falls = falls_of([90, 95])
    assert (falls.longest_first, falls.longest, falls.first) == (HOUR, 0, 1)
    assert falls_of([90]).longest_first == 0  # and the interval of one bar


def test_a_fall_that_still_lasts_at_the_end_counts_up_to_there():
    falls = falls_of([110, 105, 110, 99, 100, 101])
    assert falls.longest == 3 * HOUR
    assert falls.max_drawdown == -0.1


def test_a_shorter_fall_leaves_the_longest_and_a_shallower_one_the_deepest():
    falls = falls_of([110, 88, 99, 110, 104.5, 110])
    assert falls.longest == 3 * HOUR
    assert falls.max_drawdown == -0.2


def test_the_low_of_the_bar_that_sets_a_mark_is_held_against_the_old_one():
    falls = falls_of([100, 200], lows=[100, 90])
    assert falls.max_drawdown_low == -0.1  # not of 200
    assert falls.max_drawdown == 0


def test_the_low_of_the_bar_that_reaches_the_mark_again_still_counts():
    assert falls_of([99, 100], lows=[99, 75]).max_drawdown_low == -0.25


def test_a_low_under_an_old_mark_is_forgotten_under_the_new():
    assert falls_of([100, 200, 190], lows=[50, 150, 180]).max_drawdown_low == -0.5


def test_a_low_below_a_mark_that_no_close_is_below_makes_no_fall_of_the_closes():
    falls = falls_of([100, 100], lows=[60, 100])
    assert (falls.max_drawdown, falls.max_drawdown_low, falls.longest_first) == (0, -0.4, -1)


def test_a_bar_at_midnight_begins_a_day_and_one_a_nanosecond_before_ends_one():
    day, last = np.zeros(4, np.int64), np.zeros(4, np.int64)
    assert mark_days(np.array([0, DAY - 1, DAY, 3 * DAY]), day, last) == (3, 1)
    assert day[:3].tolist() == [0, 1, 3]
    assert last[:3].tolist() == [1, 2, 3]


def records(kind, rows):
    """Return records with the fields given and 0 in the others."""
    made = np.zeros(len(rows), kind)
    for row, fields in enumerate(rows):
        for name, value in fields.items():
            made[name][row] = value
    return made


def trips_of(*fills, liquidations=()):
    """Return round trips, written where other bytes were."""
    room = np.frombuffer(b"\x7f" * TRIP.itemsize * (len(fills) + 1), TRIP).copy()
    logs = records(FILL, fills), records(LIQUIDATION, liquidations)
    return room[: settle_trips(*logs, np.zeros(2, POSITION), 9, np.zeros(2, np.int64), room)]


def test_a_trip_is_written_whole_wherever_it_is_written():
    (trip,) = trips_of({"quantity": -2.0, "price": 8.0, "position": -2.0, "bar": 3, "instrument": 1})
    expected = dict.fromkeys(TRIP.names, 0) | {
        "instrument": 1, "short": 1, "quantity": 2, "entry_bar": 3, "exit_bar": 9, "entry_price": 8, "opened": 2,
        "reason": OPEN,
    }  # fmt: skip
    assert math.isnan(trip["exit_price"])
    assert {name: trip[name] for name in TRIP.names if name != "exit_price"} == {
        name: value for name, value in expected.items() if name != "exit_price"
    }


def test_a_trip_is_liquidated_where_any_of_its_fills_is():
    opened = {"quantity": 2.0, "price": 8.0, "position": 2.0}
    part = {"quantity": -1.0, "price": 7.0, "position": 1.0, "reason": Reason.LIQUIDATION}
    rest = {"quantity": -1.0, "price": 9.0, "position": 0.0, "reason": Reason.STOP_LOSS}
    (trip,) = trips_of(opened, part, rest)
    assert (trip["liquidated"], trip["reason"]) == (1, Reason.STOP_LOSS)
    (trip,) = trips_of(opened, part | {"reason": Reason.SIGNAL}, rest)
    assert trip["liquidated"] == 0


def test_a_trip_that_opened_nothing_has_no_entry_price():
    (trip,) = trips_of({"quantity": 1.0, "price": 8.0, "position": 0.0})
    assert math.isnan(trip["entry_price"])
    assert trip["exit_price"] == 8


def totals_of(orders=(), calls=(), trips=()):
    """Return the totals of logs with rooms that are larger than what they hold, written where other bytes were."""
    logs = Logs(
        np.zeros(0, FILL), np.zeros(0, LIQUIDATION), records(ORDER, [*orders, {"reason": Shortfall.REFUSED}]),
        records(CALL, [*calls, {"event": CallEvent.CALL}]), np.array([0, 7, len(orders), len(calls)]),
    )  # fmt: skip
    totals = np.frombuffer(b"\x7f" * TOTALS.itemsize, TOTALS).copy()
    tally(logs, records(TRIP, trips), falls_of([100, 99, 110, 55, 110, 100], start=110.0), 100.0, totals[0])
    return dict(zip(TOTALS.names, totals[0].item(), strict=True))


def test_no_events_make_totals_of_nothing():
    given = {"equity": 100, "max_drawdown": -0.5, "max_drawdown_low": -0.5, "liquidations": 7}
    lasting = {"longest": 2 * HOUR, "longest_first": 2 * HOUR}
    assert totals_of() == dict.fromkeys(TOTALS.names, 0) | given | lasting


def test_calls_are_counted_and_money_is_added_up_by_event():
    kinds = [CallEvent.CALL] * 3 + [CallEvent.FORCED] * 2 + [CallEvent.DEPOSIT] * 2 + [CallEvent.REFILL] * 2
    others = [event for event in CallEvent if event not in kinds]
    totals = totals_of(calls=[{"event": event, "amount": 2.0**n} for n, event in enumerate(kinds + others)])
    assert (totals["margin_calls"], totals["forced_closes"]) == (3, 2)
    assert (totals["deposits"], totals["refilled"]) == (32 + 64, 128 + 256)


@pytest.mark.parametrize("reason", list(Shortfall))
def test_an_order_is_cut_or_refused_or_neither(reason):
    totals = totals_of(orders=[{"reason": reason}])
    cut = reason in (Shortfall.TIER, Shortfall.MARGIN)
    refused = reason in (Shortfall.REFUSED, Shortfall.RUINED)
    assert (totals["cut_orders"], totals["refused_orders"]) == (cut, refused)


def test_a_trip_that_earned_nothing_is_no_win_and_a_liquidated_one_may_win():
    totals = totals_of(
        trips=[
            {"pnl": 0.0},
            {"pnl": 3.0, "liquidated": 1},
            {"pnl": -2.0, "liquidated": 1},
            {"pnl": -1.0, "liquidated": 1, "reason": OPEN},
        ]
    )
    assert (totals["trades"], totals["closed"], totals["wins"]) == (4, 3, 1)
    assert (totals["won"], totals["lost"], totals["liquidation_loss"]) == (3, 2, 0)
