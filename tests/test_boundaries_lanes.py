"""Lanes of a sweep that pass stretches of bars at once, in cases that lie exactly on an edge, against each alone."""

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, targets_of, venue_of
from test_batches import assert_same, together_and_alone

import backtest as bt
from backtest import batches

HOUR = pd.Timedelta("1h")


def both(bars, signals, *settings, longest=256):
    """Return the summaries of accounts, dicts of their settings, which must be the same together and alone."""
    pairs = []
    for each in settings:
        account = {name: value for name, value in each.items() if name in bt.Account.model_fields}
        rules = {name: value for name, value in each.items() if name not in account}
        pairs.append((bt.Account(**{"cash": 1000.0, "leverage": 1} | account), venue_of(**rules)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LONGEST", longest)
        together, alone = together_and_alone(bars, targets_of(signals), pairs)
    for one, other in zip(together, alone, strict=True):
        assert_same(one, other)
    return alone[0] if len(alone) == 1 else alone


def held(prices, short=False, longest=256, **settings):
    """Return the summary of ten units held from bar 1 on, at 100, whose equity is then 10 * price.

    A short holds them over mirrored prices, which comes to the same.
    """
    bars = [100, 100, *(mirrored(bar) if short else bar for bar in prices)]
    words = " ".join(["-1" if short else "1", *"." * (len(bars) - 1)])
    return both(bars_of(bars, every="1h"), words, settings, longest=longest)


def mirrored(bar):
    """Return a bar as a short sees it."""
    if np.isscalar(bar):
        return 200 - bar
    opened, high, low, close = (200 - price for price in bar)
    return opened, low, high, close


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


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_records_that_the_worst_close_of_a_stretch_sets(short, longest):
    summary = held([101, 99, 90, 95, 97], short, longest, tiers=[(0, 0.01, 50)])
    worst = 110 if short else 90
    assert summary["highest_effective_leverage"] == pytest.approx(worst / 90)
    assert summary["highest_margin_ratio"] == pytest.approx(0.01 * worst / 90)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_records_that_a_worse_close_of_the_next_stretch_sets(short, margin_mode, longest):
    settings = {"leverage": 4, "margin_mode": margin_mode, "tiers": [(0, 0.01, 50)]}
    summary = held([101, 95, 96, 94, 93, 99], short, longest, **settings)
    worst = 107 if short else 93
    assert summary["highest_effective_leverage"] == pytest.approx(40 * worst / (1000 - 40 * 7))
    assert summary["highest_margin_ratio"] == pytest.approx(0.01 * 40 * worst / (1000 - 40 * 7))
    liquidation = 3000 / (40 * 0.99) if not short else 5000 / (40 * 1.01)
    assert summary["smallest_liquidation_distance"] == pytest.approx(abs(worst - liquidation) / worst)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("side", [1, -1])
def test_a_record_that_only_the_leverage_sets(side, longest):
    # a quarter of the account comes near to its liquidation, at 2275 / 775; then a half stays far from its own
    near, far = (91, 98) if side > 0 else (109, 102)
    bars = bars_of([100, 100, 100, near, 100, 100, 100, 100, far, 100])
    summary = both(bars, f"{0.25 * side} . . . 0 {0.5 * side} . . . .", {"leverage": 10}, longest=longest)
    assert summary["highest_margin_ratio"] == pytest.approx(0.004 * 25 * near / 25)
    assert summary["highest_effective_leverage"] == pytest.approx(50 * far / 900)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("maintenance_on", ["mark", "entry"])
@pytest.mark.parametrize("side", [1, -1])
def test_records_that_only_the_margin_sets(side, maintenance_on, longest):
    # a whole account has leverage 5; then a twentieth of it comes near to its liquidation
    near = 85 if side > 0 else 115
    bars = bars_of([100, 100, 100, 100, 100, 100, 100, near, 100])
    words = f"{side} . . 0 {0.05 * side} . . . ."
    summary = both(bars, words, {"leverage": 5, "maintenance_on": maintenance_on}, longest=longest)
    assert summary["highest_effective_leverage"] == pytest.approx(5)
    required = 0.004 * 2.5 * (near if maintenance_on == "mark" else 100)
    assert summary["highest_margin_ratio"] == pytest.approx(required / 12.5)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("side", [1, -1])
def test_a_distance_that_is_hardly_a_record_where_maintenance_is_on_the_entry(side, longest):
    # what is needed, 1, is ten times what the last step takes from the balance
    entry, near = (90, 89.96) if side > 0 else (110, 110.04)
    bars = bars_of([100, 100, 100, 100, 100, (100, 110, 90, entry), entry, near, entry])
    words = f"{side} . . 0 {0.05 * side} . . . ."
    summary = both(bars, words, {"leverage": 5, "maintenance_on": "entry"}, longest=longest)
    surplus = 50 - 2.5 * abs(near - 100) - 1
    assert summary["smallest_liquidation_distance"] == pytest.approx(surplus / 2.5 / near, rel=1e-9)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_a_liquidation_inside_a_stretch_where_maintenance_is_on_the_entry(short, margin_mode, longest):
    settings = {"leverage": 4, "margin_mode": margin_mode, "tiers": [(0, 1 / 64, 50)], "maintenance_on": "entry"}
    end = 75 + 100 / 64  # 1000 - 40 * 25 + 62.5 are left of 40 units, which always need 62.5
    for hair, count in ((-1e-9, 1), (1e-9, 0)):
        summary = held([99, (99, 100, end + hair, 98), 97], short, longest, **settings)
        assert summary["liquidations"] == count


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("edge", [95, 105])
@pytest.mark.parametrize("order", ["stop_loss", "take_profit"])
def test_a_stop_at_the_very_extreme_of_a_stretch_is_hit(order, edge, short, margin_mode, longest):
    if (order == "stop_loss") == (edge > 100):
        edge = 200 - edge
    bars = [100, (100, 104, 96, 100), (100, max(edge, 104), min(edge, 96), 101), 102, 101]
    summary = held(bars, short, longest, margin_mode=margin_mode, **{order: 0.05})
    assert summary["win_rate"] == float(edge > 100)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("order", ["stop_loss", "take_profit"])
def test_a_stop_a_hair_beyond_a_stretch_is_not_hit(order, short, longest):
    bars = [100, (100, 104.99, 95.01, 100), (100, 104, 96, 101), 101]
    assert np.isnan(held(bars, short, longest, **{order: 0.05})["win_rate"])


def test_stops_look_at_traded_prices_and_liquidations_at_marks():
    trades = [100, 100, 100, (100, 101, 95, 100), 100, 100]
    marks = [100, 100, 100, 100, (100, 100, 74, 99), 100]
    bars = bars_of(trades, marks=[marks])
    stopped, dead, safe = both(bars, "1 . . . . .", {"stop_loss": 0.05}, {"leverage": 4}, {"leverage": 2})
    assert stopped["win_rate"] == 0
    assert (dead["liquidations"], stopped["liquidations"], safe["liquidations"]) == (1, 0, 0)


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_a_liquidation_at_the_very_extreme_of_a_stretch(short, margin_mode, longest):
    # 40 units on 1000 die where 1000 - 40 * fall is 1/64 of 40 * price, a hair before 75 or 125
    settings = {"leverage": 4, "margin_mode": margin_mode, "tiers": [(0, 1 / 64, 50)]}
    mark = 200 - 5000 / (40 * (1 + 1 / 64)) if short else 3000 / (40 * (1 - 1 / 64))
    for hair, count in ((-1e-9, 1), (1e-9, 0)):
        summary = held([99, (99, 100, mark + hair, 98), 97], short, longest, **settings)
        assert summary["liquidations"] == count


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_an_equity_of_nearly_nothing_ruins_though_the_price_comes_back(longest):
    prices = [100, 50, 1e-4, 1e-4, 50, 100]
    summary = held(prices, False, longest, margin_mode="cross")
    assert summary["ruined"] is True
    assert summary["total_return"] == pytest.approx(0)
    assert held([100, 50, 1e-3, 1e-3, 50, 100], False, longest, margin_mode="cross")["ruined"] is False


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_an_account_that_lost_everything_passes_the_rest(margin_mode, longest):
    bars = bars_of([100, 100, 99, 40, 40, 100, 100, 100])
    settings = {"leverage": 10, "margin_mode": margin_mode, "sizing": "cash"}
    summary = both(bars, "1 . . . . -1 . .", settings, longest=longest)
    assert summary["ruined"] is True
    assert summary["refused_orders"] == 1


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_a_called_account_is_looked_at_on_every_bar(longest):
    call = bt.MarginCall(level=2, grace=2, deposit="none")
    bars = bars_of([100, 100, 99, 77, 77, 77, 77, 77])
    rules = {"call": call, "tiers": [(0, 1 / 64, 50)]}
    called, never = both(bars, "1 . . . . . . .", {"leverage": 4} | rules, rules, longest=longest)
    assert (called["margin_calls"], called["forced_closes"]) == (1, 1)
    assert never["margin_calls"] == 0


@pytest.mark.parametrize("longest", [1, 2, 256])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
def test_a_tier_that_begins_inside_a_stretch(short, margin_mode, longest):
    tiers = [(0, 1 / 64, 50), (3500, 1 / 32, 20), (4200, 1 / 16, 10)]
    summary = held([101, 99, 92, 84, 101, 106], short, longest, leverage=4, margin_mode=margin_mode, tiers=tiers)
    worst = 116 if short else 84
    notional = 40 * worst
    lines = ((1 / 64, 0), (1 / 32, 3500 / 64), (1 / 16, 3500 / 64 + 4200 / 32))
    required = max(notional * rate - deduction for rate, deduction in lines)
    assert summary["highest_margin_ratio"] == pytest.approx(required / (1000 - 40 * 16))


@pytest.mark.parametrize("longest", [1, 2, 256])
def test_funding_is_paid_between_stretches(longest):
    bars = bars_of([100, 100, 101, 99, 98, 102, 103], funding=[[0.001, 0, 0, 0.001, 0, 0, 0.001]])
    summary = both(bars, "1 . . . . . .", {}, longest=longest)
    assert summary["funding"] == pytest.approx(10 * (101 + 102) * 0.001, rel=0.02)


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


@pytest.mark.parametrize("log", range(4))
def test_a_log_that_is_one_row_short_is_written_again_and_one_that_is_just_full_is_not(log, monkeypatch):
    """Of fills, liquidations, orders and calls."""
    rules = {"call": bt.MarginCall(level=2, grace=1, deposit="none"), "tiers": [(0, 1 / 64, 50)]}
    bars = bars_of([100, 100, 99, 77, 77, 77, 77, 100, 100])
    made, asked, sizes = batches.new_rooms, [], [64, 64, 64, 64]

    def rooms(lanes, given):
        asked.append(given if asked else sizes)
        return made(lanes, asked[-1])

    monkeypatch.setattr(batches, "new_rooms", rooms)
    for needed in range(8):
        sizes[log] = needed
        asked.clear()
        both(bars, "1 . . . . -1 . . .", {"leverage": 4, "sizing": "cash"} | rules)
        if len(asked) == 1:
            break
    assert needed == NEEDED[log]


NEEDED = (4, 2, 1, 5)  # two entries and two exits, both forced, the second as it was called; an order that margin cut
