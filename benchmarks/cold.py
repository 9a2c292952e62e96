"""What a new process waits for: imports, the first call with compiled code on disk, and compiling everything anew.

Run: `python benchmarks/cold.py`. Every figure is the least of several processes. They may write byte code: where
PYTHONDONTWRITEBYTECODE is set, numba alone takes a second longer to import.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import Figure, machine, table

IMPORTS = """
import json, time
start = time.perf_counter()
import numpy, pandas, numba, pyarrow
libraries = time.perf_counter()
import backtest
print(json.dumps({"libraries": libraries - start, "package": time.perf_counter() - libraries}))
"""

FIRST_CALL = """
import json, time
import numpy, pandas, backtest as bt
random = numpy.random.default_rng(1)
time_index = pandas.date_range("2024", periods=10_000, freq="min", unit="ns")
close = 100.0 * numpy.exp(numpy.cumsum(0.001 * random.standard_normal(10_000)))
frame = pandas.DataFrame({"open": close, "high": close * 1.001, "low": close * 0.999, "close": close}, time_index)
signals = pandas.Series(numpy.repeat(random.integers(-1, 2, 100), 100).astype(float), time_index)
venue = bt.Venue(tiers=[bt.Tier(floor=0.0, maintenance_rate=0.004, max_leverage=125.0)])
def once():
    start = time.perf_counter()
    bars = bt.Bars.from_frames({"COIN": frame})
    bt.run(bars, signals, venue=venue, account=bt.Account(leverage=5.0)).summary
    return time.perf_counter() - start
first = once()
print(json.dumps({"first": first, "second": min(once() for _ in range(5))}))
"""


def answer(script: str, **environment: str) -> dict[str, float]:
    """Return what a script prints in a new process."""
    variables = {**os.environ, **environment}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    out = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
    parsed: dict[str, float] = json.loads(out.stdout)
    return parsed


def least(script: str, processes: int) -> dict[str, float]:
    """Return the least of every figure over several processes, after one that fills the caches."""
    answer(script)
    answers = [answer(script) for _ in range(processes)]
    return {name: min(each[name] for each in answers) for name in answers[0]}


def cold_compile() -> float:
    """Return the seconds that bars, a run and its summary take with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        return answer(FIRST_CALL, NUMBA_CACHE_DIR=str(Path(folder)))["first"]


def figures() -> list[Figure]:
    """Return every figure of a new process."""
    imports, calls = least(IMPORTS, 7), least(FIRST_CALL, 7)
    return [
        Figure("import of numpy, pandas, numba and pyarrow", imports["libraries"], "s"),
        Figure("`import backtest` beyond these", imports["package"], "s", 0.3),
        Figure("first bars, `bt.run` and summary, compiled code on disk", calls["first"], "s", 0.6),
        Figure("the same a second time", calls["second"] * 1000.0, "ms"),
        Figure("the same in the first process ever: compiling", cold_compile(), "s"),
    ]


if __name__ == "__main__":
    print(machine())
    print(table("A new process", figures()))
