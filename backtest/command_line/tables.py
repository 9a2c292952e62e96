"""Tables on a screen: as wide as the terminal, or 80 columns, and in colour on a terminal only."""

import os
import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = [
    "WIDTH",
    "facts",
    "fitted",
    "listing",
    "show",
    "squeezed",
    "terminal",
]

WIDTH = 80
"""Columns of a screen that is no terminal."""


def terminal() -> Console:
    """Return the screen: 80 columns where it is not a terminal."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH
    return Console(width=wide, highlight=False, markup=False, emoji=False)


def show(*parts: RenderableType, style: str = "", whole: bool = False) -> None:
    """Print to stdout: no colour where it is not a terminal, no blanks at the ends of lines; `whole` lines to copy."""
    screen = terminal()
    with screen.capture() as captured:
        for part in parts:
            screen.print(part, style=style, soft_wrap=whole or (isinstance(part, str) and not screen.is_terminal))
    for line in captured.get().splitlines():
        print(line.rstrip())


def facts() -> Table:
    """Return a table of labels, dim, and what they are for."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def listing(*titles: str, left: Collection[str], gap: int = 3) -> Table:
    """Return a table with a line under its titles, and numbers to the right."""
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, gap - 1, 0, 0) if len(titles) > 1 else 0,
        pad_edge=False,
        show_edge=False,
        header_style="bold",
    )
    for title in titles:
        table.add_column(title, no_wrap=title != "source", justify="left" if title in left else "right")
    return table


def fitted(
    columns: Mapping[str, Sequence[str]], *, kept: int, left: Collection[str], width: int, gap: int = 3
) -> tuple[Table, dict[str, Sequence[str]]]:
    """Return a table of the first `kept` columns and as many others, in order, as fit; and the rest of them.

    Titles are folded at their blanks where they are wider than their column.
    """
    folded = {title: fold(title, cells) for title, cells in columns.items()}
    widths = {title: max(map(len, [*folded[title].splitlines(), *cells])) for title, cells in columns.items()}
    titles, taken = [], -gap
    for position, title in enumerate(columns):
        taken += gap + widths[title]
        if position >= kept and taken > width:
            break
        titles.append(title)
    table = listing(*(folded[title] for title in titles), left={folded[title] for title in left}, gap=gap)
    for column in table.columns:
        column.vertical = "bottom"
    for row in zip(*(columns[title] for title in titles), strict=True):
        table.add_row(*row)
    return table, {title: cells for title, cells in columns.items() if title not in titles}


def squeezed(
    columns: Mapping[str, Sequence[str | Text]], *, dispensable: Sequence[str], left: Collection[str], width: int
) -> tuple[Table, list[str]]:
    """Return a table of columns, nearer together where they must be, and the titles of the dispensable that went."""
    kept, dropped = dict(columns), []

    def room(gap: int) -> int:
        return width - sum(gap + max(map(len, [name, *cells])) for name, cells in kept.items()) + gap

    for title in dispensable:
        if room(2) >= 0:
            break
        if kept.pop(title, None):
            dropped.append(title)
    table = listing(*kept, left=left, gap=3 if room(3) >= 0 else 2)
    for row in zip(*kept.values(), strict=True):
        table.add_row(*row)
    return table, dropped


def fold(title: str, cells: Sequence[str]) -> str:
    """Return a title in lines that are no wider than its column, or than its longest word."""
    room = max(map(len, [*title.split(), *cells]))
    return "\n".join(textwrap.wrap(title, room, break_long_words=False))
