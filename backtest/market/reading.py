"""Bars from files: one per symbol, with marks and settlements from files of their own where there are any."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtest.errors import DataError
from backtest.market.bars import Bars
from backtest.market.columns import Columns
from backtest.market.files import FUNDING, MARK_PRICES, read_columns, symbol_of
from backtest.market.funding import settlements
from backtest.market.quality import Repair, check
from backtest.market.quality import repair as repaired
from backtest.text import shown

__all__ = ["read_bars"]

File = str | PathLike[str]


def read_bars(
    source: File | Iterable[File] | Mapping[str, File],
    *,
    marks: File | Mapping[str, File] | None = None,
    funding: File | float | Mapping[str, File | float] | None = None,
    repair: bool = False,
) -> Bars:
    """Return the bars of Parquet, CSV (.csv.gz too) or Feather files, one for each symbol, on the union of their times.

    Columns are found by their usual names in any case: timestamp, time, date, datetime, open_time or a frame's index;
    open, high, low, close, volume or o, h, l, c, v; mark_open and so on; funding_rate. Times are timestamps, ISO texts
    (UTC where they have no zone) or epochs, of which those below 1e11 are seconds, below 1e14 milliseconds, below 1e17
    microseconds, and all others nanoseconds. A row without any price is a bar from which the instrument is missing.

    Parameters
    ----------
    source : path, paths or dict   a symbol is the file's name up to its first "_" or its ending, in capitals; a dict
        gives files by symbol
    marks : path or dict           mark prices, in columns as above; a path alone is for a single symbol
    funding : path, rate or dict   settlements, in columns timestamp and rate (or funding_rate), or a rate that is paid
        every 8 hours, see `Bars.with_funding`; a rate alone is for all symbols
    repair : bool                  drop or clip what breaks a rule in bars and marks; `Bars.repairs` lists every change

    Raises
    ------
    DataError                      naming file, row, time and value, for anything that `quality` refuses, and
        for a file that is missing, damaged, empty, of an unknown kind, or without the columns
    """
    paths = _paths(source)
    changes: list[Repair] = []
    columns = {symbol: _clean(read_columns(path), path, repair, changes) for symbol, path in paths.items()}
    bars = Bars.from_columns(columns, ", ".join(path.name for path in paths.values()))
    given = {
        symbol: _clean(read_columns(path, MARK_PRICES), path, repair, changes)
        for symbol, path in _by_path(_joined(marks, "marks", bars.symbols), "marks").items()
    }
    if given:
        bars = bars.with_mark_columns(given)
    due = _joined(funding, "funding", bars.symbols)
    if due:
        files = _by_path({symbol: given for symbol, given in due.items() if not _is_number(given)}, "funding")
        bars = bars.with_funding({**due, **{symbol: _rates(path) for symbol, path in files.items()}})
    return replace(bars, repairs=tuple(changes))


def _paths(source: File | Iterable[File] | Mapping[str, File]) -> dict[str, Path]:
    """Return the file of each symbol."""
    if isinstance(source, Mapping):
        return _by_path(source, "the bars")
    paths: dict[str, Path] = {}
    for given in source if isinstance(source, Iterable) and not isinstance(source, (str, bytes)) else [source]:
        path = _path(given, "bars")
        symbol = symbol_of(path)
        if not symbol:
            raise DataError(f"a file's name must begin with its symbol, got {path}; give a dict of files by symbol")
        if symbol in paths:
            raise DataError(
                f"each file must be of another symbol, got {symbol} in {paths[symbol]} and in {path}; give a dict"
            )
        paths[symbol] = path
    if not paths:
        raise DataError("there must be at least one file of bars, got none")
    return paths


def _path(given: object, what: str) -> Path:
    if not isinstance(given, (str, PathLike)):
        kinds = "a rate or the path of a file" if what.startswith("funding") else "the path of a file"
        raise DataError(f"{what} must be {kinds}, got {shown(given)}")
    return Path(given)


def _by_path(source: Mapping[str, Any], what: str) -> dict[str, Path]:
    return {symbol: _path(given, f"{what} of {symbol}") for symbol, given in source.items()}


def _is_number(given: object) -> bool:
    return isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool)


def _joined(source: Any, what: str, symbols: tuple[str, ...]) -> dict[str, Any]:
    """Return what there is of marks or settlements by symbol."""
    if source is None:
        return {}
    if isinstance(source, Mapping):
        for symbol in source:
            if symbol not in symbols:
                raise DataError(f"{what} must be for one of {', '.join(symbols)}, got {symbol!r}")
        return dict(source)
    if len(symbols) > 1 and not _is_number(source):
        raise DataError(f"{what} of several symbols must be a dict of files by symbol, got {source}")
    return dict.fromkeys(symbols, source)


def _clean(columns: Columns, path: Path, repair: bool, changes: list[Repair]) -> Columns:
    if not repair:
        check(columns, str(path), clip=": repair=True (--repair in the shell) clips it")
        return columns
    columns, made = repaired(columns, str(path))
    changes += made
    return columns


def _rates(path: Path) -> pd.Series:
    columns = read_columns(path, FUNDING, ("funding_rate",))
    times = pd.DatetimeIndex(columns.time.view("M8[ns]")).tz_localize("UTC")
    rates = pd.Series(columns.values["funding_rate"], index=times)
    settlements(rates, str(path))
    return rates
