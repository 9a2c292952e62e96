"""When signals change: the orders that a replay has to look at, found once, before it starts."""

import math

from backtest.kernels._jit import entry
from backtest.kernels.schema import Float64Array2D, Schedule


@entry
def fill_schedule(signal: Float64Array2D, schedule: Schedule) -> int:
    """Write every change of a signal, NaN meaning none, and return their number, which may exceed the capacity."""
    bars, instruments = signal.shape
    capacity = schedule.bar.shape[0]
    count = 0
    for i in range(instruments):
        schedule.latest[i] = 0.0
    for t in range(bars):
        for i in range(instruments):
            value = signal[t, i]
            if value != schedule.latest[i] and not math.isnan(value):
                if count < capacity:
                    schedule.bar[count] = t
                    schedule.instrument[count] = i
                    schedule.signal[count] = value
                schedule.latest[i] = value
                count += 1
    return count
