"""The finer bars inside a bar, as a market of their own: where they cover it, and agree with it."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtest.errors import ConfigError, DataError
from backtest.kernels.schema import PRICES as RECORD
from backtest.kernels.schema import Records
from backtest.market.bars import Bars
from backtest.market.columns import PRICES
from backtest.market.reading import read_bars
from backtest.text import duration, place, shown

__all__ = ["FinerBars"]

AGREEMENT = 1e-4  # relative; a basis point is rounding, more is another market


class FinerBars:
    """Bars of a finer interval, to be looked up by the bars that they lie in."""

    def __init__(self, bars: Bars, detail: object) -> None:
        """Take Bars, or files of them as `read_bars` takes them.

        Raises
        ------
        DataError                  for another symbol, no time in common, or marks on one side only
        ConfigError                if the interval is not a finer one that divides that of the bars
        """
        finer = detail if isinstance(detail, Bars) else _read(detail)
        self._bars, self._finer = bars, finer
        self._columns = {
            bars.symbols.index(symbol): j for j, symbol in enumerate(finer.symbols) if _known(symbol, bars)
        }
        if finer.has_marks != bars.has_marks:
            sides = "the bars have" if bars.has_marks else "the bars do not have"
            raise DataError(f"detail must give mark prices where {sides} them, got {finer!r}")
        if len(bars) > 1 and not (finer.time[0] <= bars.time[-1] and bars.time[0] <= finer.time[-1]):
            raise DataError(f"detail must share some time with {bars!r}, got {finer!r}")
        self._length, self._step = _interval(bars), _interval(finer)
        if len(bars) > 1 and not (0 < self._step < self._length and self._length % self._step == 0):
            length = duration(self._length)
            raise ConfigError(f"detail must be of a finer interval that divides the bars' {length}, got {finer!r}")

    def inside(self, t: int, held: set[int]) -> Bars | None:
        """Return the bars inside bar `t`, one that ends before them and one that begins after them.

        Where not every instrument that is held has all of them, or marks that agree, there is nothing. All that the bar
        says at its open and at its close is kept: prices, funding, who is missing. What is not held stands still.

        Raises
        ------
        DataError                  for traded prices that contradict the bar by more than a basis point
        """
        bars, finer = self._bars, self._finer
        start, end = bars.time[t].value, self._end(t)
        first, count = int(np.searchsorted(finer.nanoseconds, start)), (end - start) // self._step
        rows = slice(first, first + count)
        times = start + self._step * np.arange(count)
        if (end - start) % self._step or not np.array_equal(finer.nanoseconds[rows], times):
            return None
        trade = _standing(bars.trade, t, count)
        mark = _standing(bars.mark, t, count) if bars.has_marks else trade
        for i in sorted(held):
            if len(bars.present) and not bars.present[t, i]:
                continue
            j = self._columns.get(i, -1)
            if j < 0 or (len(finer.present) and not finer.present[rows, j].all()):
                return None
            self._check(t, i, finer.trade[rows, j])
            _put(trade[:, i], finer.trade[rows, j], bars.trade[t, i])
            if bars.has_marks:
                if _differing(finer.mark[rows, j], bars.mark[t, i]):
                    return None
                _put(mark[:, i], finer.mark[rows, j], bars.mark[t, i])
        funding = np.zeros((count + 2 if len(bars.funding) else 0, len(bars.symbols)))
        funding[1:2] = bars.funding[t : t + 1]
        present = bars.present
        if len(present):
            present = np.repeat(present[[t - 1, t]], [1, count + 1], axis=0)
        time = np.concatenate([[bars.time[t - 1].value], times, [end]]).view("M8[ns]")
        index = pd.DatetimeIndex(time).tz_localize("UTC")
        return replace(bars, time=index, trade=trade, mark=mark, funding=funding, present=present, volume=None)

    def _end(self, t: int) -> int:
        """Return when a bar ends: its interval after its open, or where the next one opens before that."""
        end: int = self._bars.time[t].value + self._length
        return min(end, self._bars.time[t + 1].value) if t + 1 < len(self._bars) else end

    def _check(self, t: int, i: int, inner: Records) -> None:
        name = _differing(inner, self._bars.trade[t, i])
        if name:
            agreed, got = self._bars.trade[t, i][name], _summary(inner)[name]
            where = place(self._bars.symbols[i], self._bars.first + t, self._bars.time[t].value)
            raise DataError(f"detail must have the {name} of the bar that it lies in, {agreed}, got {got} {where}")


def _read(detail: Any) -> Bars:
    if not isinstance(detail, (str, PathLike, Mapping, list, tuple)):
        raise DataError(f"detail must be Bars, or files as read_bars takes them, got {shown(detail)}")
    return read_bars(detail)


def _known(symbol: str, bars: Bars) -> bool:
    if symbol not in bars.symbols:
        raise DataError(f"detail must be for one of {', '.join(bars.symbols)}, got {symbol}")
    return True


def _interval(bars: Bars) -> int:
    return 0 if bars.interval is None else bars.interval.value


def _summary(inner: Records) -> dict[str, float]:
    """Return the one bar that finer ones make."""
    values = (inner["open"][0], inner["high"].max(), inner["low"].min(), inner["close"][-1])
    return dict(zip(PRICES, map(float, values), strict=True))


def _differing(inner: Records, bar: Any) -> str:
    """Return the first price in which finer bars and the bar do not agree."""
    for name, got in _summary(inner).items():
        if abs(got - bar[name]) > AGREEMENT * bar[name]:
            return name
    return ""


def _standing(prices: Records, t: int, count: int) -> Records:
    """Return the bar before `t`, and from the open of `t` on prices that stand still; one row more for what follows."""
    rows = np.empty((count + 2, prices.shape[1]), RECORD)
    for name in PRICES:
        rows[name] = prices["open"][t]
    rows[0] = prices[t - 1]
    return rows


def _put(rows: NDArray[Any], inner: Records, bar: Any) -> None:
    """Put finer bars in their rows, which open and close with the bar to the bit."""
    rows[1:-1] = inner
    rows["open"][1], rows["close"][-2] = bar["open"], bar["close"]
    ends = (rows["open"], rows["close"])
    rows["high"] = np.maximum.reduce([rows["high"], *ends])
    rows["low"] = np.minimum.reduce([rows["low"], *ends])
