"""What a worker of a cluster gets of a sweep, once, and what it does with it."""

from dataclasses import fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from backtest.errors import ConfigError
from backtest.kernels._jit import source_hash
from backtest.market.bars import Bars
from backtest.market.universes import Universe
from backtest.signalling.signals import Signals
from backtest.signalling.strategies import Strategy
from backtest.sweeping.jobs import Job
from backtest.sweeping.parts import HISTORIES, MANIFEST, head_of, write_part
from backtest.sweeping.strategy_parcels import Remembering, packed

__all__ = ["Parcel", "check_bars", "kernel_sources", "replay_chunks"]

kernel_sources = cache(source_hash)
"""A hash of what this process has compiled, or will."""


class Parcel:
    """A job as it travels, and the folder that its parts are written to.

    Arrays arrive wherever they happen to lie in what came through the network, and read-only as it may be: kernels are
    compiled for aligned arrays that can be written to, and would be compiled once more.
    """

    def __init__(self, job: Job, folder: Path | None) -> None:
        bars, signals = job.bars, job.signals
        self._bars = bars if isinstance(bars, Bars) else bars.absolute()
        self._signals = packed(signals) if isinstance(signals, Strategy) else signals
        self._settings, self._chunks = job.settings, job.chunks
        self._saves = job.histories is not None
        self._kernels = kernel_sources()
        self._folder = None if folder is None else folder.absolute()
        self._head = b"" if folder is None else head_of(folder)

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels, from worker to worker, too: nothing that has been made of it."""
        state = {name: value for name, value in self.__dict__.items() if name != "job"}
        return state | ({"_bars": replace(self._bars)} if isinstance(self._bars, Bars) else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in ("_bars", "_signals"):
            if isinstance(state[name], (Bars, Signals)):
                self.__dict__[name] = in_order(state[name])

    @cached_property
    def job(self) -> Job:
        """The job, whose strategy is loaded when it is first asked for."""
        signals = self._signals
        histories = self._folder / HISTORIES if self._folder is not None and self._saves else None
        strategy = signals if isinstance(signals, Signals) else Remembering.of(signals.opened())
        job = Job(self._bars, strategy, self._settings, histories)
        job.__dict__["chunks"] = self._chunks  # those of the sweep, whatever they would be here
        return job

    def keep(self, chunk: int, table: pa.Table) -> pa.Table | None:
        """Return the rows of a chunk, or write them where there is a folder."""
        if self._folder is None:
            return table
        self.check_folder()
        write_part(self._folder, chunk, table)
        return None

    def check(self) -> None:
        """Refuse work that would not be the same here as where it comes from.

        Raises
        ------
        ConfigError                for other kernels, or a folder that is another one here
        """
        if self._kernels != kernel_sources():
            raise ConfigError("every worker must have the same version of margin-backtest, got other kernels at one")
        if self._folder is not None:
            self.check_folder()

    def check_folder(self) -> None:
        """Refuse a folder that is not that of this sweep: one of this machine alone, or that of a later sweep."""
        folder = Path(str(self._folder))
        path = folder / MANIFEST
        try:
            found = head_of(folder)
        except OSError:
            raise ConfigError(f"out must be a folder that every worker sees, got no {path} at a worker") from None
        if found != self._head:
            raise ConfigError(f"out must be the folder of this sweep at every worker, got another one in {path}")


def replay_chunks(parcel: Parcel, chunks: list[int]) -> list[tuple[int, pa.Table | None]]:
    """Return what became of some chunks."""
    parcel.check()
    return [(chunk, parcel.keep(chunk, table)) for chunk, table in parcel.job.tables(chunks, 1)]


def check_bars(universe: Universe, symbols: list[str]) -> None:
    """Read the bars of some symbols, and refuse those that cannot be replayed."""
    for symbol in symbols:
        universe.check(symbol)


def in_order(given: Any) -> Any:
    """Return bars or signals whose arrays are such as kernels are compiled for."""
    changes: dict[str, Any] = {}
    for field in fields(given):
        value = getattr(given, field.name)
        if isinstance(value, np.ndarray):
            changes[field.name] = _in_order(value)
    if isinstance(given, Bars) and not given.has_marks:
        changes["mark"] = changes["trade"]
    return replace(given, **changes)


def _in_order(values: NDArray[Any]) -> NDArray[Any]:
    kept: NDArray[Any] = np.require(values, None, ["C", "A", "W"])
    return kept
