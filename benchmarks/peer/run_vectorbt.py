"""Time vectorbt's `from_signals` with its metrics, on its numba and its Rust engine: `run_vectorbt.py DATA.npz`."""

import sys

import numpy as np
import pandas as pd
import vectorbt as vbt
from given import best, load, report


def main(path: str) -> None:
    """Print what vectorbt takes; its signals are one bar late and its orders at the open, as everybody's here."""
    data = load(path)
    index = pd.DatetimeIndex(data["time"].view("M8[ns]"))
    step = pd.Timedelta(np.median(np.diff(data["time"])), unit="ns")
    opens, close, entries, exits = (
        pd.Series(data[name], index=index) for name in ("open", "close", "late_entries", "late_exits")
    )
    held = {}

    def run(engine: str) -> None:
        held["portfolio"] = vbt.Portfolio.from_signals(
            close, entries, exits, price=opens, fees=float(data["fee"]), init_cash=1e6, freq=step, engine=engine
        )

    def run_with_stats(engine: str) -> None:
        run(engine)
        held["stats"] = held["portfolio"].stats()

    for engine in ("numba", "rust"):
        run_with_stats(engine)
        stats = held["stats"]
        outcome = {"final": float(stats["End Value"]) / 1e6, "trades": int(stats["Total Trades"])}
        seconds, alone = best(lambda: run_with_stats(engine), 3), best(lambda: run(engine), 5)  # noqa: B023
        report(f"vectorbt {vbt.__version__}, {engine}", len(close), seconds, alone, **outcome)


if __name__ == "__main__":
    main(sys.argv[1])
