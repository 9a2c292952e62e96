"""A sweep as work that can be done in any order, by any number of workers: chunks of rows, and what they need."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa

from backtest.errors import BacktestError
from backtest.market.bars import Bars
from backtest.market.universes import Universe
from backtest.outcome.results import Result
from backtest.outcome.sources import Replayed
from backtest.signalling.signals import Signals
from backtest.signalling.strategies import Strategy
from backtest.sweeping.grids import Setting
from backtest.sweeping.lanes import Keep, Lane, summaries
from backtest.sweeping.rulebooks import ColumnChecks, RuleBook
from backtest.sweeping.sweep_tables import Row, schema_of, table_of

__all__ = ["Job"]

MOST_ROWS = 256
WORK = 1 << 26
"""Bars x instruments x settings of a chunk at most: some tenths of a second of replays."""


class Market:
    """The bars of a group of rows, with what settings and strategies need of them."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.rules = RuleBook(bars.symbols)

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The bars as strategies read them."""
        return self.bars.frames()


@dataclass(frozen=True, eq=False)
class Job:
    """All that the rows of a sweep are made of.

    Attributes
    ----------
    bars : Bars, Universe          of a universe every row is for one symbol, which its value `symbol` names
    signals : Strategy, Signals    a strategy is evaluated once for all rows with the same parameters
    settings : list of Setting     one for each row
    histories : Path or None       where every run is saved, in a folder of its own
    """

    bars: Bars | Universe
    signals: Strategy | Signals
    settings: list[Setting]
    histories: Path | None = None
    _said: dict[tuple[object, ...], Signals | BacktestError] = field(default_factory=dict, repr=False)

    @cached_property
    def chunks(self) -> list[list[int]]:
        """The rows of every chunk, always the same: of one symbol, those with the same parameters neighbours."""
        orders: dict[str, list[int]] = {}
        for symbol, rows in self._groups(range(len(self.settings))):
            orders.setdefault(symbol, []).extend(rows)
        chunks = []
        for symbol, order in orders.items():
            length = self.bars.trade.size if isinstance(self.bars, Bars) else self.bars.lengths[symbol]
            size = min(MOST_ROWS, max(1, WORK // max(1, length)))
            chunks += [order[start : start + size] for start in range(0, len(order), size)]
        return chunks

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the table."""
        return schema_of(self.settings)

    def tables(self, chunks: Sequence[int], workers: int) -> Iterator[tuple[int, pa.Table]]:
        """Yield the numbers and tables of chunks as they are finished."""
        chunk_of = {row: chunk for chunk in chunks for row in self.chunks[chunk]}
        found: dict[int, list[Row]] = {chunk: [] for chunk in chunks}
        for row in self.rows(chunk_of, workers):
            chunk = chunk_of[row.row]
            found[chunk].append(row)
            if len(found[chunk]) == len(self.chunks[chunk]):
                yield chunk, table_of(found.pop(chunk), self.settings, self.schema)

    def rows(self, wanted: Iterable[int], workers: int) -> Iterator[Row]:
        """Yield what becomes of the settings of some rows, in any order."""
        read, market = None, None
        for symbol, group in self._groups(wanted):
            if market is None or symbol != read:
                read, market = symbol, self._market(symbol)
            lanes: list[Lane] = []
            for row in group:
                setting = self.settings[row]
                reason = setting.reason
                if setting.account is not None and setting.venue is not None and not reason:
                    try:
                        rules = market.rules.rules(setting.account, setting.venue)
                        lanes.append(Lane(row, setting.account, setting.venue, rules))
                    except BacktestError as error:
                        reason = str(error)
                if reason:
                    yield Row(row, {}, "", reason)
            if lanes:
                yield from self._replayed(market, lanes, workers)

    def _replayed(self, market: Market, lanes: list[Lane], workers: int) -> Iterator[Row]:
        """Yield the rows of lanes that share their parameters."""
        params = self.settings[lanes[0].row].params
        try:
            signals = self._evaluated(market, lanes[0].row)
        except BacktestError as error:
            for lane in lanes:
                yield Row(lane.row, {}, "", str(error))
            return
        checks, allowed = ColumnChecks(market.bars, signals), []
        for lane in lanes:
            try:
                checks.check(lane.rules)
                allowed.append(lane)
            except BacktestError as error:
                yield Row(lane.row, {}, "", str(error))
        shared_by = self._sharing[self._key(lanes[0].row)]
        for row, figures, path in summaries(market.bars, signals, allowed, workers, self._keep(params), shared_by):
            yield Row(row, figures, path, "")

    def _groups(self, rows: Iterable[int]) -> list[tuple[str, list[int]]]:
        """Return rows of the same symbol and parameters together, in the order in which they first come."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for row in rows:
            groups.setdefault(self._key(row), []).append(row)
        return [(str(symbol), group) for (symbol, *_), group in groups.items()]

    def _key(self, row: int) -> tuple[object, ...]:
        """Return symbol and parameters, which decide what is traded."""
        setting = self.settings[row]
        symbol = setting.values["symbol"] if isinstance(self.bars, Universe) else ""
        return symbol, *setting.params.values()

    @cached_property
    def _sharing(self) -> Counter[tuple[object, ...]]:
        """How many rows of the whole sweep trade the same, by symbol and parameters."""
        return Counter(map(self._key, range(len(self.settings))))

    def first_signals(self) -> Signals | None:
        """Return what is traded in the first rows that can trade, kept for their turn; None where none can."""
        read, market = None, None
        for symbol, group in self._groups(row for row, setting in enumerate(self.settings) if not setting.reason):
            if market is None or symbol != read:
                read, market = symbol, self._market(symbol)
            try:
                self._said[self._key(group[0])] = signals = self._evaluated(market, group[0])
            except BacktestError as error:
                self._said[self._key(group[0])] = error
            else:
                return signals
        return None

    def _market(self, symbol: str) -> Market:
        """Return the bars of some rows."""
        return Market(self.bars if isinstance(self.bars, Bars) else self.bars.bars(symbol))

    def _evaluated(self, market: Market, row: int) -> Signals:
        """Return what is traded in a row, and in all that have its parameters."""
        if isinstance(self.signals, Signals):
            return self.signals
        said = self._said.get(self._key(row))
        if isinstance(said, BacktestError):
            raise said
        return self.signals.signals_of(market.frames, self.settings[row].params) if said is None else said

    def _keep(self, params: dict[str, object]) -> Keep | None:
        """Return what saves the history of a row, None where none is asked for."""
        folder, signals = self.histories, self.signals
        if folder is None:
            return None
        strategy: dict[str, object] | None = None
        if isinstance(signals, Strategy):
            strategy = {"name": signals.name, "source": signals.source_hash, "params": params}

        def keep(row: int, replayed: Replayed) -> None:
            Result(replace(replayed, strategy=strategy)).save(folder / f"{row:06d}")

        return keep
