"""Sweeps on the workers of a dask cluster: the job goes out once, its chunks are replayed wherever there is room."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pyarrow as pa

from backtest.errors import ConfigError
from backtest.market.universes import Universe
from backtest.sweeping.cluster_connections import LOST, client_of
from backtest.sweeping.jobs import Job
from backtest.sweeping.parcels import Parcel, check_bars, replay_chunks

__all__ = ["Workers", "connected"]

AHEAD = 2
"""Tasks at a time for each thread of the workers: one that runs, one that waits for it."""

TASKS, LARGEST = 8, 4
"""Tasks for each thread in all, where there is enough to do, and the chunks of one at most."""

PATIENCE = 60.0
"""Seconds without any worker after which a sweep is given up."""

LIVES = 3
"""How often a task is sent out anew after all workers were lost that had its data."""

TICK = 1.0
"""Seconds after which workers are counted again."""

Task = list[Any]


@contextmanager
def connected(cluster: object, workers: int) -> Iterator["Workers"]:
    """Return the workers of a cluster, for as long as they are in use.

    Parameters
    ----------
    cluster : str, Client      "local", the address of a scheduler, or a dask.distributed.Client, which stays open
    workers : int              processes of a local cluster

    Raises
    ------
    ConfigError                for a scheduler that does not answer or has no workers, and workers of other versions
    """
    with client_of(cluster, workers) as client:
        crew = Workers(client)
        try:
            yield crew
        finally:
            crew.give_up()  # also where a traceback keeps alive what was under way


class Workers:
    """The workers of a cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._address = client.scheduler.address
        self._counted = self._seen = time.monotonic()
        self.size: int = sum(client.nthreads().values())
        self._running: dict[Any, Task] = {}

    def check(self, universe: Universe) -> None:
        """Read the bars of every symbol once, each at one worker."""
        for _ in self._each(check_bars, universe.absolute(), self._tasks(universe.symbols, len(universe.symbols))):
            pass

    def tables(self, job: Job, wanted: list[int], folder: Path | None) -> Iterator[tuple[int, pa.Table]]:
        """Yield chunks as they are finished, without their rows where workers have written them."""
        for found in self._each(replay_chunks, Parcel(job, folder), self._tasks(wanted, LARGEST)):
            for chunk, table in found:
                yield chunk, job.schema.empty_table() if table is None else table

    def give_up(self) -> None:
        """Cancel what has not ended."""
        futures = list(self._running)
        self._running.clear()
        with suppress(*LOST):
            if futures and self._client.status == "running":
                self._client.cancel(futures)

    def _tasks(self, work: Sequence[Any], largest: int) -> list[Task]:
        """Return neighbours together, as few as leave some tasks for every thread."""
        size = min(largest, max(1, len(work) // (TASKS * max(1, self.size))))
        return [list(work[start : start + size]) for start in range(0, len(work), size)]

    def _each(self, function: Callable[[Any, Task], Any], given: Any, tasks: list[Task]) -> Iterator[Any]:
        """Yield what a function returns of what is given and every task, in any order; not one is lost with a worker.

        A task that a worker takes down with it is run elsewhere, by the scheduler, and when all that was given is lost
        it is sent out anew.
        """
        waiting, lost = deque(tasks), Counter[int]()
        running = self._running
        ended: SimpleQueue[Any] = SimpleQueue()
        try:
            sent = self._send(given)
            while waiting or running:
                while waiting and len(running) < AHEAD * max(1, self.size):
                    future = self._client.submit(function, sent, waiting[0], pure=False)
                    running[future] = waiting.popleft()
                    future.add_done_callback(ended.put)
                future = self._next(ended)
                if future not in running:
                    continue  # one that has been given up
                try:
                    found = self._result(future, running[future])
                except CancelledError:  # with what it was given
                    self._check_lives(running.values(), lost)
                    waiting.extendleft(reversed(running.values()))
                    self.give_up()
                    sent = self._send(given)
                    continue
                del running[future], future  # so that the workers let go of its rows
                yield found
        finally:
            self.give_up()

    def _send(self, given: Any) -> Any:
        """Send what all tasks need to every worker."""
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
            return self._client.scatter(given, broadcast=True, hash=False, timeout=PATIENCE)
        except TimeoutError:
            raise self._no_worker() from None
        except LOST as error:
            raise self._no_scheduler() from error

    def _next(self, ended: "SimpleQueue[Any]") -> Any:
        """Return the next task that has ended in one way or another, counting the workers as time passes."""
        while True:
            try:
                future = ended.get(timeout=TICK)
            except Empty:
                future = None
            if time.monotonic() - self._counted > TICK:
                self._count()
            if future is not None:
                return future

    def _count(self) -> None:
        """Count the workers, and give up where there have been none for long."""
        self._check_scheduler()
        try:
            self.size = sum(self._client.nthreads().values())
        except LOST as error:
            raise self._no_scheduler() from error
        self._counted = time.monotonic()
        if self.size:
            self._seen = self._counted
        elif self._counted - self._seen > PATIENCE:
            raise self._no_worker()

    def _result(self, future: Any, task: Task) -> Any:
        """Return what a task has returned."""
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            died = error.allowed_failures + 1
            raise ConfigError(f"{_kept(task)}, got {died} dead, the last at {error.last_worker.address}") from error

    def _check_lives(self, tasks: Iterable[Task], lost: Counter[int]) -> None:
        """Refuse to go on where the same tasks are among those that ran when all workers were lost, again and again."""
        self._check_scheduler()
        lost.update(map(id, tasks))
        suspects = [task for task in tasks if lost[id(task)] > LIVES]
        if suspects:
            raise ConfigError(f"{_kept(suspects[0])}, got all of them dead {LIVES + 1} times at {self._address}")

    def _check_scheduler(self) -> None:
        if self._client.status != "running":
            raise self._no_scheduler()

    def _no_scheduler(self) -> ConfigError:
        return ConfigError(f"cluster must keep its scheduler as it sweeps, got no answer from {self._address}")

    def _no_worker(self) -> ConfigError:
        return ConfigError(f"cluster must have a worker as it sweeps, got none for {PATIENCE:g} s at {self._address}")


def _kept(task: Task) -> str:
    """Return the rule that a task breaks which takes its workers down."""
    return f"cluster must keep the workers that are given {_named(task)} (do they have the memory?)"


def _named(task: Task) -> str:
    return f"chunk {task[0]}" if isinstance(task[0], int) else f"the bars of {task[0]}"
