"""What a sweep costs: bar·settings per second on both paths, memory, and the peers beside it.

Run: `python benchmarks/sweep.py [FOLDER]`. The peers live where `peers.py` puts them; none of them has margin, so that
they sweep what they can: fees, at 1x, long or flat. They must end with the same money, setting by setting.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from engine import BARS
from market import HOURLY, hourly, market, venue
from memory import resident
from peers import FEE, FOLDER, HERE, python_of, write_data
from timing import Figure, best, machine, table

import backtest as bt

LEVERAGES = np.linspace(1.0, 10.0, 1000).tolist()
PEERS = {"raptorbt": 32, "vectorbt": 4}
"""The settings that every peer sweeps: one of them wants 0.7 GB for each."""

REPEATS = 3
MILLION = 1e6


def sweep_figures() -> list[Figure]:
    """Return what sweeps of 1,000,000 minutes do in a second, and how long 1,000 leverages take."""
    full = market(BARS, extras=True)
    bars, fees = full.bars(), np.linspace(FEE, 2.0 * FEE, 40).tolist()
    stops = pd.DataFrame({"target": full.targets[:, 0], "stop_loss": 0.05}, bars.time)
    hold = np.ones((BARS, 1))
    seconds = time_of(bars, full.targets, {"leverage": LEVERAGES}, leverage=1.0)
    held = time_of(bars, hold, {"leverage": LEVERAGES}, leverage=1.0)
    both = time_of(bars, full.targets, {"margin_mode": ["isolated", "cross"], "taker_fee": fees})
    each = time_of(bars, stops, {"taker_fee": fees})
    return [
        rate("fast path, 1,000 leverages, 6,500 orders each", BARS * 1000 / seconds, 2000.0),
        rate("fast path, 1,000 leverages, held throughout", BARS * 1000 / held, 2000.0),
        rate("fast path, 80 modes and fees at 10x", BARS * 80 / both, None),
        rate("general path, 40 fees at 10x with a column of stops", BARS * 40 / each, 150.0),
        Figure("1,000 leverages over 1,000,000 minutes, 6,500 orders each", seconds, "s", 1.0),
        Figure("1,000 leverages over 1,000,000 minutes, held throughout", held, "s", 1.0),
        hourly_figure(),
        Figure("peak memory of 1,000 leverages over 1,000,000 minutes", peak_of("leverages"), "GB", 1.0),
    ]


def time_of(bars: bt.Bars, signals: object, over: dict[str, list[Any]], leverage: float = 10.0) -> float:
    """Return the seconds that a sweep takes on all cores, marks and funding included."""
    account = bt.Account(leverage=leverage)
    return best(lambda: bt.sweep(bars, signals, account=account, venue=venue(), over=over), REPEATS)


def rate(name: str, per_second: float, target: float | None) -> Figure:
    """Return a figure in bar·settings per second."""
    return Figure(name, per_second / MILLION, "M bar·settings/s", target, True)


def hourly_figure() -> Figure:
    """Return how long 1,000 leverages in both margin modes take on the real hours."""
    real = hourly()
    over = {"leverage": LEVERAGES, "margin_mode": ["isolated", "cross"]}
    seconds = time_of(real.bars(), real.targets, over, leverage=1.0)
    return Figure(f"2,000 settings over the hours of {HOURLY.name}", seconds, "s")


def peak_of(what: str) -> float:
    """Return the peak memory of a process that does nothing else, in GB."""
    out = subprocess.run([sys.executable, __file__, what], stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(out)


def sweep_leverages() -> None:
    """Sweep leverages, and print the peak memory of this process in GB."""
    full = market(BARS, extras=True)
    bars, targets = full.bars(), full.targets
    del full
    bt.sweep(bars, targets, venue=venue(), over={"leverage": LEVERAGES})
    print(resident("VmHWM") / 1e9)


def answers(folder: Path) -> list[dict[str, Any]]:
    """Return what a sweep of fees takes here and with every peer, each on all cores."""
    given = market(BARS)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "data.npz"
        targets = write_data(given, path)
        found = [ours(given.bars(), targets, 1000)]
        for peer, settings in PEERS.items():
            expected = ours(given.bars(), targets, settings)["final"]
            command = [python_of(peer, folder), HERE / f"sweep_{peer}.py", path, str(settings)]
            out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            for line in out.splitlines():
                if line.startswith("{"):
                    answer = json.loads(line)
                    check(answer, expected)
                    found.append(answer)
    return found


def ours(bars: bt.Bars, targets: np.ndarray, settings: int) -> dict[str, Any]:
    """Return what a sweep of fees takes here."""
    over = {"taker_fee": (FEE * np.arange(settings) / settings).tolist()}
    account = bt.Account(cash=1e6)
    held = {}

    def run() -> None:
        held["table"] = bt.sweep(bars, targets, account=account, venue=venue(), over=over)

    seconds = best(run, REPEATS)
    final = (held["table"]["total_return"] + 1.0).tolist()
    return {"name": "this engine", "bars": len(bars), "settings": settings, "seconds": seconds, "final": final}


def check(answer: dict[str, Any], expected: list[float]) -> None:
    """Say so where a peer has not done the same work."""
    for setting, (found, mine) in enumerate(zip(answer["final"], expected, strict=True)):
        if not math.isclose(found, mine, rel_tol=1e-5):
            print(f"not the same work: {answer['name']} ends setting {setting} with {found}, not {mine}")


def throughput(answer: dict[str, Any]) -> float:
    """Return bar·settings per second."""
    return float(answer["bars"] * answer["settings"] / answer["seconds"])


def comparison(found: list[dict[str, Any]]) -> str:
    """Return the answers as a table, each beside this engine's."""
    lines = [
        "### Sweeps of fees over 1,000,000 synthetic minutes, on all cores",
        "",
        "| | settings | seconds | M bar·settings/s | this engine | peak memory |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for answer in found:
        times = f"{throughput(found[0]) / throughput(answer):.3g}x faster" if answer is not found[0] else ""
        memory = f"{answer['peak'] / 1e9:.2g} GB" if "peak" in answer else ""
        row = (answer["name"], str(answer["settings"]), f"{answer['seconds']:.3g}")
        lines.append(f"| {' | '.join([*row, f'{throughput(answer) / MILLION:.4g}', times, memory])} |")
    return "\n".join([*lines, ""])


def report(folder: Path = FOLDER) -> str:
    """Return every table."""
    found = answers(folder)
    fastest = max(found[1:], key=throughput)
    ratio = throughput(found[0]) / throughput(fastest)
    figures = [*sweep_figures(), Figure(f"against the fastest peer ({fastest['name']})", ratio, "x", 100.0, True)]
    return "\n".join([table("Sweeps", figures), comparison(found)])


if __name__ == "__main__":
    if sys.argv[1:] == ["leverages"]:
        sweep_leverages()
    else:
        print(machine())
        print(report(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
