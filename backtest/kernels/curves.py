"""Passes over a history: its UTC days, and the falls of an equity curve below its high-water mark."""

from typing import NamedTuple

from backtest.kernels._jit import entry, helper
from backtest.kernels.schema import Float64Array1D, Int64Array1D, Record

DAY = 86_400_000_000_000  # ns


class Falls(NamedTuple):
    """What is known of a curve's falls up to some bar; it travels from bar to bar, and from piece to piece.

    While a high-water mark stands only the lowest equity under it matters, so fractions are taken once per mark.
    """

    mark: float  # high-water mark: the highest close so far, or the equity before the first bar
    lowest: float  # lowest close since the mark was set
    lowest_low: float  # lowest equity inside the bars after the one that set it
    since: int  # ns of the bar that set it; of the first bar while the mark is the equity before it
    first: int  # 1 while the mark is the equity before the first bar
    below: int  # 1 after a close below the mark
    max_drawdown: float  # fraction of the mark, at the closes, 0 or less
    max_drawdown_low: float  # likewise at the lows inside the bars
    longest: int  # longest time below a mark, ns
    longest_first: int  # likewise below the first mark, one interval less; -1 without such a fall


@helper
def first_falls(equity: float, time: int) -> Falls:
    """Return the falls of a curve before its first bar, whose open is at `time`."""
    return Falls(equity, equity, equity, time, 1, 0, 0.0, 0.0, 0, -1)


@helper
def deepest(drawdown: float, lowest: float, mark: float) -> float:
    """Return the deeper of a drawdown and that of a lowest equity under a mark."""
    return min(drawdown, (lowest - mark) / mark) if lowest < mark else drawdown


@helper
def settled(falls: Falls, time: int) -> Falls:
    """Return the falls with the one below the standing mark counted, which lasted until `time`."""
    mark, lowest, lowest_low, since, first, below, drawdown, drawdown_low, longest, longest_first = falls
    if below:
        drawdown = deepest(drawdown, lowest, mark)
        if first:
            longest_first = max(longest_first, time - since)
        else:
            longest = max(longest, time - since)
    drawdown_low = deepest(drawdown_low, lowest_low, mark)
    return Falls(mark, lowest, lowest_low, since, first, below, drawdown, drawdown_low, longest, longest_first)


@helper
def after_bar(falls: Falls, time: Int64Array1D, t: int, equity: float, low: float) -> Falls:
    """Return the falls after bar `t`. A low is held against the mark of the closes before it.

    The bar's time is looked at only where it sets a mark: in a sweep it would have to be fetched from afar.
    """
    mark, lowest, lowest_low, since, first, below, drawdown, drawdown_low, longest, longest_first = falls
    lowest_low = min(lowest_low, low)
    if equity < mark:
        lowest = min(lowest, equity)
        return Falls(mark, lowest, lowest_low, since, first, 1, drawdown, drawdown_low, longest, longest_first)
    here = time[t]
    done = settled(
        Falls(mark, lowest, lowest_low, since, first, below, drawdown, drawdown_low, longest, longest_first), here
    )
    return marked(done, here, equity)


@helper
def marked(falls: Falls, time: int, equity: float) -> Falls:
    """Return settled falls under a new high-water mark."""
    return Falls(
        equity, equity, equity, time, 0, 0, falls.max_drawdown, falls.max_drawdown_low, falls.longest,
        falls.longest_first,
    )  # fmt: skip


@helper
def store(falls: Falls, record: Record) -> None:
    """Keep falls in a record."""
    record.mark = falls.mark
    record.lowest = falls.lowest
    record.lowest_low = falls.lowest_low
    record.since = falls.since
    record.first = falls.first
    record.below = falls.below
    record.max_drawdown = falls.max_drawdown
    record.max_drawdown_low = falls.max_drawdown_low
    record.longest = falls.longest
    record.longest_first = falls.longest_first


@helper
def loaded(record: Record) -> Falls:
    """Return the falls that a record keeps."""
    return Falls(
        record.mark, record.lowest, record.lowest_low, record.since, record.first, record.below, record.max_drawdown,
        record.max_drawdown_low, record.longest, record.longest_first,
    )  # fmt: skip


@entry
def start_falls(equity: float, time: int) -> Falls:
    """Return the falls of a curve before its first bar, whose open is at `time`."""
    return first_falls(equity, time)


@entry
def walk_falls(falls: Falls, time: Int64Array1D, equity: Float64Array1D, equity_low: Float64Array1D) -> Falls:
    """Return the falls after the bars given (T,)."""
    for t in range(time.shape[0]):
        falls = after_bar(falls, time, t, equity[t], equity_low[t])
    return falls


@entry
def end_falls(falls: Falls, time: int) -> Falls:
    """Return the falls after the last bar, whose open is at `time`: one that still lasts is counted up to there."""
    return settled(falls, time)


@entry
def mark_days(time: Int64Array1D, day: Int64Array1D, last: Int64Array1D) -> tuple[int, int]:
    """Return the number of days that have a bar, and the shortest time between two bars, 0 with one bar.

    `day` is filled with the days since 1970, `last` with the last bar of each.
    """
    days = 0
    interval = 0
    bars = time.shape[0]
    next_day = (time[0] // DAY + 1) * DAY
    for t in range(1, bars):
        step = time[t] - time[t - 1]
        if interval == 0 or step < interval:
            interval = step
        if time[t] >= next_day:
            day[days] = next_day // DAY - 1
            last[days] = t - 1
            days += 1
            next_day = (time[t] // DAY + 1) * DAY
    day[days] = next_day // DAY - 1
    last[days] = bars - 1
    return days + 1, interval
