"""docs/metrics.md taken apart: the formula of every figure, and its tables."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
FIGURE = re.compile(r"^### `(\w+)`\n\n((?: {4}.*\n)+)\n((?:(?!#).*\n)*)", re.MULTILINE)
HEADING = re.compile(r"^### `(.*)`$", re.MULTILINE)
NAME = re.compile(r"`(\w+)`")


def headings():
    """Return the figures that have a heading, in order."""
    return HEADING.findall(PAGE)


def formulas():
    """Return by figure its formula, and what is said of it."""
    return {name: (formula.strip(), said.strip()) for name, formula, said in FIGURE.findall(PAGE)}


def section(heading):
    """Return what stands under a heading, to the next of its height or higher."""
    marks = re.match(r"#+", heading)[0]
    start = PAGE.index(f"\n{heading}\n") + len(heading) + 2
    end = re.search(rf"^#{{1,{len(marks)}}} ", PAGE[start:], re.MULTILINE)
    return PAGE[start : start + end.start()] if end else PAGE[start:]


def tables(heading):
    """Return the tables of a section, each a list of rows of cells without their header."""
    found = re.findall(r"(?:^\|.*\|\n)+", section(heading), re.MULTILINE)
    return [[cells(line) for line in table.splitlines()[2:]] for table in found]


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def as_shown(value, text):
    """Return a number as a table shows it, with as many digits as `text` has."""
    if value is None:
        return "none"
    if "e" in text:
        return f"{value:.{len(text.partition('e')[0].partition('.')[2])}e}"
    return f"{value:.{len(text.partition('.')[2])}f}"
