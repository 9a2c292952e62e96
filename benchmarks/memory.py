"""Print how many bytes per bar a run takes at its peak, over a process that holds its input: `memory.py run`."""

import resource
import sys
import tempfile
from pathlib import Path

import backtest as bt
from market import market, venue

BARS = 1_000_000
STEPS = ("run", "history", "save")


def peak() -> int:
    """Return the most memory that this process has held at once, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(last_step: str) -> None:
    """Run up to a step on bars whose making is no part of the peak."""
    account, terms = bt.Account(leverage=10.0, sizing="cash"), venue()
    small = market(1_000)
    with tempfile.TemporaryDirectory() as folder:
        work(bt.run(small.bars(), small.targets, account=account, venue=terms), "save", Path(folder) / "warm")
        given = market(BARS)
        bars, targets = given.bars(), given.targets
        del given
        start = settle()
        work(bt.run(bars, targets, account=account, venue=terms), last_step, Path(folder) / "run")
    print((peak_since() - start) / BARS)


def work(result: bt.Result, last_step: str, folder: Path) -> None:
    """Do to a result what the step asks for."""
    result.summary  # noqa: B018
    if last_step in STEPS[1:]:
        result.history  # noqa: B018
    if last_step == "save":
        result.save(folder)
