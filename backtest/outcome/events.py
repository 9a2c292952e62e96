"""The logs of a replay as frames: fills, round trips, liquidations, orders and calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from backtest.kernels.enums import CallEvent, Reason, Shortfall
from backtest.kernels.schema import Book, Float64Array1D, Logs, Records, Rules
from backtest.kernels.sums_schema import TRIP
from backtest.market.bar_times import BarTimes
from backtest.outcome.trades import round_trips, settled_trips
from backtest.replaying.engine import LEGS
from backtest.replaying.verdicts import Alarm

__all__ = ["EVENTS", "Events", "verdict_table"]

EVENTS = ("fills", "trades", "liquidations", "orders", "calls")
SIDES = ("long", "short")


@dataclass(frozen=True, eq=False)
class Events:
    """What happened in a replay.

    Attributes
    ----------
    symbols : tuple of str     (M,)
    time : BarTimes            of every bar, or at least of those in the logs and of the last
    rules : Rules
    book : Book                after the last bar
    logs : Logs                complete
    """

    symbols: tuple[str, ...]
    time: BarTimes
    rules: Rules
    book: Book
    logs: Logs

    @cached_property
    def trips(self) -> Records:
        """The figures of every round trip."""
        return settled_trips(self.logs.fills, self.logs.liquidations, self.book.positions, len(self.time))

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of EVENTS."""
        frame: pd.DataFrame = getattr(self, f"_{name}")()
        return frame

    def _fills(self) -> pd.DataFrame:
        log = self.logs.fills
        columns = {"quantity": self._contracts(log, "quantity"), "price": self._prices(log["price"]), "fee": log["fee"]}
        return self._rows(log, columns, reason=words(Reason, log["reason"]))

    def _liquidations(self) -> pd.DataFrame:
        log = self.logs.liquidations
        prices = {name: self._prices(log[name]) for name in ("mark_price", "fill_price", "bankruptcy_price")}
        money = {name: log[name] for name in ("margin_lost", "penalty", "forfeited", "bad_debt")}
        flags = {name: log[name].astype(np.bool_) for name in ("gap", "joint", "partial")}
        realised = self.logs.fills["realised"][log["fill_row"]]
        loss = log["penalty"] + log["forfeited"] - log["bad_debt"] - realised
        return self._rows(log, {"quantity": self._contracts(log, "quantity"), **prices, **money, **flags, "loss": loss})

    def positions(self, holdings: Records) -> pd.DataFrame:
        """Return how positions change from close to close, a row for every change."""
        prices = {
            name: self._prices(holdings[name])
            for name in ("entry_price", "liquidation_price", "stop_price", "take_profit_price")
        }
        columns = {"quantity": self._contracts(holdings, "quantity"), "entry_price": prices.pop("entry_price")}
        return self._rows(holdings, {**columns, "margin": holdings["margin"], **prices})

    def _orders(self) -> pd.DataFrame:
        log = self.logs.orders
        columns = {name: self._contracts(log, name) for name in ("wanted", "filled")}
        return self._rows(log, columns, reason=words(Shortfall, log["reason"]))

    def _calls(self) -> pd.DataFrame:
        log = self.logs.calls
        event = {"event": words(CallEvent, log["event"])}
        money = {name: log[name] for name in ("balance", "maintenance", "asked", "amount", "reserve")}
        return self._rows(log, {**event, **money})

    def _trades(self) -> pd.DataFrame:
        units = self.rules.contracts["unit"][self.trips["instrument"]]
        prices = {name: self._prices(self.trips[name]) for name in ("entry_price", "exit_price")}
        turned = {"quantity": self.trips["quantity"] / np.abs(units), "short": self.trips["short"] ^ (units < 0.0)}
        given = {name: self.trips[name] for name in TRIP.names or ()}
        return round_trips(given | prices | turned, self.time, self._legs)

    def _contracts(self, log: Records, name: str) -> Float64Array1D:
        """Return quantities as numbers of contracts."""
        units = self.rules.contracts["unit"]
        quantities: Float64Array1D = log[name]
        return quantities if (units == 1.0).all() else quantities / units[log["instrument"]] + 0.0  # no minus zero

    def _prices(self, prices: Float64Array1D) -> Float64Array1D:
        """Return prices in the quote currency; of a price that no mark reaches, what its formula says."""
        if not self.rules.settings.inverse:
            return prices
        with np.errstate(divide="ignore"):
            turned: Float64Array1D = 1.0 / prices
        return turned

    @property
    def _legs(self) -> tuple[str, ...]:
        """The symbol of every position; in hedge mode each has two."""
        legs = LEGS if self.rules.settings.hedged else 1
        return tuple(symbol for symbol in self.symbols for _ in range(legs))

    def _rows(self, log: Records, columns: dict[str, Any], **more: Any) -> pd.DataFrame:
        symbols = pd.array([*self._legs, ""], dtype="str").take(log["instrument"])
        if self.rules.settings.hedged:
            more["leg"] = pd.array([*SIDES * len(self.symbols), ""], dtype="str").take(log["instrument"])
        return pd.DataFrame({"time": self.time[log["bar"]], "symbol": symbols, **columns, **more})


def verdict_table(alarms: Sequence[Alarm], time: BarTimes, symbols: tuple[str, ...], rules: Rules) -> pd.DataFrame:
    """Return how sure liquidations are, in the order in which they were met."""
    legs = LEGS if rules.settings.hedged else 1
    columns: dict[str, Any] = {
        "time": time[np.array([alarm.bar for alarm in alarms], np.int64)],
        "symbol": pd.array([symbols[alarm.instrument // legs] for alarm in alarms], dtype="str"),
    }
    if rules.settings.hedged:
        columns["leg"] = pd.array([SIDES[alarm.instrument % legs] for alarm in alarms], dtype="str")
    columns["gap"] = np.array([alarm.gap for alarm in alarms], np.bool_)
    for name in ("verdict", "happens_in"):
        columns[name] = pd.array([getattr(alarm, name) for alarm in alarms], dtype="str")
    return pd.DataFrame(columns)


def words(kind: type[IntEnum], codes: Any) -> Any:
    """Return the names of an enum's members, in small letters."""
    return pd.array([member.name.lower() for member in kind], dtype="str").take(codes)
