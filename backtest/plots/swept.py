"""What a sweep's table holds: which settings vary, the best row, and the rows that share its other settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtest.errors import ConfigError
from backtest.plots.frames import numbers, with_columns
from backtest.text import shown

__all__ = ["NEEDED", "Swept", "is_numeric", "is_table", "value_text"]

NEEDED = ("reason", "cagr", "max_drawdown_low", "liquidations", "ruined")


@dataclass(frozen=True, eq=False)
class Swept:
    """A sweep's table, read.

    Attributes
    ----------
    rows : DataFrame           those that ran
    settings : tuple of str    what was swept: the columns before "reason"
    figures : tuple of str     what came of it: the columns after
    """

    rows: pd.DataFrame
    settings: tuple[str, ...]
    figures: tuple[str, ...]

    @classmethod
    def of(cls, table: object, name: str = "table") -> "Swept":
        """Return a table, read.

        Raises
        ------
        DataError              if it is no table of a sweep
        ConfigError            if nothing is swept in it
        """
        frame = with_columns(table, name, NEEDED)
        names = [str(column) for column in frame.columns]
        settings = tuple(names[: names.index("reason")])
        if not settings:
            raise ConfigError(f"{name} must have a swept setting before reason, got the columns {', '.join(names)}")
        rows = pd.DataFrame(frame)[(frame["reason"] == "").to_numpy()]
        return cls(rows, settings, tuple(names[len(settings) + 1 :]))

    @property
    def varied(self) -> tuple[str, ...]:
        """The settings that have more than one value, of the rows that ran."""
        return tuple(name for name in self.settings if self.rows[name].nunique(dropna=False) > 1)

    def named(self, name: object, role: str) -> str:
        """Return the name of a swept setting.

        Raises
        ------
        ConfigError            if it is none
        """
        if name not in self.settings:
            raise ConfigError(f"{role} must be a swept setting, one of {', '.join(self.settings)}, got {shown(name)}")
        return str(name)

    def best(self) -> "pd.Series[Any]":
        """Return the row that grew most, of equal ones that of the lowest leverage, or the first."""
        growth = numbers(self.rows, "cagr")
        growth = np.where(np.isnan(growth), -np.inf, growth)
        equal = self.rows[growth == growth.max()]
        lowest = "leverage" in self.settings and is_numeric(equal["leverage"]) and equal["leverage"].notna().any()
        best: pd.Series[Any] = equal.iloc[int(np.nanargmin(numbers(equal, "leverage"))) if lowest else 0]
        return best

    def held(self, free: Iterable[str]) -> dict[str, Any]:
        """Return the settings that vary, but for those set free, as the best row has them; none where no row ran."""
        if not len(self.rows):
            return {}
        best, free = self.best(), set(free)
        return {name: best[name] for name in self.varied if name not in free}

    def with_settings(self, values: Mapping[str, Any]) -> pd.DataFrame:
        """Return the rows that have these settings."""
        chosen = np.ones(len(self.rows), np.bool_)
        for name, value in values.items():
            column = self.rows[name]
            chosen &= (column.isna() if pd.isna(value) else column == value).to_numpy(np.bool_)
        return self.rows[chosen]

    def caption(self, free: Iterable[str]) -> str:
        """Return what is held, and at what, as a sentence."""
        held = [f"{name.replace('_', ' ')} {value_text(value)}" for name, value in self.held(free).items()]
        return f"Held as in the row that grew most: {', '.join(held)}." if held else ""


def is_table(frame: pd.DataFrame) -> bool:
    """Return whether a frame is a sweep's table, or rows of one: settings, then "reason", then what figures need."""
    names = list(frame.columns)
    return all(names.count(name) == 1 for name in NEEDED) and names.index("reason") > 0


def is_numeric(column: "pd.Series[Any]") -> bool:
    """Return whether a setting is a number."""
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def value_text(value: Any) -> str:
    """Return a setting's value as text."""
    if pd.isna(value):
        return "none"
    return f"{value:.10g}" if isinstance(value, (float, np.floating)) else str(value)
