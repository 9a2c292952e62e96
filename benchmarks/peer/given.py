"""What every peer's runner shares: the data it is given, the clock, and the line of JSON it answers with."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def load(path: str) -> dict[str, np.ndarray]:
    """Return the arrays of the data file."""
    with np.load(path) as file:
        return dict(file)


def best(call: Callable[[], object], repeats: int) -> float:
    """Return the fewest seconds that `call` took."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def report(name: str, bars: int, seconds: float, alone: float, **outcome: float) -> None:
    """Print a measurement: the whole with its metrics, and the simulation alone where it can be had alone."""
    print(json.dumps({"name": name, "bars": bars, "seconds": seconds, "alone": alone, **outcome}))


def report_sweep(name: str, bars: int, settings: int, seconds: float, final: list[float]) -> None:
    """Print the measurement of a sweep: the money that every setting ends with, and the process's peak memory."""
    status = Path("/proc/self/status").read_text().splitlines()  # Linux; ru_maxrss would count the parent's, too
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    answer = {"name": name, "bars": bars, "settings": settings, "seconds": seconds, "peak": peak, "final": final}
    print(json.dumps(answer))
