"""The open times of bars by their numbers, where not all of them are held."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from backtest.kernels.schema import Int64Array1D

__all__ = ["BarTimes", "EventTimes"]


class BarTimes(Protocol):
    """The open times of bars, by their numbers, as an index of all of them gives them."""

    def __len__(self) -> int:
        """Return the number of bars."""

    def __getitem__(self, bars: Int64Array1D, /) -> pd.DatetimeIndex:
        """Return the open times of some bars."""


@dataclass(frozen=True, eq=False)
class EventTimes:
    """The open times of the bars on which something happened, of a history whose other times are not held.

    Attributes
    ----------
    bars : ndarray             (E,) their numbers, rising
    times : DatetimeIndex      (E,)
    count : int                of all bars of the history
    """

    bars: Int64Array1D
    times: pd.DatetimeIndex
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, bars: Int64Array1D, /) -> pd.DatetimeIndex:
        return self.times[np.searchsorted(self.bars, bars)]
