"""Where a result takes its frames from: a replay in memory, or a folder."""

import platform
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from importlib import metadata
from typing import Any, Protocol

import numpy as np
import pandas as pd

from backtest.accounts import Account
from backtest.bars import Bars
from backtest.engine import LEGS, Inputs, Outcome, replay_in_detail
from backtest.kernels.enums import CallEvent, Reason, Shortfall
from backtest.kernels.orders import RUIN
from backtest.kernels.schema import DETAIL, TRIP, Float64Array1D, Records
from backtest.metrics import summarise
from backtest.trades import round_trips, settled_trips
from backtest.venues import Venue
from backtest.wealth import wealth_of

__all__ = ["FRAMES", "Replayed", "Saved", "Source", "versions"]

FRAMES = ("history", "fills", "trades", "liquidations", "orders", "calls")


class Source(Protocol):
    """Where a result takes its frames from: a replay, or a folder."""

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

    bars: Bars
    account: Account
    venue: Venue
    strategy: dict[str, Any] | None
    inputs: Inputs
    outcome: Outcome

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of FRAMES."""
        frame: pd.DataFrame = getattr(self, f"_{name}")()
        return frame

    def equity(self) -> pd.Series:
        """Return equity at every close, in an array of its own."""
        return pd.Series(self.outcome.columns.equity.copy(), index=self._time(), name="equity", copy=False)

    def _time(self) -> pd.DatetimeIndex:
        return self.bars.time.rename("time")

    def _history(self) -> pd.DataFrame:
        found = replay_in_detail(self.inputs)
        columns = {"equity": found.equity, "equity_low": found.equity_low}
        columns.update(zip(DETAIL, found.detail, strict=True))
        return pd.DataFrame(columns, index=self._time(), copy=False)

    def _fills(self) -> pd.DataFrame:
        log = self.outcome.logs.fills
        columns = {"quantity": self._contracts(log, "quantity"), "price": self._prices(log["price"]), "fee": log["fee"]}
        return self._events(log, columns, reason=words(Reason, log["reason"]))

    def _liquidations(self) -> pd.DataFrame:
        log = self.outcome.logs.liquidations
        prices = {name: self._prices(log[name]) for name in ("mark_price", "fill_price", "bankruptcy_price")}
        money = {name: log[name] for name in ("margin_lost", "penalty", "forfeited", "bad_debt")}
        flags = {name: log[name].astype(np.bool_) for name in ("gap", "joint", "partial")}
        return self._events(log, {"quantity": self._contracts(log, "quantity"), **prices, **money}, **flags)

    def _orders(self) -> pd.DataFrame:
        log = self.outcome.logs.orders
        columns = {name: self._contracts(log, name) for name in ("wanted", "filled")}
        return self._events(log, columns, reason=words(Shortfall, log["reason"]))

    def _calls(self) -> pd.DataFrame:
        log = self.outcome.logs.calls
        event = {"event": words(CallEvent, log["event"])}
        money = {name: log[name] for name in ("balance", "maintenance", "asked", "amount", "reserve")}
        return self._events(log, {**event, **money})

    def _contracts(self, log: Records, name: str) -> Float64Array1D:
        """Return quantities as numbers of contracts."""
        units = self.inputs.rules.contracts["unit"]
        quantities: Float64Array1D = log[name]
        return quantities if (units == 1.0).all() else quantities / units[log["instrument"]]

    def _prices(self, prices: Float64Array1D) -> Float64Array1D:
        """Return prices in the quote currency; of a price that no mark reaches, what its formula says."""
        if not self.inputs.rules.settings.inverse:
            return prices
        with np.errstate(divide="ignore"):
            turned: Float64Array1D = 1.0 / prices
        return turned

    @property
    def _rows(self) -> tuple[str, ...]:
        """The symbol of every position; in hedge mode each has two."""
        legs = LEGS if self.inputs.rules.settings.hedged else 1
        return tuple(symbol for symbol in self.bars.symbols for _ in range(legs))

    def _events(self, log: Records, columns: dict[str, Any], **more: Any) -> pd.DataFrame:
        symbols = pd.array([*self._rows, ""], dtype="str").take(log["instrument"])
        if self.inputs.rules.settings.hedged:
            more["leg"] = pd.array(["long", "short"] * len(self.bars.symbols) + [""], dtype="str").take(
                log["instrument"]
            )
        return pd.DataFrame({"time": self.bars.time[log["bar"]], "symbol": symbols, **columns, **more})

    @cached_property
    def _trips(self) -> Records:
        return settled_trips(
            self.outcome.logs.fills, self.outcome.logs.liquidations, self.outcome.book.positions, len(self.bars)
        )

    def _trades(self) -> pd.DataFrame:
        units = self.inputs.rules.contracts["unit"][self._trips["instrument"]]
        prices = {name: self._prices(self._trips[name]) for name in ("entry_price", "exit_price")}
        turned = {"quantity": self._trips["quantity"] / np.abs(units), "short": self._trips["short"] ^ (units < 0.0)}
        given = {name: self._trips[name] for name in TRIP.names or ()}
        return round_trips(given | prices | turned, self.bars.time, self._rows)

    def summary(self) -> pd.Series:
        """Return the summary."""
        settings = self.inputs.rules.settings
        book, logs, columns = self.outcome
        curve = wealth_of(self.bars.time, columns, logs.calls, settings)
        is_lost = bool(columns.equity[-1] <= RUIN * settings.cash)
        return summarise(curve, self._trips, logs, book.account, is_lost, self.bars.has_marks)

    def description(self) -> dict[str, Any]:
        """Return settings, venue, data fingerprint and versions."""
        tiers = self.venue.tiers
        ladders = {s: self.venue.ladder(s) for s in self.bars.symbols} if isinstance(tiers, dict) else {"": tiers}
        venue = self.venue.model_dump(exclude={"tiers"})
        venue["tiers"] = {symbol: [tier.model_dump() for tier in ladder] for symbol, ladder in ladders.items()}
        return {
            "strategy": self.strategy,
            "signals": self.inputs.signals_fingerprint,
            "account": self.account.model_dump(),
            "venue": venue,
            "data": {
                "symbols": list(self.bars.symbols),
                "bars": len(self.bars),
                "first": str(self.bars.time[0]),
                "last": str(self.bars.time[-1]),
                "source": self.bars.source,
                "marks": self.bars.has_marks,
                "funding": len(self.bars.funding) > 0,
                "fingerprint": self.bars.fingerprint,
            },
            "versions": versions(),
        }


def words(kind: type[IntEnum], codes: Any) -> Any:
    """Return the names of an enum's members, in small letters."""
    return pd.array([member.name.lower() for member in kind], dtype="str").take(codes)


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
