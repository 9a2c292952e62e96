"""Where a result takes its frames from: a replay in memory, or a folder."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any, Protocol

import pandas as pd

from backtest.kernels.schema import DETAIL, Columns
from backtest.market.bars import Bars
from backtest.market.long_bars import bars_from, long_frame
from backtest.outcome.events import EVENTS, Events, verdict_table
from backtest.outcome.metrics import nothing_left, summarise
from backtest.outcome.wealth import wealth_of
from backtest.replaying.engine import PIECE, Inputs, Outcome, positions_in_pieces, replay_in_detail
from backtest.replaying.verdicts import alarms_of
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["FILES", "FRAMES", "LONG", "Replayed", "Saved", "Source", "described", "history_of", "versions"]

LONG = ("history", "positions", "bars")
"""What may be too long to be held: it can be had in pieces."""

FRAMES = ("history", "positions", *EVENTS, "verdicts")
FILES = (*LONG, *EVENTS, "verdicts")
"""What is saved of a run, each as a Parquet file."""


class Source(Protocol):
    """Where a result takes its frames from: a replay, or a folder."""

    def __len__(self) -> int:
        """Return the number of bars."""

    def pieces(self, name: str) -> Iterator[pd.DataFrame]:
        """Yield one of LONG in pieces, in order of time."""

    def bars(self) -> Bars:
        """Return the bars."""

    def equity(self) -> pd.Series:
        """Return equity at every close."""

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of FRAMES."""

    def summary(self) -> pd.Series:
        """Return the summary."""

    def description(self) -> dict[str, Any]:
        """Return settings, venue, data fingerprint and versions."""


@dataclass(frozen=True, eq=False)
class Saved:
    """A result's source on disk."""

    frames: dict[str, pd.DataFrame]
    run: dict[str, Any]

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.frames["history"])

    def pieces(self, name: str) -> Iterator[pd.DataFrame]:
        """Yield one of LONG."""
        yield self.frames[name]

    def bars(self) -> Bars:
        """Return the bars."""
        data = self.run["data"]
        return bars_from(self.frames["bars"], data["symbols"], data["source"])

    def equity(self) -> pd.Series:
        """Return equity at every close, in an array of its own."""
        return self.frames["history"]["equity"].copy()

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of FRAMES."""
        return self.frames[name]

    def summary(self) -> pd.Series:
        """Return the summary."""
        return pd.Series(self.run["summary"], dtype=object)

    def description(self) -> dict[str, Any]:
        """Return settings, venue, data fingerprint and versions."""
        return {name: value for name, value in self.run.items() if name != "summary"}


@dataclass(frozen=True, eq=False)
class Replayed:
    """A result's source in memory: the replay, and what it takes to replay with every column."""

    market: Bars
    account: Account
    venue: Venue
    strategy: dict[str, Any] | None
    inputs: Inputs
    outcome: Outcome

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.market)

    def pieces(self, name: str) -> Iterator[pd.DataFrame]:
        """Yield one of LONG in pieces, in order of time; the history, which is packed as a whole, is one."""
        bars = self.market
        if name == "bars":
            stride = max(1, PIECE // len(bars.symbols))
            for first in range(0, len(bars), stride):
                yield long_frame(bars[first : first + stride], bars.has_marks, len(bars.funding) > 0)
        elif name == "positions":
            yield from map(self.events.positions, positions_in_pieces(self.inputs))
        else:
            yield self.frame(name)

    def bars(self) -> Bars:
        """Return the bars."""
        return self.market

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of FRAMES."""
        if name == "history":
            return history_of(self._time(), replay_in_detail(self.inputs))
        if name == "positions":
            return pd.concat(list(self.pieces(name)), ignore_index=True)
        if name == "verdicts":
            happened = len(self.outcome.logs.liquidations) > 0
            alarms = alarms_of(self.inputs, self.market.symbols)[0] if happened else []
            return verdict_table(alarms, self.market.time, self.market.symbols, self.inputs.rules)
        return self.events.frame(name)

    def equity(self) -> pd.Series:
        """Return equity at every close, in an array of its own."""
        return pd.Series(self.outcome.columns.equity.copy(), index=self._time(), name="equity", copy=False)

    @cached_property
    def events(self) -> Events:
        """What happened."""
        book, logs, _ = self.outcome
        return Events(self.market.symbols, self.market.time, self.inputs.rules, book, logs)

    def _time(self) -> pd.DatetimeIndex:
        return self.market.time.rename("time")

    def summary(self) -> pd.Series:
        """Return the summary."""
        settings = self.inputs.rules.settings
        book, logs, columns = self.outcome
        curve = wealth_of(self.market.time, columns, logs.calls, settings)
        is_lost = bool(nothing_left(columns.equity[-1], settings.cash))
        return summarise(curve, self.events.trips, logs, book.account, is_lost, self.market.has_marks)

    def description(self) -> dict[str, Any]:
        """Return settings, venue, data fingerprint and versions."""
        bars = self.market
        data = {
            "symbols": list(bars.symbols),
            "bars": len(bars),
            "first": str(bars.time[0]),
            "last": str(bars.time[-1]),
            "source": bars.source,
            "marks": bars.has_marks,
            "funding": len(bars.funding) > 0,
            "fingerprint": bars.fingerprint,
        }
        return described(self.account, self.venue, self.strategy, self.inputs.signals_fingerprint, data)


def history_of(time: pd.DatetimeIndex, columns: Columns) -> pd.DataFrame:
    """Return every column that bars leave, by time."""
    history = {"equity": columns.equity, "equity_low": columns.equity_low}
    history.update(zip(DETAIL, columns.detail, strict=True))
    return pd.DataFrame(history, index=time, copy=False)


def described(
    account: Account, venue: Venue, strategy: dict[str, Any] | None, signals: str, data: dict[str, Any]
) -> dict[str, Any]:
    """Return all that a run depends on: settings, the fingerprint of its signals, what its bars are, and versions."""
    tiers = venue.tiers
    ladders = {symbol: venue.ladder(symbol) for symbol in data["symbols"]} if isinstance(tiers, dict) else {"": tiers}
    rules = venue.model_dump(exclude={"tiers"})
    rules["tiers"] = {symbol: [tier.model_dump() for tier in ladder] for symbol, ladder in ladders.items()}
    return {
        "strategy": strategy,
        "signals": signals,
        "account": account.model_dump(),
        "venue": rules,
        "data": data,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    packages = ("margin-backtest", "numba", "numpy", "pandas", "pyarrow")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found
