"""Print every table of this folder, from one run: `python benchmarks/run.py`."""

import cold
import engine
import peers
from timing import machine, table

if __name__ == "__main__":
    print(machine(), flush=True)
    print(table("Engine", engine.figures()), flush=True)
    print(table("A new process", cold.figures()), flush=True)
    print(peers.report())
