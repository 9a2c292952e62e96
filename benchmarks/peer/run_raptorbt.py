"""Time raptorbt's `run_single_backtest`, which always takes its metrics: `run_raptorbt.py DATA.npz`."""

import sys
from importlib.metadata import version

import numpy as np
import raptorbt
from given import best, load, report


def main(path: str) -> None:
    """Print what raptorbt takes."""
    data = load(path)
    config = raptorbt.BacktestConfig(initial_capital=1e6, fees=float(data["fee"]), fill_timing="next_bar_open")
    columns = [data[name] for name in ("time", "open", "high", "low", "close")]
    volume = np.ones(len(columns[0]))
    held = {}

    def run() -> None:
        held["result"] = raptorbt.run_single_backtest(
            *columns, volume, data["entries"], data["exits"], 1, 1.0, "COIN", config
        )

    run()
    seconds = best(run, 7)
    metrics = held["result"].metrics
    outcome = {"final": 1.0 + metrics.total_return_pct / 100.0, "trades": int(metrics.total_trades)}
    report(f"raptorbt {version('raptorbt')}", len(volume), seconds, seconds, **outcome)


if __name__ == "__main__":
    main(sys.argv[1])
