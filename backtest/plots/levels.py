"""The prices at which a position would be liquidated, stopped or closed with a profit: lines that step with it."""

import numpy as np
import pandas as pd

from backtest.plots.frames import numbers, times_of
from backtest.plots.lines import ended, held_at, steps
from backtest.plots.style import PROFIT, STOP, THRESHOLD, Trace, number_format
from backtest.plots.thinning import Times, thinned, without_flat_runs

__all__ = ["LEVELS", "level_lines"]

LEVELS = {
    "liquidation_price": ("liquidation_price", "Liquidation price", {"color": THRESHOLD, "width": 1.2}),
    "stop_price": ("stop", "Stop loss", {"color": STOP, "width": 1, "dash": "dash"}),
    "take_profit_price": ("take_profit", "Take profit", {"color": PROFIT, "width": 1, "dash": "dash"}),
}
"""Column of Result.positions -> role, name and line."""


def level_lines(positions: pd.DataFrame, time: Times, spans: Times, shown: Times) -> list[Trace]:
    """Return a line for each level that the position ever has, of each leg in hedge mode.

    Parameters
    ----------
    positions : DataFrame      of one symbol, at least one row
    time : ndarray of int64    (T,) the bars' times, milliseconds
    spans : ndarray of int64   (K, 2) times inside which every row is kept
    shown : ndarray of int64   times at which the pointer finds the lines, too, and not only where they step
    """
    traces = []
    legs = positions["leg"].unique() if "leg" in positions else ("",)
    for leg in legs:
        rows = positions[positions["leg"] == leg] if leg else positions
        changed, side = times_of(rows["time"]), np.sign(numbers(rows, "quantity"))
        for column, (role, name, line) in LEVELS.items():
            values = numbers(rows, column)
            values = np.where(np.isfinite(values), values, np.nan)  # infinite where no price liquidates
            if np.isnan(values).all():
                continue
            kept = without_flat_runs(values, thinned(changed, [values], spans, step=True))
            points = held_at(shown, *ended(changed[kept], values[kept], side[kept], int(time[-1])))
            named, digits = f"{name}, {leg}" if leg else name, number_format(values)
            traces.append(steps(*points, role=role, name=named, look={"line": line}, digits=digits))
    return traces
