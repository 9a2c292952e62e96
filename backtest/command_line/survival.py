"""Would the account have lived? Lost accounts by leverage and margin mode, and the highest leverage that lived."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import pandas as pd
from rich.text import Text

from backtest.command_line.tables import facts, listing, show
from backtest.figures_in_words import count
from backtest.pages.survival import by_mode, lost, survival_in_words, varies, word_for
from backtest.terms.facts_in_words import worth

__all__ = ["print_survival"]

LINES = 12
"""Lines of the table; where there are more leverages, several share one."""

CELLS = 12
"""Length of a bar that stands for all accounts."""


class Deaths(NamedTuple):
    """Leverages from `first` to `last`, and how many of how many accounts were lost at them, by margin mode."""

    first: float
    last: float
    counts: tuple[tuple[int, int], ...]


def print_survival(ran: pd.DataFrame, names: Sequence[str]) -> None:
    """Print which accounts were lost: by leverage and margin mode, where these are swept."""
    modes, verdicts = by_mode(ran, names), survival_in_words(ran, names)
    show(Text("would the account have lived?", style="bold"), "")
    if varies(ran, names) and lost(ran).any():
        print_deaths(lines_of(modes), list(modes), word_for(ran))
    table = facts()
    for mode, said in verdicts.items():
        table.add_row(mode, said)
    show(table if len(modes) > 1 else Text(verdicts[""]), "")


def print_deaths(lines: Sequence[Deaths], modes: Sequence[str], word: str) -> None:
    """Print shares of lost accounts as numbers and bars."""
    titles = [f"{word}, {mode}" if mode else word for mode in modes]
    table = listing("leverage", *titles, left=titles)
    wide = [max(len(of(line.counts[k])) for line in lines) for k in range(len(modes))]
    for line in lines:
        first, last = worth(line.first), worth(line.last)
        cells = [
            Text.assemble(f"{of(counts).rjust(width)}  ", bar(*counts))
            for counts, width in zip(line.counts, wide, strict=True)
        ]
        table.add_row(f"{first}x" if first == last else f"{first} to {last}x", *cells)
    show(table, "")


def of(counts: tuple[int, int]) -> str:
    """Return two counts as in 3 of 6."""
    return f"{count(counts[0])} of {count(counts[1])}"


def bar(died: int, accounts: int) -> Text:
    """Return a bar whose full part stands for the accounts that were lost: never empty or full where some differ."""
    full = round(CELLS * died / accounts) if accounts else 0
    if 0 < died < accounts:
        full = min(max(full, 1), CELLS - 1)
    return Text.assemble(("█" * full, "red"), ("·" * (CELLS - full), "dim"))


def lines_of(modes: Mapping[str, pd.DataFrame]) -> list[Deaths]:
    """Return lost accounts by leverage: neighbours that are alike share a line, and more do where there are many."""
    leverages = sorted({float(value) for rows in modes.values() for value in rows["leverage"].tolist()})
    lines = []
    for leverage in leverages:
        found = [lost(rows[rows["leverage"].astype(float) == leverage]) for rows in modes.values()]
        lines.append(Deaths(leverage, leverage, tuple((int(died.sum()), len(died)) for died in found)))
    alike = [list(group) for _, group in groupby(lines, key=shares)]
    size = -(-len(alike) // LINES)
    return [joined([line for group in alike[at : at + size] for line in group]) for at in range(0, len(alike), size)]


def shares(line: Deaths) -> tuple[float, ...]:
    """Return the share of lost accounts by mode, -1 where there is none."""
    return tuple(died / accounts if accounts else -1.0 for died, accounts in line.counts)


def joined(lines: Sequence[Deaths]) -> Deaths:
    """Return several lines as one."""
    counts = zip(*(line.counts for line in lines), strict=True)
    return Deaths(
        lines[0].first, lines[-1].last, tuple((sum(r for r, _ in each), sum(n for _, n in each)) for each in counts)
    )
