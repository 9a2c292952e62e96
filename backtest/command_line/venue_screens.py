"""What the command line prints of venues."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from backtest.command_line.tables import facts, listing, show
from backtest.command_line.wording import costs, figure_in_words, rules, summary
from backtest.figures_in_words import count, money, spoken, times
from backtest.terms.ladders import Ladder
from backtest.terms.presets import Preset, preset, preset_names, read_preset, venue
from backtest.terms.symbols import ANY
from backtest.terms.venues import Venue
from backtest.text import several

__all__ = ["ladders_of", "print_venue", "print_venue_file", "print_venues", "steps_of", "venue_of"]

MANY = 3
"""Symbols whose tiers are printed without being asked for."""

FIGURE = 30
"""Columns of a figure and its value."""


def print_venues() -> None:
    """Print the presets, a few lines each."""
    for name in preset_names():
        said, made = preset(name), venue(name)
        table = facts()
        table.add_row("tiers", f"{listed(made)}, {made.contract}, as of {made.as_of}")
        table.add_row("costs", costs(made))
        table.add_row("breach", summary(made))
        table.add_row("source", made.source)
        show(Text.assemble((name, "bold"), f": {said.title}"), table, "")
    show("backtest venues NAME prints all of one; --check FILE reads one of your own.", style="dim")


def print_venue(name: str, symbol: str | None = None) -> None:
    """Print all that a preset says: rules, tiers and figures, with dates and sources, and notes."""
    print_preset(preset(name), venue(name), symbol)


def print_venue_file(path: Path, symbol: str | None = None) -> None:
    """Print what a file of the user's own says, as it was understood."""
    made = venue(path)
    if path.suffix.lower() == ".json":
        print_preset(read_preset(path), made, symbol)
        return
    ladders = ladders_of(made, symbol)
    show(f"{made.name}: {path}, as it is understood", style="bold")
    show("", rule_table(made), "")
    print_ladders(made, ladders)
    changed = {name: getattr(made, name) for name in made.model_fields_set if name not in ("tiers", "name")}
    table = facts()
    for name in (name for name in Venue.model_fields if name in changed):
        table.add_row(spoken(name), figure_in_words(changed[name]) or "none")
    show(table, "")
    missing = [name for name in ("as_of", "source") if not getattr(made, name)]
    if missing:
        show(f"Without {' and '.join(missing)}: say where the figures are from, and of when.", style="yellow")


def print_preset(said: Preset, made: Venue, symbol: str | None) -> None:
    """Print a preset and its venue."""
    ladders = ladders_of(made, symbol)
    show(Text.assemble((said.name, "bold"), f": {said.title}"), "", rule_table(made), "")
    tiers = listing("as of", "symbols", "tiers", "source", left=("as of", "source"))
    for snapshot in reversed(said.tiers):
        dated = venue_of(said, snapshot.as_of)
        symbols = count(len(dated.tiers)) if isinstance(dated.tiers, dict) else "any"
        tiers.add_row(snapshot.as_of, symbols, count(steps_of(dated)), snapshot.source)
    figures = listing("as of", "figure", "source", left=("as of", "figure", "source"))
    figures.columns[1].no_wrap, figures.columns[1].max_width = False, FIGURE
    figures.columns[2].overflow = "fold"
    for name, figure in said.figures.items():
        figures.add_row(figure.as_of, f"{spoken(name)} {figure_in_words(figure.value)}", figure.source)
    show(tiers, "", figures, "")
    print_ladders(made, ladders)
    for note in said.notes:
        show(Text.assemble(("note: ", "bold"), note))
    if said.notes:
        show("")


def venue_of(said: Preset, as_of: str) -> Venue:
    """Return the venue of a preset as of a day."""
    return Venue(**said.values(as_of))


def rule_table(made: Venue) -> Table:
    """Return a venue's rules in words."""
    table = facts()
    for name, sentence in rules(made).items():
        table.add_row(name, sentence)
    return table


def listed(made: Venue) -> str:
    """Return how many symbols a venue lists."""
    if not isinstance(made.tiers, dict):
        return f"{several(len(made.tiers), 'tier')} for any symbol"
    return f"{several(len(made.tiers), 'symbol')}, {several(steps_of(made), 'tier')}"


def steps_of(made: Venue) -> int:
    """Return how many tiers a venue has, of all symbols together."""
    return sum(map(len, ladders_of(made, None).values()))


def ladders_of(made: Venue, symbol: str | None) -> dict[str, Ladder]:
    """Return the ladder of a symbol, or all of them for None."""
    if symbol is not None:
        return {symbol: made.ladder(symbol)}
    return made.tiers if isinstance(made.tiers, dict) else {ANY: made.tiers}


def print_ladders(made: Venue, ladders: dict[str, Ladder]) -> None:
    """Print ladders, or how many there are."""
    if len(ladders) > MANY:
        show(f"{listed(made)}: --symbol SYMBOL prints those of one.", style="dim")
        show("")
        return
    for name, ladder in ladders.items():
        show(Text.assemble("tiers of ", ("any symbol" if name == ANY else name, "bold")), ladder_table(ladder), "")


def ladder_table(ladder: Ladder) -> Table:
    """Return a ladder, a line for each tier."""
    shorts = any(tier.short_rate != tier.maintenance_rate for tier in ladder)
    titles = ["from notional", "maintenance", *(["of shorts"] if shorts else []), "leverage up to"]
    table = listing(*titles, left=())
    for tier in ladder:
        rates = [f"{tier.maintenance_rate:g}", *([f"{tier.short_rate:g}"] if shorts else [])]
        table.add_row(money(tier.floor), *rates, times(tier.max_leverage))
    cap = ladder[-1].cap
    if cap is not None:
        table.add_row(f"cap {money(cap)}", *[""] * (len(titles) - 1))
    return table
