"""Falls, days and logs of lanes that pass stretches of bars at once, in cases that lie exactly on an edge."""

import numpy as np
import pandas as pd
import pytest
from lanes_by_hand import both, held
from scenes import bars_of, play

import backtest as bt
from backtest.sweeping import batches

HOUR = pd.Timedelta("1h")

FALLS = {  # prices, hours of the longest fall, lowest close / its mark, lowest price / its mark
    "one bar below the mark": ([98], 1, 0.98, 0.98),
    "one bar at the mark": ([100], 0, 1, 1),
    "one bar above the mark, from a low below": ([(100, 110, 96, 110)], 0, 1, 0.96),
    "a close equal to the mark inside": ([99, 100, 98, 97], 2, 0.97, 0.97),
    "a close equal to the mark in the first bar": ([100, 99, 98, 97], 3, 0.97, 0.97),
    "a close equal to the mark in the last bar": ([96, 99, 98, 100], 4, 0.96, 0.96),
    "a fall over all bars": ([99, 95, 99, 98], 4, 0.95, 0.95),
    "a peak in the last bar": ([99, 98, 125, 150], 3, 0.98, 0.98),
    "a peak in the first bar": ([125, 120, 100, 110], 3, 0.8, 0.8),
    "a peak inside that stays the highest": ([110, 125, 124, 100], 2, 0.8, 0.8),
    "peaks that equal each other": ([125, 120, 125, 100, 125], 2, 0.8, 0.8),
    "a low in the bar of a new mark": ([110, (110, 150, 88, 150)], 0, 1, 0.8),
    "a low in the bar that meets the mark again": ([125, 120, (120, 125, 75, 125)], 2, 0.96, 0.6),
    "a low between two peaks": ([125, (125, 125, 75, 120), 120, 150, 149], 3, 0.96, 0.6),
    "a low after the last peak": ([125, 150, (150, 150, 75, 120)], 1, 0.8, 0.5),
    "a low below no mark": ([(100, 101, 90, 100), (100, 125, 100, 125), (125, 125, 120, 125)], 0, 1, 0.9),
    "a low under an old mark only": ([(100, 100, 80, 90), 125, (125, 125, 110, 120)], 2, 0.9, 0.8),
    "a deeper fall later": ([99, 125, 75, 150, 135], 2, 0.6, 0.6),
    "a deeper fall before": ([75, 100, 150, 135, 150], 2, 0.75, 0.75),
    "a low and a close of bars that stay below the mark": ([99, (99, 99, 80, 90), 95], 3, 0.9, 0.8),
}


@pytest.mark.parametrize("longest", [1, 2, 3, 256])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize(("prices", "hours", "close", "low"), FALLS.values(), ids=FALLS)
def test_falls_of_what_stands_still(prices, hours, close, low, short, longest):
    summary = held(prices, short, longest)
    assert summary["max_drawdown_duration"] == hours * HOUR
    assert summary["max_drawdown"] == pytest.approx(close - 1, abs=1e-12)
    assert summary["max_drawdown_low"] == pytest.approx(low - 1, abs=1e-12)


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_a_close_below_the_mark_by_less_than_equity_can_show_makes_no_fall(longest):
    bars = bars_of([100, 100, 100, np.nextafter(100, 0)])
    summary = both(bars, "0.001 . . .", {}, longest=longest)
    assert summary["max_drawdown_duration"] == 0 * HOUR


@pytest.mark.parametrize("longest", [1, 2, 3, 4, 256])
def test_a_fall_lasts_from_stretch_to_stretch_while_nothing_is_held(longest):
    bars = bars_of([100, 100, 90, 90, 90, 90, 120, 120, 120, 120])
    summary = both(bars, "1 . 0 . . . 1 . . .", {}, longest=longest)
    assert summary["max_drawdown"] == pytest.approx(-0.1)
    assert summary["max_drawdown_duration"] == 8 * HOUR
    assert summary["exposure"] == 0.5  # bars 1 and 2, 7 to 9


@pytest.mark.parametrize("longest", [1, 2, 3, 256])
def test_a_fall_that_begins_with_an_entry_began_at_the_close_before(longest):
    summary = both(bars_of([100] * 8), "0 . . . 1 . . .", {"taker_fee": 0.01}, longest=longest)
    assert summary["max_drawdown_duration"] == 3 * HOUR  # bars 5 to 7


