"""How every figure is taken, and the table that it ends up in."""

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pyarrow as pa

__all__ = ["Figure", "best", "machine", "table"]


@dataclass(frozen=True)
class Figure:
    """One row of the table; `target` is None where none was set, `at_least` turns the comparison round."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Return whether the figure meets its target, in a word."""
        if self.target is None:
            return ""
        met = self.value >= self.target if self.at_least else self.value <= self.target
        return "yes" if met else "**no**"

    def row(self) -> str:
        """Return the figure as a row of the table."""
        bound = "" if self.target is None else f"{'≥' if self.at_least else '≤'} {self.target:g}"
        return f"| {self.name} | {self.value:.3g} {self.unit} | {bound} | {self.verdict} |"


def best(
    call: Callable[[], object], repeats: int, *, before: Callable[[], object] | None = None, cpu: bool = False
) -> float:
    """Return the fewest seconds that `call` took; `before` runs untimed ahead of every repeat.

    The least of several is what the code costs when nothing else wants the core. With `cpu` it is the time the thread
    was running (kernels, which use one thread); without, the time that passed.
    """
    clock = time.thread_time if cpu else time.perf_counter
    seconds = []
    for _ in range(repeats):
        if before is not None:
            before()
        start = clock()
        call()
        seconds.append(clock() - start)
    return min(seconds)


def table(title: str, figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table."""
    head = [f"### {title}", "", "| what | measured | target | met |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *(figure.row() for figure in figures), ""])


def machine() -> str:
    """Return one line on the machine, its load, the versions and the date."""
    model = next(
        (line.split(":", 1)[1].strip() for line in cpu_lines() if line.startswith("model name")), platform.machine()
    )
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    versions = f"Python {platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}"
    versions += f", pandas {pd.__version__}, pyarrow {pa.__version__}"
    return f"{model}, {os.cpu_count()} cores, {load}; {versions}; {datetime.now(tz=UTC):%Y-%m-%d}"


def cpu_lines() -> list[str]:
    """Return what Linux says of the processor, nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.is_file() else []
