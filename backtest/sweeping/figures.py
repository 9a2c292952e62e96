"""The figures of a summary as columns of a table: their names, in order, and their types."""

from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa

from backtest.kernels.schema import ACCOUNT
from backtest.kernels.sums_schema import TOTALS
from backtest.outcome.metrics import Calendar, figures

__all__ = ["figure_types"]

TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    pd.Timedelta: pa.duration("ns"),
}


@cache
def figure_types() -> dict[str, pa.DataType]:
    """Return the Arrow type of every figure of a summary, by name, as the figures of one day of nothing show them."""
    day = np.zeros(1, np.int64)
    calendar = Calendar(bars=1, day=day, last=day, interval=0, years=1.0, has_marks=False)
    cash = np.ones(1)
    found = figures(calendar, np.zeros(1, ACCOUNT), np.zeros(1, TOTALS), cash[:, None], cash, np.zeros(1, np.bool_))
    return {name: TYPES[type(values[0])] for name, values in found.items()}
