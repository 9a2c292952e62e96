"""Time raptorbt's `batch_single_backtest` over fees, on all cores: `sweep_raptorbt.py DATA.npz SETTINGS`."""

import sys
from importlib.metadata import version

import numpy as np
import raptorbt
from given import best, load, report_sweep


def main(path: str, settings: int) -> None:
    """Print what raptorbt takes."""
    data = load(path)
    columns = [data[name] for name in ("time", "open", "high", "low", "close")]
    volume = np.ones(len(columns[0]))
    fees = float(data["fee"]) * np.arange(settings) / settings
    held = {}

    def run() -> None:
        items = []
        for fee in fees:
            config = raptorbt.BacktestConfig(initial_capital=1e6, fees=float(fee), fill_timing="next_bar_open")
            items.append(raptorbt.BatchSingleItem(str(fee), data["entries"], data["exits"], 1, 1.0, "COIN", config))
        held["results"] = raptorbt.batch_single_backtest(*columns, volume, items)

    seconds = best(run, 2)
    final = [1.0 + result.metrics.total_return_pct / 100.0 for _, result in held["results"]]
    report_sweep(f"raptorbt {version('raptorbt')}, batch", len(volume), settings, seconds, final)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
