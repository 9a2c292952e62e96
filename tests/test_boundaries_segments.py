"""Stretches between events, by hand: where they end, their extremes and peaks, and what does not fit its room."""

import math

import numpy as np
import pytest
from scenes import bars_of

from backtest.kernels.schema import Schedule
from backtest.kernels.segments import PEAK, SEGMENT, Index, fill_segments
from backtest.replaying.engine import market_of

SPARE = 3  # rows behind a room, which nothing may touch


def segments_of(bars, changes=(), longest=256, rooms=(20, 40, 40)):
    """Return the counts, and segments and peaks as lists of dicts, of bars whose strategy changes at those closes."""
    schedule = Schedule(*np.zeros((3, len(changes)), np.int64), np.zeros(len(changes)))
    schedule.bar[:] = changes
    given = [np.zeros(room + SPARE, kind) for room, kind in zip(rooms, (SEGMENT, PEAK, PEAK), strict=True)]
    spaces = [each[:room] for each, room in zip(given, rooms, strict=True)]
    counts = fill_segments(market_of(bars), schedule, longest, Index(*spaces, np.array([len(bars)])))
    for each, room in zip(given, rooms, strict=True):
        assert each[room:].tobytes() == bytes(SPARE * each.dtype.itemsize)
    rows = [[dict(zip(each.dtype.names, row.item(), strict=True)) for row in each] for each in spaces]
    return counts, *rows


def spans(bars, **settings):
    """Return the first bar and the bar after the last of every segment."""
    (count, _, _), rows, _, _ = segments_of(bars, **settings)
    assert rows[count]["first"] == len(bars)
    return [(row["first"], row["end"]) for row in rows[:count]]


def peaks_of(*prices, short=False):
    """Return the peaks (bar, close, low, trough) of bars that are one segment, and the tail."""
    counts, segments, *peaks = segments_of(bars_of(list(prices)))
    name, side = ("short_tail", 1) if short else ("long_tail", 0)
    return [tuple(row.values()) for row in peaks[side][: counts[1 + side]]], segments[0][name]


def test_a_bar_without_an_event_is_a_segment_of_its_own():
    assert spans(bars_of([100])) == [(0, 1)]


def test_a_change_takes_the_bar_after_its_close_out_of_the_segments():
    assert spans(bars_of([100] * 6), changes=(2,)) == [(0, 3), (4, 6)]


def test_changes_at_one_close_are_one_event():
    assert spans(bars_of([100] * 6), changes=(2, 2)) == [(0, 3), (4, 6)]


def test_a_change_at_the_last_close_ends_nothing():
    assert spans(bars_of([100] * 3), changes=(2,)) == [(0, 3)]


def test_changes_at_neighbouring_closes_leave_no_segment_between():
    assert spans(bars_of([100] * 6), changes=(0, 1, 3)) == [(0, 1), (3, 4), (5, 6)]


def test_funding_takes_its_bar_out_of_the_segments():
    bars = bars_of([100] * 6, funding=[[0, 0, 0.001, 0, 0, 0.001]])
    assert spans(bars) == [(0, 2), (3, 5)]


def test_funding_and_a_change_in_one_bar_are_one_event():
    assert spans(bars_of([100] * 4, funding=[[0, 0, 0.001, 0]]), changes=(1,)) == [(0, 2), (3, 4)]


def test_funding_before_a_change_and_after_one():
    bars = bars_of([100] * 8, funding=[[0, 0.001, 0, 0, 0, 0.001, 0, 0]])
    assert spans(bars, changes=(2,)) == [(0, 1), (2, 3), (4, 5), (6, 8)]


def test_bars_that_all_have_events_have_no_segment():
    assert spans(bars_of([100] * 2, funding=[[0.001, 0.001]])) == []


def test_a_long_segment_is_cut():
    assert spans(bars_of([100] * 7), longest=3) == [(0, 3), (3, 6), (6, 7)]
    assert spans(bars_of([100] * 6), longest=3) == [(0, 3), (3, 6)]
    assert spans(bars_of([100] * 6), longest=3, changes=(2,)) == [(0, 3), (4, 6)]


def test_extremes_are_those_of_marks_and_trades_apart():
    trades = [(100, 109, 94, 101), (101, 103, 99, 100), (100, 104, 93, 99), (99, 110, 98, 99)]
    marks = [(100, 106, 95, 102), (102, 107, 97, 98), (98, 103, 96, 102), (102, 105, 97, 98)]
    _, (row, *_), _, _ = segments_of(bars_of(trades, marks=[marks]))
    assert (row["low"], row["high"], row["trade_low"], row["trade_high"]) == (95, 107, 93, 110)
    assert (row["lowest_close"], row["highest_close"]) == (98, 102)
    assert (row["lowest_bar"], row["highest_bar"]) == (1, 0)  # the first of equals


