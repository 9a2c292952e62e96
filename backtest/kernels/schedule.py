"""What a strategy changes, and when: found once, before the replay, so that a bar without a change costs nothing."""

import math

from backtest.kernels._jit import entry
from backtest.kernels.schema import Float64Array1D, Float64Array2D, Schedule


@entry
def fill_schedule(values: Float64Array2D, latest: Float64Array1D, kind: int, schedule: Schedule) -> int:
    """Write every change of a value, NaN meaning none, and return their number, which may exceed the capacity.

    `latest` holds what is in force before the first bar, and comes back with what is after the last.
    """
    bars, instruments = values.shape
    capacity = schedule.bar.shape[0]
    count = 0
    for t in range(bars):
        for i in range(instruments):
            value = values[t, i]
            if value != latest[i] and not math.isnan(value):
                if count < capacity:
                    schedule.bar[count] = t
                    schedule.instrument[count] = i
                    schedule.kind[count] = kind
                    schedule.value[count] = value
                latest[i] = value
                count += 1
    return count
