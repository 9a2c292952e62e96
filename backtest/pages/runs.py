"""What a page asks of a run."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.pages.tables import Span
from backtest.plots.thinning import NEAR

__all__ = ["Market", "Run", "Timeline"]

NANOSECONDS = 1_000_000
"""In a millisecond."""


class Market(Protocol):
    """The bars of a run, as Bars has them."""

    @property
    def symbols(self) -> Sequence[str]:
        """Return the names of the instruments."""

    @property
    def time(self) -> pd.DatetimeIndex:
        """Return the open times."""

    @property
    def interval(self) -> pd.Timedelta | None:
        """Return the most common time from one bar to the next, None for a single bar."""

    def __len__(self) -> int:
        """Return the number of bars."""

    def frame(self, symbol: str) -> pd.DataFrame:
        """Return an instrument's bars by time."""


class Run(Protocol):
    """A run: the frames that Result documents."""

    @property
    def bars(self) -> Market: ...  # noqa: D102
    @property
    def history(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def positions(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def drawdowns(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def monthly_returns(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def liquidations(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def verdicts(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def trades(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def orders(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def calls(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def summary(self) -> "pd.Series[Any]": ...  # noqa: D102
    @property
    def description(self) -> Mapping[str, Any]: ...  # noqa: D102


class Timeline:
    """The bars of a run on the time axis of its charts, ms since 1970."""

    def __init__(self, bars: Market) -> None:
        self.time: npt.NDArray[np.int64] = pd.DatetimeIndex(bars.time).as_unit("ms").asi8
        interval = bars.interval or pd.Timedelta(hours=1)
        self.interval = max(int(interval.total_seconds() * 1000), 1)

    @property
    def ends(self) -> list[int]:
        """Return where the time axis begins and ends: half a bar beyond the first and the last."""
        half = self.interval // 2
        return [int(self.time[0]) - half, int(self.time[-1]) + half]

    def span(self, start: pd.Timestamp, end: pd.Timestamp, symbol: str, near: int = NEAR) -> Span:
        """Return the bars from `near` before one time to `near` after another, with half a bar at both ends."""
        moments = np.array([start.value, end.value]) // NANOSECONDS
        first, last = np.searchsorted(self.time, moments, side="right") - 1
        before, after = self.time[max(first - near, 0)], self.time[min(last + near, len(self.time) - 1)]
        half = self.interval // 2
        return Span(int(before) - half, int(after) + half, symbol)

    def around(self, times: "pd.Series[pd.Timestamp]", symbols: Sequence[str]) -> list[Span]:
        """Return the bars around every event."""
        return [self.span(time, time, str(symbol)) for time, symbol in zip(times, symbols, strict=True)]