def test_extremes_of_one_segment_say_nothing_of_the_next():
    bars = bars_of([(100, 120, 80, 90), (90, 130, 70, 100), (95, 97, 93, 96), (96, 98, 94, 95)])
    _, (first, second, *_), _, _ = segments_of(bars, longest=2)
    assert (first["low"], first["high"], first["lowest_bar"], first["highest_bar"]) == (70, 130, 0, 1)
    assert (second["low"], second["high"], second["lowest_bar"], second["highest_bar"]) == (93, 98, 3, 2)
    assert (second["trade_low"], second["trade_high"]) == (93, 98)
    assert (second["lowest_close"], second["highest_close"]) == (95, 96)


def test_the_first_bar_is_a_peak_and_what_follows_below_it_its_trough():
    peaks, tail = peaks_of((100, 104, 96, 102), (102, 103, 90, 101), (101, 101, 95, 99), (99, 101, 98, 100))
    assert peaks == [(0, 102, 96, 99)]
    assert tail == 90


def test_a_close_equal_to_the_peak_before_is_a_peak_and_a_higher_one_too():
    peaks, tail = peaks_of((100, 102, 99, 100), (100, 101, 97, 98), (98, 100, 96, 100), (100, 105, 95, 103))
    assert peaks == [(0, 100, 99, 98), (2, 100, 96, math.inf), (3, 103, 95, math.inf)]
    assert tail == math.inf  # the last bar is a peak


def test_the_low_of_a_peak_reaches_back_to_the_bar_after_the_peak_before():
    peaks, tail = peaks_of(100, (100, 100, 80, 90), (90, 96, 85, 95), (95, 102, 84, 101), (101, 101, 91, 92))
    assert peaks == [(0, 100, 100, 90), (3, 101, 80, 92)]
    assert tail == 91


def test_peaks_of_shorts_are_those_of_negated_prices():
    bars = ((100, 104, 96, 98), (98, 110, 97, 99), (99, 105, 98, 98), (98, 98, 90, 91), (91, 95, 91, 93))
    peaks, tail = peaks_of(*bars, short=True)
    assert peaks == [(0, -98, -104, -99), (2, -98, -110, math.inf), (3, -91, -98, -93)]
    assert tail == -95


def test_peaks_are_those_of_marks():
    marks = [(50, 51, 49, 50), (50, 52, 48, 51)]
    _, _, longs, shorts = segments_of(bars_of([(100, 103, 97, 102), (102, 104, 96, 98)], marks=[marks]))
    assert [tuple(row.values()) for row in longs[:2]] == [(0, 50, 49, math.inf), (1, 51, 48, math.inf)]
    assert tuple(shorts[0].values()) == (0, -50, -51, -51)


def test_peaks_stand_segment_after_segment_and_keep_their_troughs():
    counts, rows, longs, shorts = segments_of(bars_of([100, 99, 97, 103, 98, 101]), longest=2)
    assert counts == (3, 5, 4)
    assert [row["long_peaks"] for row in rows[:4]] == [0, 1, 3, 5]
    assert [row["short_peaks"] for row in rows[:4]] == [0, 2, 3, 4]
    none = math.inf
    assert [(row["bar"], row["trough"]) for row in longs[:5]] == [(0, 99), (2, none), (3, none), (4, none), (5, none)]
    assert [(row["bar"], row["trough"]) for row in shorts[:4]] == [(0, none), (1, none), (2, -103), (4, -101)]
    assert longs[5] == dict.fromkeys(PEAK.names, 0)


@pytest.mark.parametrize("room", range(6))
def test_peaks_beyond_their_room_are_counted_and_those_within_are_whole(room):
    bars = bars_of([100, 99, 97, 103, 98, 101, 100])
    counts, rows, longs, shorts = segments_of(bars, longest=2)
    small = segments_of(bars, longest=2, rooms=(20, room, 40))
    assert small[0] == counts == (4, 6, 5)
    assert small[1] == rows
    assert small[2] == longs[:room]
    assert small[3] == shorts
    small = segments_of(bars, longest=2, rooms=(20, 40, room))
    assert small[3] == shorts[:room]
    assert small[2] == longs


def test_a_room_that_is_just_full_holds_the_last_trough():
    prices = [100, 102, 101]
    counts, _, longs, _ = segments_of(bars_of(prices), rooms=(20, 2, 40))
    assert counts[1] == 2
    assert [row["trough"] for row in longs] == [math.inf, 101]


@pytest.mark.parametrize("room", [1, 2, 3, 4])
def test_segments_beyond_their_room_are_counted_and_leave_the_last_row_alone(room):
    bars = bars_of([100] * 6)
    _, rows, _, _ = segments_of(bars, longest=2)
    (count, _, _), small, _, _ = segments_of(bars, longest=2, rooms=(room, 40, 40))
    assert count == 3
    fitting = 4 if room == 4 else room - 1
    assert small[:fitting] == rows[:fitting]
    assert small[fitting:] == [dict.fromkeys(SEGMENT.names, 0)] * (room - fitting)
