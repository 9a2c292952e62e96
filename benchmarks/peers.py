"""The engine beside its peers: one market, one set of signals, one run.

Run: `python benchmarks/peers.py [FOLDER]`. Every peer lives in a virtual environment of its own under FOLDER, made on
the first run (default: in the system's folder for temporary files). All trade at the open after a signal, long or flat,
at 1x with the whole equity and a fee of 0.0005, since none of them has margin; they must end with the same money.
"""

import json
import math
import subprocess
import sys
import tempfile
import venv as environments
from pathlib import Path
from typing import Any

import numpy as np
from engine import BARS, NANOSECONDS, prepare
from market import HOURLY, Market, hourly, market, venue
from timing import Figure, best, machine, table

import backtest as bt

HERE = Path(__file__).parent / "peer"
FOLDER = Path(tempfile.gettempdir()) / "margin-backtest-peers"
PEERS = ("raptorbt", "vectorbt", "backtesting")
FEE = 0.0005
ROUNDS = 3


def python_of(peer: str, folder: Path) -> Path:
    """Return the Python of a peer's environment, which is made where it is missing."""
    home = folder / peer
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (home / "complete").exists():
        environments.create(home, with_pip=True, clear=True)
        requirements = HERE / f"requirements-{peer}.txt"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
        (home / "complete").touch()
    return python


def write_data(given: Market, path: Path) -> np.ndarray:
    """Write prices, entries and exits for the peers, and return the targets, 0 or 1, that say the same."""
    frame = next(iter(given.frames.values()))
    target = given.targets[:, 0] > 0.0
    before = np.concatenate(([False], target[:-1]))
    signals = {"entries": target & ~before, "exits": before & ~target}
    late = {f"late_{name}": np.concatenate(([False], values[:-1])) for name, values in signals.items()}
    prices = {name: frame[name].to_numpy() for name in ("open", "high", "low", "close")}
    arrays: dict[str, Any] = {"time": frame.index.to_numpy(np.int64), "fee": FEE, **prices, **signals, **late}
    np.savez(path, **arrays)
    return target.astype(np.float64)[:, None]


def answers(given: Market, folder: Path) -> list[dict[str, Any]]:
    """Return what the engine and every peer take on a market, and the money that each ends with.

    Everybody has several rounds, one after the other, of which the least time counts: a busy moment is shared.
    """
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "data.npz"
        targets = write_data(given, path)
        for _ in range(ROUNDS):
            for answer in [ours(given, targets), *theirs(path, folder)]:
                best_yet = found.setdefault(answer["name"], answer)
                for name in ("seconds", "alone"):
                    best_yet[name] = min(best_yet[name], answer[name])
    first, *others = found.values()
    for answer in others:
        if not math.isclose(answer["final"], first["final"], rel_tol=1e-5):
            print(f"not the same work: {answer['name']} ends with {answer['final']}, not {first['final']}")
    return [first, *others]


def theirs(path: Path, folder: Path) -> list[dict[str, Any]]:
    """Return what every peer answers, each in its own environment."""
    found = []
    for peer in PEERS:
        command = [python_of(peer, folder), HERE / f"run_{peer}.py", path]
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        found += [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return found


def ours(given: Market, targets: np.ndarray) -> dict[str, Any]:
    """Return what the engine takes, end to end with its summary, and in the kernel alone."""
    bars = given.bars()
    account, terms = bt.Account(cash=1e6), venue(taker_fee=FEE)

    def run() -> bt.Result:
        result = bt.run(bars, targets, account=account, venue=terms)
        result.summary  # noqa: B018
        return result

    result = run()
    # by the clock on the wall, as the peers are
    alone = prepare(bars, targets, account).nanoseconds_per_bar(len(bars), cpu=False) / NANOSECONDS * len(bars)
    outcome = {"final": float(result.equity.iloc[-1]) / 1e6, "trades": result.summary["trades"]}
    return {"name": "this engine", "bars": len(bars), "seconds": best(run, 15), "alone": alone, **outcome}


def comparison(title: str, found: list[dict[str, Any]]) -> str:
    """Return the answers as a table, each beside the engine."""
    mine = found[0]
    lines = [
        f"### {title}",
        "",
        "| | ns/bar | million bars/s | ours end to end | our kernel alone | trades | money at the end |",
    ]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for answer in found:
        per_bar = answer["seconds"] / answer["bars"] * NANOSECONDS
        ratios = [f"{answer['seconds'] / mine[name]:.3g}x faster" for name in ("seconds", "alone")]
        ratios = ["", f"{mine['alone'] / mine['bars'] * NANOSECONDS:.3g} ns/bar"] if answer is mine else ratios
        columns = [answer["name"], f"{per_bar:.3g}", f"{1000.0 / per_bar:.3g}", *ratios]
        lines.append(f"| {' | '.join([*columns, str(answer['trades']), format(answer['final'], '.9f')])} |")
    return "\n".join([*lines, ""])


def figures(found: list[dict[str, Any]]) -> list[Figure]:
    """Return the ratios that have targets."""
    mine, fastest = found[0], min(found[1:], key=lambda answer: float(answer["seconds"]))
    vectorbt = min(float(answer["seconds"]) for answer in found if answer["name"].startswith("vectorbt"))
    name = fastest["name"]
    return [
        Figure(f"end to end, against the fastest ({name})", fastest["seconds"] / mine["seconds"], "x", 3.0, True),
        Figure("end to end, against vectorbt (its faster engine)", vectorbt / mine["seconds"], "x", 10.0, True),
        Figure(f"kernel alone, against the fastest ({name})", fastest["seconds"] / mine["alone"], "x", 10.0, True),
    ]


def report(folder: Path = FOLDER) -> str:
    """Return every table."""
    minutes, hours = answers(market(BARS), folder), answers(hourly(), folder)
    return "\n".join(
        [
            table("Beside the peers", figures(minutes)),
            comparison(f"{BARS:,} synthetic minutes, with metrics", minutes),
            comparison(f"{hours[0]['bars']:,} real hours ({HOURLY.name}), with metrics", hours),
        ]
    )


if __name__ == "__main__":
    print(machine())
    print(report(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
