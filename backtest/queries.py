"""SQL on the rows of a sweep, while they come in or afterwards."""

import os
from pathlib import Path
from types import ModuleType

import pandas as pd

from backtest.errors import ConfigError, DataError
from backtest.sweeping.parts import part_files, read_manifest
from backtest.text import shown

__all__ = ["query"]


def query(folder: str | os.PathLike[str], sql: str) -> pd.DataFrame:
    """Return what a statement in SQL finds in the rows of a sweep that are finished.

    Parameters
    ----------
    folder : path              `out` of `sweep`, also while it runs
    sql : str                  on the table `sweep`: row, what is swept, reason and every figure; NULL is what is
        undefined or has not run, as in "SELECT leverage, sharpe FROM sweep ORDER BY sharpe DESC LIMIT 10"

    Raises
    ------
    ConfigError                for a statement that fails, or where duckdb is not installed
    DataError                  if there is no sweep, or no row of it yet
    """
    duckdb = _duckdb()
    if not isinstance(folder, (str, os.PathLike)) or not str(folder) or "\0" in str(folder):
        raise ConfigError(f"folder must be that of a sweep, got {shown(folder)}")
    if not isinstance(sql, str):
        raise ConfigError(f"sql must be a text, got {shown(sql)}")
    path = Path(folder)
    read_manifest(path)
    files = [str(file) for file in part_files(path)]
    if not files:
        raise DataError(f"there must be a finished part of the sweep, got none in {path}")
    with duckdb.connect() as connection:
        try:
            rows = connection.read_parquet(files)
            lasting = "to_microseconds(max_drawdown_duration // 1000) AS max_drawdown_duration"
            rows.project(f"* REPLACE ({lasting})").create_view("sweep")
            found = connection.sql(sql)
            if found is None:
                raise ConfigError(f"sql must be a statement that finds rows, got {shown(sql)}")
            frame: pd.DataFrame = found.df()
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise ConfigError(f"sql must be a statement that duckdb understands, got {shown(sql)}: {first}") from None
    return frame.apply(_plain) if len(frame) else frame


def _plain(column: pd.Series) -> pd.Series:
    """Return a column whose nulls have a type of their own as the table of a sweep has it."""
    types = pd.api.types
    if not types.is_extension_array_dtype(column.dtype):
        return column
    if types.is_bool_dtype(column.dtype):
        return column.astype(object).where(column.notna(), None) if column.hasnans else column.astype(bool)
    if types.is_integer_dtype(column.dtype):
        return column.astype("float64" if column.hasnans else "int64")
    return column


def _duckdb() -> ModuleType:
    """Return the library that reads SQL."""
    try:
        import duckdb
    except ImportError:
        raise ConfigError("query needs duckdb, which is not installed: pip install 'margin-backtest[sql]'") from None
    module: ModuleType = duckdb
    return module
