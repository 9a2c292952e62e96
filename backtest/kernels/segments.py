"""Stretches of bars between orders and fundings, and what every account that stands still in them has in common.

Between two shared events a position does not change, unless it is liquidated or stopped, and equity is
`constant + quantity * close`: it rises and falls with the price, whatever the leverage. So the extremes of a stretch
say whether anything can happen in it, and the closes that are records within it, its peaks, say how the falls of any
equity curve run through it. Both are found once, and serve every setting of a sweep.

The peaks of shorts are those of negated prices: `|quantity| * -close` is `quantity * close` to the bit.
"""

import math
from typing import NamedTuple

import numpy as np

from backtest.kernels._jit import entry, helper
from backtest.kernels.curves import Falls, after_bar
from backtest.kernels.schema import Int64Array1D, Market, Record, Records, Schedule, record

SEGMENT = record(
    [
        ("first", np.int64),  # first bar
        ("end", np.int64),  # bar after the last
        ("low", np.float64),  # lowest mark
        ("high", np.float64),  # highest mark
        ("trade_low", np.float64),  # lowest trade price
        ("trade_high", np.float64),  # highest trade price
        ("lowest_close", np.float64),  # of the marks
        ("highest_close", np.float64),
        ("lowest_bar", np.int64),  # the bar of the lowest close
        ("highest_bar", np.int64),
        ("long_peaks", np.int64),  # where its peaks for longs begin
        ("short_peaks", np.int64),  # where its peaks for shorts begin
        ("long_tail", np.float64),  # lowest mark after the last peak, inf where there is no bar
        ("short_tail", np.float64),  # likewise of negated marks
    ]
)

PEAK = record(
    [
        ("bar", np.int64),
        ("close", np.float64),  # at or above all closes of the segment before it
        ("low", np.float64),  # lowest mark after the peak before it, up to this bar's
        ("trough", np.float64),  # lowest close between it and the next peak, inf where there is no bar
    ]
)


class Index(NamedTuple):
    """What all lanes of a sweep share."""

    segments: Records  # (S + 1,) SEGMENT; the last is no segment: it says where peaks end, and begins after all bars
    long_peaks: Records  # PEAK
    short_peaks: Records  # PEAK
    day_ends: Int64Array1D  # (D + 1,) the last bar of every day, then the number of bars


@entry
def fill_segments(market: Market, schedule: Schedule, longest: int, index: Index) -> tuple[int, int, int]:
    """Cut the bars of one instrument into segments, at most `longest` bars each, and find their peaks.

    A bar in which a change comes into force or that has an appointment belongs to no segment. Returned are the counts
    of segments, and of peaks for longs and for shorts, each of which may exceed its capacity.
    """
    bars = market.time.shape[0]
    change = 0
    appointment = 0
    segments = 0
    long_peaks = 0
    short_peaks = 0
    t = 0
    while t < bars:
        while change < schedule.bar.shape[0] and schedule.bar[change] + 1 < t:
            change += 1
        while appointment < market.appointments.shape[0] and market.appointments[appointment] < t:
            appointment += 1
        end = min(t + longest, bars)
        if change < schedule.bar.shape[0]:
            end = min(end, schedule.bar[change] + 1)
        if appointment < market.appointments.shape[0]:
            end = min(end, market.appointments[appointment])
        if end == t:  # the event itself
            t += 1
            continue
        if segments < index.segments.shape[0] - 1:
            segment = index.segments[segments]
            segment.first = t
            segment.end = end
            segment.long_peaks = long_peaks
            segment.short_peaks = short_peaks
            find_extremes(market, segment)
            long_peaks, segment.long_tail = find_peaks(market, segment, 1.0, index.long_peaks, long_peaks)
            short_peaks, segment.short_tail = find_peaks(market, segment, -1.0, index.short_peaks, short_peaks)
        segments += 1
        t = end
    if segments < index.segments.shape[0]:
        last = index.segments[segments]
        last.first = bars
        last.long_peaks = long_peaks
        last.short_peaks = short_peaks
    return segments, long_peaks, short_peaks


