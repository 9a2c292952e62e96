"""What a second worker brings a sweep of a minute on a dask cluster, and what scheduler and network take of it.

Run: `python benchmarks/cluster.py`, on Linux with the extra `cluster`. Scheduler and workers are processes, as
`dask scheduler` and `dask worker` start them. `rebalance="bar"` keeps the settings off the fast path. Where others use
the machine, the time that passed says little, and the time that the processors were given more: both are printed.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil
from dask.distributed import Client
from market import market, venue
from timing import Figure, machine, table

import backtest as bt

BARS = 1_000_000
SETTINGS = 670  # ten chunks
ROUNDS = 2


class Cost(NamedTuple):
    """Seconds of a sweep: that passed, and that each kind of process was running."""

    wall: float
    workers: list[float]
    scheduler: float
    client: float

    @property
    def given(self) -> float:
        """Return the share of a processor that workers had while the sweep lasted."""
        return sum(self.workers) / len(self.workers) / self.wall


class Cluster:
    """A scheduler and some workers of one thread, ended on leaving."""

    def __init__(self, workers: int) -> None:
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "scheduler.json"
        here = ("--host", "127.0.0.1", "--no-dashboard")
        self.scheduler = self._start("scheduler", *here, "--port", "0", "--scheduler-file", str(file))
        while not file.exists():
            time.sleep(0.1)
        self.address: str = json.loads(file.read_text())["address"]
        self.workers = [
            self._start(
                "worker", self.address, *here, "--no-nanny", "--nthreads", "1", "--local-directory", str(folder)
            )
            for _ in range(workers)
        ]
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _start(self, kind: str, *arguments: str) -> psutil.Process:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
        quiet = subprocess.DEVNULL
        process = self._stack.enter_context(subprocess.Popen(command, stdout=quiet, stderr=quiet))
        self._stack.callback(process.kill)
        return psutil.Process(process.pid)


def running(process: psutil.Process) -> float:
    """Return the seconds that a process has been running."""
    times = process.cpu_times()
    return times.user + times.system


def cost(cluster: Cluster, given: tuple[bt.Bars, object], settings: int) -> Cost:
    """Return what a sweep costs."""
    bars, targets = given
    processes = [*cluster.workers, cluster.scheduler, psutil.Process()]
    before = [running(process) for process in processes]
    start = time.perf_counter()
    over = {"leverage": [1.0 + 9.0 * k / SETTINGS for k in range(settings)]}
    account = bt.Account(rebalance="bar")
    found = bt.sweep(bars, targets, venue=venue(), account=account, over=over, cluster=cluster.address)
    wall = time.perf_counter() - start
    if found.attrs["rows"]["general"] != settings:
        raise RuntimeError(f"all settings must take the general path, got {found.attrs['rows']}")
    *workers, scheduler, client = (running(process) - old for process, old in zip(processes, before, strict=True))
    return Cost(wall, workers, scheduler, client)


def figures() -> list[Figure]:
    """Return every figure of the cluster."""
    source = market(BARS)
    given = source.bars(), source.targets
    costs: dict[int, list[Cost]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for workers, found in costs.items():
            with Cluster(workers) as cluster:
                cost(cluster, given, 2 * workers)  # kernels are loaded
                found.append(cost(cluster, given, SETTINGS))
                print(workers, found[-1], flush=True)
    one, two = (min(found, key=lambda each: each.wall) for found in costs.values())
    running_one, running_two = (min(max(each.workers) for each in found) for found in costs.values())
    with Cluster(2) as cluster:
        cost(cluster, given, 4)
        empty = min(cost(cluster, given, 4).wall for _ in range(3))
    return [
        Figure(f"one worker, {SETTINGS:,} settings over {BARS:,} bars", one.wall, "s"),
        Figure("two workers", two.wall, "s"),
        Figure("two workers over one, time passed", one.wall / two.wall, "x", 1.7, at_least=True),
        Figure("two workers over one, time that the busier was running", running_one / running_two, "x", 1.7, True),
        Figure("share of a processor that one worker was given", one.given, "of 1"),
        Figure("share that each of two was given", two.given, "of 1"),
        Figure("the scheduler was running, of two workers' sweep", two.scheduler, "s"),
        Figure("the client was running", two.client, "s"),
        Figure("a sweep of four settings, connection and bars out included", empty, "s"),
    ]


if __name__ == "__main__":
    print(machine())
    print(table("Cluster", figures()))
