"""Time backtesting.py, which always takes its metrics: `run_backtesting.py DATA.npz`."""

import os
import sys
import warnings

import backtesting
import pandas as pd
from given import best, load, report


class Signals(backtesting.Strategy):
    """Buys and sells where the given signals say so."""

    entries: object = None
    exits: object = None

    def init(self) -> None:
        """Have nothing to prepare."""

    def next(self) -> None:
        """Order at the next open."""
        bar = len(self.data) - 1
        if self.exits[bar]:
            self.position.close()
        elif self.entries[bar] and not self.position:
            self.buy()


def main(path: str) -> None:
    """Print what backtesting.py takes; it buys whole units, so it has much cash, and counts no trade still open."""
    warnings.simplefilter("ignore")
    os.environ["TQDM_DISABLE"] = "1"
    backtesting.backtesting._tqdm = lambda iterable, **_: iterable
    data = load(path)
    index = pd.DatetimeIndex(data["time"].view("M8[ns]"))
    frame = pd.DataFrame({name: data[name.lower()] for name in ("Open", "High", "Low", "Close")}, index=index)
    Signals.entries, Signals.exits = data["entries"], data["exits"]
    runs = backtesting.Backtest(frame, Signals, cash=1e9, commission=float(data["fee"]))
    held = {}

    def run() -> None:
        held["stats"] = runs.run()

    seconds = best(run, 2)
    stats = held["stats"]
    outcome = {"final": float(stats["Equity Final [$]"]) / 1e9, "trades": int(stats["# Trades"])}
    report(f"backtesting.py {backtesting.__version__}", len(frame), seconds, seconds, **outcome)


if __name__ == "__main__":
    main(sys.argv[1])
