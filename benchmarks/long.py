"""Print peak memory and time of a replay larger than memory, beside those of a tenth of it: `long.py [BARS]`.

One-minute bars and their targets are written to a temporary folder in pieces (about 1 GB for the 20,000,000 bars that
are taken without a number); each replay is a process of its own. Linux only, as `memory.py` is.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from market import START, prices, regimes, venue
from memory import resident
from timing import machine

import backtest as bt

BARS = 20_000_000
ROWS = 1 << 17  # of a row group
SEED = 20_270_101
MINUTE = 60 * 10**9
STRATEGY = Path(__file__).parents[1] / "strategies" / "moving_average_cross.py"
KINDS = ("targets", "strategy", "save")


def write(folder: Path, bars: int) -> None:
    """Write bars and targets, a row group at a time; the walk goes on from piece to piece."""
    random = np.random.default_rng(SEED)
    last = 100.0
    writers: dict[str, pq.ParquetWriter] = {}
    for first in range(0, bars, ROWS):
        count = min(ROWS, bars - first)
        index = pd.DatetimeIndex(START.value + MINUTE * np.arange(first, first + count), tz="UTC", name="time")
        target = regimes(random, count, 154)
        frame = prices(random, target, index)
        frame *= last / frame["open"].iloc[0]
        last = min(max(frame["close"].iloc[-1], 20.0), 500.0)
        frame["volume"] = random.random(count)
        frame["funding_rate"] = np.where(index.asi8 % (8 * 60 * MINUTE) == 0, 0.00001, 0.0)
        for name, each in (("btcusdt", frame), ("targets", pd.DataFrame({"target": target}, index))):
            table = pa.Table.from_pandas(each)
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema, use_dictionary=False)
            writers[name].write_table(table, row_group_size=ROWS)
    for writer in writers.values():
        writer.close()


def replay(folder: Path, kind: str) -> None:
    """Replay once on few bars so that everything is loaded, then on all, and print what that took."""
    few = folder / "few"
    few.mkdir(exist_ok=True)
    write(few, 3 * ROWS)
    work(few, kind)
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM becomes VmRSS
    start, before = resident("VmRSS"), time.perf_counter()
    bars, fills = work(folder, kind)
    seconds = time.perf_counter() - before
    print(bars, fills, resident("VmHWM"), resident("VmHWM") - start, seconds)


def work(folder: Path, kind: str) -> tuple[int, int]:
    """Run a history, and save it where that is asked for; return the numbers of bars and fills."""
    signals: object = folder / "targets.parquet"
    if kind == "strategy":
        signals = bt.strategy(STRATEGY)
    params = {"fast": 2_000, "slow": 10_000} if kind == "strategy" else None
    account = bt.Account(leverage=2.0, on_liquidation="refill")
    result = bt.run(folder / "btcusdt.parquet", signals, account=account, venue=venue(), params=params)
    if kind == "save":
        result.save(folder / "run")
    return len(result._source), len(result.fills)


def main(bars: int) -> None:
    """Print a row for each kind of run and length."""
    print(f"{machine()}\n")
    print("| signals | bars | file | fills | peak memory | of the run | time a bar |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for count in (bars // 10, bars):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), count)
            size = (Path(folder) / "btcusdt.parquet").stat().st_size / 1e6
            for kind in KINDS:
                command = [sys.executable, __file__, "--replay", folder, kind]
                printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
                bars_run, fills, peak, own = map(int, printed[:4])
                each = float(printed[4]) / bars_run * 1e9
                print(
                    f"| {kind} | {bars_run:,} | {size:,.0f} MB | {fills:,} | {peak / 1e6:.0f} MB | {own / 1e6:.0f} MB "
                    f"| {each:.0f} ns |",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--replay"]:
        replay(Path(sys.argv[2]), sys.argv[3])
    else:
        main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else BARS)
