"""The one loop that turns an instrument's columns into market records free of NaN."""

import numpy as np
from numpy.typing import NDArray

from backtest.kernels._jit import entry, helper
from backtest.kernels.schema import Records, record

CARRIED = record(
    [
        ("last", np.float64),  # mark close of the latest bar, 1 before the first
        ("due", np.float64),  # funding that fell due while the instrument was missing
        ("listed", np.int64),  # 1: it has had a bar
    ]
)


def new_carried(instruments: int) -> Records:
    """Return what is known of instruments before their first bar."""
    carried: Records = np.zeros(instruments, CARRIED)
    carried["last"] = 1.0
    return carried


@helper
def put(prices: NDArray[np.void], t: int, instrument: int, opens: float, high: float, low: float, close: float) -> None:
    """Write one bar's four prices."""
    prices[t, instrument]["open"] = opens
    prices[t, instrument]["high"] = high
    prices[t, instrument]["low"] = low
    prices[t, instrument]["close"] = close


@entry
def pack_instrument(
    columns: tuple[NDArray[np.float64], ...],
    own: NDArray[np.int64],
    time: NDArray[np.int64],
    records: tuple[NDArray[np.void], NDArray[np.void], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]],
    carried: Records,
    instrument: int,
) -> int:
    """Fill one instrument's records and return the number of bars from which it is missing.

    `columns` is (open, high, low, close, mark_open, mark_high, mark_low, mark_close, funding_rate, volume): float64, a
    row per time of the instrument (`own`, among the bars' `time`), NaN prices where it is missing; of length 0 where
    marks, funding or volume are absent.
    `records` is (trade, mark, funding, volume, present), each bars by instruments; funding and volume may have no rows,
    and mark may be trade itself.

    `carried` (M,) is what is known of every instrument before these bars, and comes back with what is after them.

    A NaN mark becomes the bar's trade prices. A missing bar counts at the last mark close (1.0 before the first bar),
    and what is due at it is paid at the instrument's next bar.
    """
    opens, highs, lows, closes, mark_opens, mark_highs, mark_lows, mark_closes, rates, volumes = columns
    trade, mark, funding, volume, present = records
    marked, funded, measured = len(mark_opens) > 0, len(rates) > 0, len(volumes) > 0
    known = carried[instrument]
    row, missing, last, due, listed = 0, 0, known.last, known.due, known.listed == 1
    for t in range(len(time)):
        here = row < len(own) and own[row] == time[t]
        if here and funded and not np.isnan(rates[row]):
            due += rates[row]
        if here and not np.isnan(opens[row]):
            put(trade, t, instrument, opens[row], highs[row], lows[row], closes[row])
            last = closes[row]
            if marked and not np.isnan(mark_opens[row]):
                last = mark_closes[row]
                put(mark, t, instrument, mark_opens[row], mark_highs[row], mark_lows[row], mark_closes[row])
            else:
                put(mark, t, instrument, opens[row], highs[row], lows[row], closes[row])
            if funded:
                funding[t, instrument] = due
                due = 0.0
            if measured:
                volume[t, instrument] = volumes[row]
            present[t, instrument] = listed = True
        else:
            put(trade, t, instrument, last, last, last, last)
            put(mark, t, instrument, last, last, last, last)
            present[t, instrument] = False
            missing += 1
            if not listed:
                due = 0.0  # nobody can have held it
        if here:
            row += 1
    known.last, known.due, known.listed = last, due, 1 if listed else 0
    return missing
