"""Time vectorbt's `from_signals` over fees, a column each: `sweep_vectorbt.py DATA.npz SETTINGS`."""

import sys

import numpy as np
import pandas as pd
import vectorbt as vbt
from given import best, load, report_sweep


def main(path: str, settings: int) -> None:
    """Print what vectorbt takes, on its numba and its Rust engine."""
    data = load(path)
    index = pd.DatetimeIndex(data["time"].view("M8[ns]"))
    step = pd.Timedelta(np.median(np.diff(data["time"])), unit="ns")
    opens, close, entries, exits = (
        pd.Series(data[name], index=index) for name in ("open", "close", "late_entries", "late_exits")
    )
    fees = float(data["fee"]) * np.arange(settings) / settings
    held = {}

    def run(engine: str) -> None:
        portfolio = vbt.Portfolio.from_signals(
            close, entries, exits, price=opens, fees=fees[None, :], init_cash=1e6, freq=step, engine=engine
        )
        held["final"] = portfolio.final_value().to_numpy() / 1e6
        held["return"], held["drawdown"] = portfolio.total_return(), portfolio.max_drawdown()

    for engine in ("numba", "rust"):
        run(engine)
        seconds = best(lambda: run(engine), 2)  # noqa: B023
        report_sweep(f"vectorbt {vbt.__version__}, {engine}", len(close), settings, seconds, held["final"].tolist())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
