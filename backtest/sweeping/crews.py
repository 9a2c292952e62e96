"""Who does the work of a sweep: threads of this process, or the workers of a cluster."""

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from backtest.market.universes import Universe
from backtest.sweeping.jobs import Job
from backtest.sweeping.lanes import on_threads
from backtest.sweeping.parts import write_part

__all__ = ["Crew", "Threads", "crew_of"]


class Crew(Protocol):
    """What does the work."""

    @property
    def size(self) -> int:
        """How many settings are replayed at once."""

    def check(self, universe: Universe) -> None:
        """Read the bars of every symbol once.

        Raises
        ------
        DataError                  naming the file, for bars that cannot be replayed
        """

    def tables(self, job: Job, wanted: list[int], folder: Path | None) -> Iterator[tuple[int, pa.Table]]:
        """Yield chunks as they are finished: with their rows, or, where there is a folder, when they are in it."""


class Threads:
    """Threads of this process."""

    def __init__(self, size: int) -> None:
        self.size = size

    def check(self, universe: Universe) -> None:
        """Read the bars of every symbol once."""
        deque(on_threads(universe.check, universe.symbols, self.size), maxlen=0)

    def tables(self, job: Job, wanted: list[int], folder: Path | None) -> Iterator[tuple[int, pa.Table]]:
        """Yield chunks as they are finished."""
        for chunk, table in job.tables(wanted, self.size):
            if folder is not None:
                write_part(folder, chunk, table)
            yield chunk, table


def crew_of(cluster: object, workers: int) -> AbstractContextManager[Crew]:
    """Return what does the work, for as long as it is in use.

    Raises
    ------
    ConfigError                    for a cluster that does not answer, or cannot do this work
    """
    if cluster is None:
        return nullcontext(Threads(workers))
    from backtest.sweeping.clusters import connected

    return connected(cluster, workers)
