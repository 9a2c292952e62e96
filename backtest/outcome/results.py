"""The result of a replay: frames that are built when they are first looked at."""

import os
from functools import cached_property
from typing import Any

import pandas as pd

from backtest.errors import DataError
from backtest.outcome import storage
from backtest.outcome.events import EVENTS
from backtest.outcome.sources import FRAMES, Saved, Source
from backtest.text import grouped

__all__ = ["Result", "load"]


class Result:
    """Everything that happened in a replay.

    Attributes
    ----------
    equity : Series            at every close, by time (quote)
    history : DataFrame        per bar, by time: equity equity_low wallet margin initial_margin maintenance_margin
        margin_ratio notional effective_leverage, running totals: realised fees funding interest penalties forfeited
        bad_debt, then reserve, deposits (a total: from the reserve and by refills), insurance_fund, socialised_loss
    fills : DataFrame          time symbol quantity price fee reason
    trades : DataFrame         a row per round trip
    liquidations : DataFrame   time symbol quantity mark_price fill_price bankruptcy_price margin_lost penalty
        forfeited bad_debt gap joint partial
    orders : DataFrame         what margin cut, refused or left waiting: time symbol wanted filled reason
    calls : DataFrame          margin calls and money that was moved: time symbol ("" for a cross account) event balance
        maintenance asked amount reserve
    summary : Series           figures by name

    In hedge mode events have one more column, `leg`: "long" or "short".
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    @cached_property
    def equity(self) -> pd.Series:
        """Return equity at every close."""
        return self._source.equity()

    @cached_property
    def history(self) -> pd.DataFrame:
        """Return what is known at every close, and the ledger's running totals."""
        return self._source.frame("history")

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Return every fill in the order in which it happened."""
        return self._source.frame("fills")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Return every round trip."""
        return self._source.frame("trades")

    @cached_property
    def liquidations(self) -> pd.DataFrame:
        """Return every liquidation."""
        return self._source.frame("liquidations")

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Return every order that got less than it wanted, with the reason."""
        return self._source.frame("orders")

    @cached_property
    def calls(self) -> pd.DataFrame:
        """Return margin calls, what became of them, refills, and margin that the strategy added."""
        return self._source.frame("calls")

    @cached_property
    def summary(self) -> pd.Series:
        """Return the run's figures by name."""
        return self._source.summary()

    @cached_property
    def description(self) -> dict[str, Any]:
        """Return settings, venue, data fingerprint and versions."""
        return self._source.description()

    def __repr__(self) -> str:
        summary = self.summary
        return (
            f"Result(bars {grouped(len(self._source))}, total_return {summary['total_return']:+.2%}, max_drawdown "
            f"{summary['max_drawdown']:.2%}, trades {summary['trades']}, liquidations {summary['liquidations']})"
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write one Parquet file per frame and run.json into a folder, all or nothing.

        Raises
        ------
        DataError              if the folder holds something other than a run
        """
        looked_at = "history" in self.__dict__
        history = iter([self.history]) if looked_at else self._source.pieces()
        frames: dict[str, storage.Frame] = {"history": history} | {name: getattr(self, name) for name in EVENTS}
        storage.save(folder, frames, {**self.description, "summary": self.summary.to_dict()})


def load(folder: str | os.PathLike[str]) -> Result:
    """Return a saved result, with frames equal to those saved.

    Raises
    ------
    DataError                  if the folder holds no run, or a damaged one
    """
    frames, run = storage.load(folder)
    missing = [name for name in FRAMES if name not in frames]
    if "summary" not in run:
        missing.append("summary")
    if missing:
        raise DataError(f"a run must hold {', '.join(FRAMES)} and a summary, got no {missing[0]} in {folder}")
    return Result(Saved(frames, run))
