"""One pass over an equity curve: its falls below the high-water mark, and the last equity of every UTC day."""

from typing import NamedTuple

from backtest.kernels._jit import entry
from backtest.kernels.schema import Float64Array1D, Int64Array1D

DAY = 86_400_000_000_000  # ns


class CurveRecord(NamedTuple):
    """What one pass over the curve finds."""

    days: int  # rows written to `day` and `day_equity`
    max_drawdown: float  # fraction of the high-water mark, at the closes, 0 or less
    max_drawdown_low: float  # likewise at the lows inside the bars
    longest: int  # longest time below a high-water mark, ns
    interval: int  # shortest time between two bars, ns, 0 with one bar


@entry
def walk_curve(
    time: Int64Array1D,
    equity: Float64Array1D,
    equity_low: Float64Array1D,
    cash: float,
    day: Int64Array1D,
    day_equity: Float64Array1D,
) -> CurveRecord:
    """Fill `day` (days since 1970) and `day_equity`, one row per day that has a bar, and return what else was found.

    The high-water mark starts at `cash` when the first bar opens. A low is held against the mark of the closes before
    it. While a mark stands only the lowest equity under it matters, so fractions are taken once per mark.
    """
    days = 0
    drawdown, drawdown_low = 0.0, 0.0
    mark, lowest, lowest_low = cash, cash, cash
    longest = 0
    interval = 0
    bars = len(time)
    for t in range(1, bars):
        step = time[t] - time[t - 1]
        if interval == 0 or step < interval:
            interval = step
    since = time[0] - interval  # the bar whose close set the mark; `cash` is there when the first bar opens
    below = False
    next_day = (time[0] // DAY + 1) * DAY
    for t in range(bars):
        if time[t] >= next_day:
            day[days] = next_day // DAY - 1
            day_equity[days] = equity[t - 1]
            days += 1
            next_day = (time[t] // DAY + 1) * DAY
        lowest_low = min(lowest_low, equity_low[t])
        if equity[t] < mark:
            lowest = min(lowest, equity[t])
            below = True
        else:
            if below:
                drawdown = min(drawdown, (lowest - mark) / mark)
                longest = max(longest, time[t] - since)
                below = False
            if lowest_low < mark:
                drawdown_low = min(drawdown_low, (lowest_low - mark) / mark)
            mark = equity[t]
            lowest = mark
            lowest_low = mark
            since = time[t]
    if below:
        drawdown = min(drawdown, (lowest - mark) / mark)
        longest = max(longest, time[bars - 1] - since)
    if lowest_low < mark:
        drawdown_low = min(drawdown_low, (lowest_low - mark) / mark)
    day[days] = next_day // DAY - 1
    day_equity[days] = equity[bars - 1]
    return CurveRecord(days + 1, drawdown, drawdown_low, longest, interval)
