"""Print every table of this folder from one run; with `--write`, put them at the end of README.md as well.

Run: `python benchmarks/run.py [--write]`, on a machine that does nothing else.
"""

import sys
from pathlib import Path

import cold
import engine
import peers
import sweep
from timing import machine, table

README = Path(__file__).with_name("README.md")
MARK = "## Figures\n"


def main() -> None:
    """Take every figure and print it."""
    parts = [machine() + "\n"]
    for title, figures in (("Engine", engine.figures), ("A new process", cold.figures)):
        parts.append(table(title, figures()))
        print(parts[-1], flush=True)
    for report in (peers.report, sweep.report):
        parts.append(report())
        print(parts[-1], flush=True)
    if "--write" in sys.argv[1:]:
        before = README.read_text(encoding="utf-8").split(MARK)[0]
        README.write_text(before + MARK + "\n" + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
