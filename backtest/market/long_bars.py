"""Bars as one long frame, a row for every bar of every instrument: how a run keeps what it was replayed on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from backtest.market.bars import Bars, stamps_of
from backtest.market.columns import MARKS, PRICES, Columns, packed

__all__ = ["bars_from", "long_frame"]


def long_frame(bars: Bars, marks: bool, funding: bool) -> pd.DataFrame:
    """Return what a replay reads of bars: time, symbol, prices, and on request marks and funding.

    Parameters
    ----------
    bars : Bars                T bars of M instruments
    marks, funding : bool      whether the history that the bars are a piece of has them

    Returns
    -------
    DataFrame
        T * M rows, the instruments of a bar in the order of `bars.symbols`; NaN where one is missing from a bar.
    """
    count, instruments = bars.shape
    columns = {price: bars.trade[price] for price in PRICES}
    if marks:
        columns |= {mark: bars.mark[price] for price, mark in zip(PRICES, MARKS, strict=True)}
    if funding:
        columns["funding_rate"] = bars.funding if len(bars.funding) else np.zeros(bars.shape)
    if len(bars.present):
        columns = {name: np.where(bars.present, values, np.nan) for name, values in columns.items()}
    symbols = pd.array(list(bars.symbols), dtype="str").take(np.tile(np.arange(instruments), count))
    rows = {name: np.ascontiguousarray(values).reshape(-1) for name, values in columns.items()}
    return pd.DataFrame({"time": bars.time.repeat(instruments), "symbol": symbols, **rows}, copy=False)


def bars_from(frame: pd.DataFrame, symbols: Sequence[str], source: str) -> Bars:
    """Return the bars that `long_frame` was given, all of them, but for their volume.

    They were checked when they were first read, and may hold an instrument that has no bar in them.
    """
    given = [name for name in (*PRICES, *MARKS, "funding_rate") if name in frame]
    columns = []
    for i in range(len(symbols)):
        rows = frame.iloc[i :: len(symbols)]
        own = rows[rows["close"].notna()]
        time = pd.DatetimeIndex(own["time"]).as_unit("ns").asi8
        columns.append(Columns(time, {name: own[name].to_numpy(np.float64) for name in given}))
    time = pd.DatetimeIndex(frame["time"].iloc[:: len(symbols)]).as_unit("ns").asi8
    return Bars(tuple(symbols), stamps_of(time), *packed(columns, time), source)