@pytest.mark.parametrize("longest", [1, 2, 3, 256])
def test_a_flat_account_stays_at_its_mark(longest):
    bars = bars_of([100] * 6)
    summary = both(bars, "0 . . . . .", {}, longest=longest)
    assert summary["max_drawdown_duration"] == 0 * HOUR
    assert summary["total_return"] == 0


@pytest.mark.parametrize("longest", [1, 2, 3, 4, 256])
@pytest.mark.parametrize("every", ["8h", "12h", "1D", "36h", "7h"])
@pytest.mark.parametrize("start", ["2024-01-01 00:00", "2024-01-01 05:00", "2024-01-01 23:00"])
def test_days_end_inside_stretches_and_with_them(longest, every, start):
    bars = bars_of([100, 100, 104, 99, 103, 103, 101, 102, 100, 97, 98, 99], every=every, start=start)
    held_all, _ = both(bars, "1 . . . . . . . . . . .", {}, {"leverage": 2}, longest=longest)
    held_then_flat = both(bars, "1 . . . . 0 . . . . . .", {}, longest=longest)
    flat_then_held = both(bars, "0 . . . . 1 . . . . . .", {}, longest=longest)
    for summary in (held_all, held_then_flat, flat_then_held):
        assert summary["volatility"] > 0


@pytest.mark.parametrize("longest", [1, 2, 3, 256])
@pytest.mark.parametrize("every", ["8h", "1D"])
def test_days_end_in_stretches_that_hold_a_stop(longest, every):
    bars = bars_of([100, 100, 104, 101, 103, 94, 101, 102, 100, 97, 98, 99], every=every)
    assert both(bars, "1 . . . . . . . . . . .", {"stop_loss": 0.05}, longest=longest)["volatility"] > 0


@pytest.mark.parametrize("lanes", range(1, 6))
def test_lanes_of_a_block_do_not_touch_each_other(lanes, monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 2)
    bars = bars_of([100, 100, 101, 93, 98, 88, 103, 99, 100, 101])
    settings = [{"leverage": 2 * n + 1, "cash": 1000.0 * (n + 1)} for n in range(lanes)]
    together = both(bars, "1 . . . 0 -1 . . 1 .", *settings)
    assert len(together) == lanes if lanes > 1 else together["trades"] == 3


def test_rooms_may_hold_anything_before(monkeypatch):
    made = batches.new_rooms

    def littered(lanes, sizes):
        rooms = made(lanes, sizes)
        for room in rooms:
            room.view(np.uint8)[...] = 0x7F
        return rooms

    monkeypatch.setattr(batches, "new_rooms", littered)
    bars = bars_of([100, 100, 101, 93, 98, 88, 70, 103, 99, 100, 101])
    first, *_ = both(bars, "1 . . . 0 -1 . . 1 . .", {}, {"leverage": 5}, {"leverage": 10}, longest=2)
    assert first["trades"] == 3


@pytest.mark.parametrize(
    ("log", "name", "most"), [(0, "fills", 1), (1, "liquidations", 1), (2, "orders", 1), (3, "calls", 2)]
)
def test_a_log_that_is_one_row_short_is_written_again_and_one_that_is_just_full_is_not(log, name, most, monkeypatch):
    """What one bar brings at most: an exit, forced as a call has run out of time, which makes two rows of calls."""
    rules = {"call": bt.MarginCall(level=2, grace=1, deposit="none"), "tiers": [(0, 1 / 64, 50)]}
    bars = bars_of([100, 100, 99, 77, 77, 77, 77, 100, 100])
    setting = {"leverage": 4, "sizing": "cash", "cash": 1000.0} | rules
    assert getattr(play(bars, "1 . . . . -1 . . .", **setting), name).groupby("time").size().max() == most
    made, asked, sizes = batches.new_rooms, [], [64, 64, 64, 64]

    def rooms(lanes, given):
        asked.append(given if asked else sizes)
        return made(lanes, asked[-1])

    monkeypatch.setattr(batches, "new_rooms", rooms)
    for needed in range(8):
        sizes[log] = needed
        asked.clear()
        both(bars, "1 . . . . -1 . . .", setting)
        if len(asked) == 1:
            break
    assert needed == most
