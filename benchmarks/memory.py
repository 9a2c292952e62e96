"""Print how many bytes per bar a run takes at its peak, beyond the bars and signals it is given: `memory.py run`.

Linux only: the kernel's high-water mark of the process is set back once the input stands. Started by `engine.py`.
"""

import gc
import sys
import tempfile
from pathlib import Path

from market import market, venue

import backtest as bt

BARS = 1_000_000
STEPS = ("run", "history", "save")


def resident(field: str) -> int:
    """Return a size from the process's status, in bytes: VmRSS (now) or VmHWM (the most so far)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def main(last_step: str) -> None:
    """Run up to a step, once on few bars so that everything is loaded, then on many."""
    with tempfile.TemporaryDirectory() as folder:
        few = market(1_000)
        work(few.bars(), few.targets, "save", Path(folder) / "few")
        given = market(BARS)
        bars, targets = given.bars(), given.targets
        del few, given
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM becomes VmRSS
        start = resident("VmRSS")
        work(bars, targets, last_step, Path(folder) / "many")
        print((resident("VmHWM") - start) / BARS)


def work(bars: bt.Bars, targets: object, last_step: str, folder: Path) -> None:
    """Replay, then look at the result as far as the step says."""
    result = bt.run(bars, targets, account=bt.Account(leverage=10.0), venue=venue())
    result.summary  # noqa: B018
    if last_step in STEPS[1:]:
        result.history  # noqa: B018
    if last_step == STEPS[2]:
        result.save(folder)


if __name__ == "__main__":
    main(sys.argv[1])