@helper
def find_extremes(market: Market, segment: Record) -> None:
    """Note the highest and the lowest prices of a segment."""
    low = math.inf
    high = 0.0
    trade_low = math.inf
    trade_high = 0.0
    lowest = math.inf
    highest = 0.0
    for t in range(segment.first, segment.end):
        mark = market.mark[t, 0]
        trade = market.trade[t, 0]
        low = min(low, mark.low)
        high = max(high, mark.high)
        trade_low = min(trade_low, trade.low)
        trade_high = max(trade_high, trade.high)
        if mark.close < lowest:
            lowest = mark.close
            segment.lowest_bar = t
        if mark.close > highest:
            highest = mark.close
            segment.highest_bar = t
    segment.low = low
    segment.high = high
    segment.trade_low = trade_low
    segment.trade_high = trade_high
    segment.lowest_close = lowest
    segment.highest_close = highest


@helper
def find_peaks(market: Market, segment: Record, side: float, peaks: Records, count: int) -> tuple[int, float]:
    """Write the peaks of a segment; return the count after them, and the lowest mark after the last."""
    highest = -math.inf
    low = math.inf
    trough = math.inf
    for t in range(segment.first, segment.end):
        mark = market.mark[t, 0]
        close = side * mark.close
        low = min(low, mark.low if side > 0.0 else -mark.high)
        if close >= highest:
            if t > segment.first and count <= peaks.shape[0]:
                peaks[count - 1].trough = trough
            if count < peaks.shape[0]:
                peak = peaks[count]
                peak.bar = t
                peak.close = close
                peak.low = low
            count += 1
            highest = close
            low = math.inf
            trough = math.inf
        else:
            trough = min(trough, close)
    if count <= peaks.shape[0]:
        peaks[count - 1].trough = trough
    return count, low


@helper
def after_segment(falls: Falls, time: Int64Array1D, index: Index, s: int, constant: float, quantity: float) -> Falls:
    """Return the falls after a segment in which a position stands still."""
    segment = index.segments[s]
    if quantity > 0.0:
        return after_peaks(
            falls, time, index.long_peaks, segment.long_peaks, index.segments[s + 1].long_peaks, segment.long_tail,
            constant, quantity, segment.highest_close, segment.lowest_close, segment.low,
        )  # fmt: skip
    return after_peaks(
        falls, time, index.short_peaks, segment.short_peaks, index.segments[s + 1].short_peaks, segment.short_tail,
        constant, -quantity, -segment.lowest_close, -segment.highest_close, -segment.high,
    )  # fmt: skip


@helper
def after_peaks(
    falls: Falls, time: Int64Array1D, peaks: Records, first: int, last: int, tail: float, constant: float, size: float,
    best: float, worst: float, adverse: float,
) -> Falls:  # fmt: skip
    """Return the falls after a segment whose closes are between `worst` and `best`."""
    if constant + size * best < falls.mark:
        return after_low(falls, constant + size * worst, constant + size * adverse)
    for row in range(first, last):
        peak = peaks[row]
        falls = after_bar(falls, time, peak.bar, constant + size * peak.close, constant + size * peak.low)
        if peak.trough < math.inf:
            falls = after_low(falls, constant + size * peak.trough, falls.lowest_low)
    if tail < math.inf:
        falls = after_low(falls, falls.lowest, constant + size * tail)
    return falls


@helper
def after_low(falls: Falls, equity: float, low: float) -> Falls:
    """Return the falls after bars that do not reach the mark, from their lowest close and their lowest equity."""
    return Falls(
        falls.mark, min(falls.lowest, equity), min(falls.lowest_low, low), falls.since, falls.first,
        1 if equity < falls.mark else falls.below, falls.max_drawdown, falls.max_drawdown_low, falls.longest,
        falls.longest_first,
    )  # fmt: skip
