"""The first lines of a screen: what was replayed, on which account and venue."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from backtest.command_line.bases import Base
from backtest.command_line.tables import facts
from backtest.command_line.wording import summary as breach_in_words
from backtest.market.bars import Bars
from backtest.market.universes import Universe
from backtest.terms.facts_in_words import facts_of, label_of, worth
from backtest.terms.ladders import Tier
from backtest.terms.venues import Venue

__all__ = ["data_of", "heading", "heading_lines", "values_in_words"]

SHOWN = 6
"""Values of a swept setting that are listed one by one."""

PLAIN = Venue(tiers=(Tier(floor=0.0, maintenance_rate=0.0, max_leverage=1.0),))
"""What a breach does by default."""


def heading(base: Base[Any], swept_as: str = "swept", history: Mapping[str, Any] | None = None) -> Table:
    """Return what was replayed as the first lines of a screen; see `heading_lines`."""
    table = facts()
    for name, said in heading_lines(base, swept_as, history).items():
        table.add_row(name, said)
    return table


def heading_lines(base: Base[Any], swept_as: str = "swept", history: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return what was replayed, in a few lines: settings that are swept stand together in the last, with that label.

    `history` is what a result says of its data: of bars in a folder, which were read in pieces.
    """
    interval, data = None, history or data_of(base.bars)
    if isinstance(base.bars, Bars):
        interval, note, data = base.bars.interval, "", {**data, "alike": alike(base.bars)}
    else:
        note = ", each symbol on its own" if history is None else ", read in pieces"
    description = {
        "strategy": {"params": base.params},
        "account": base.account.model_dump(),
        "venue": base.venue.model_dump(exclude={"tiers"}),
        "data": data,
    }
    said = facts_of(description, interval, {*base.over, *unsaid(base)}, note)
    params = said.pop("parameters", "")
    lines = {"strategy": f"{base.strategy.name}{': ' if params else ''}{params}"}
    for name, line in said.items():
        lines[name] = line
        if name == "venue" and (breach := policy(base.venue)):
            lines["breach"] = breach
    if base.over:
        lines[swept_as] = "; ".join(f"{label_of(name)} {values_in_words(values)}" for name, values in base.over.items())
    return lines


def data_of(bars: Bars | Universe) -> dict[str, Any]:
    """Return what bars there are, as results describe it."""
    if isinstance(bars, Universe):
        return {"symbols": list(bars.symbols), "bars": sum(bars.lengths.values())}
    return {
        "symbols": list(bars.symbols),
        "bars": len(bars),
        "first": str(bars.time[0]),
        "last": str(bars.time[-1]),
        "marks": bars.has_marks,
        "funding": len(bars.funding) > 0,
    }


def alike(bars: Bars) -> int:
    """Return in how many bars mark prices that were given are the traded ones."""
    if not bars.has_marks:
        return 0
    same = bars.mark == bars.trade
    return int((same & bars.present).sum() if len(bars.present) else same.sum())


def unsaid(base: Base[Any]) -> tuple[str, ...]:
    """Return the settings that a screen says elsewhere: what a single account began with stands beside its end."""
    return () if base.over else ("cash",)


def values_in_words(values: Sequence[object]) -> str:
    """Return the values of a swept setting: neighbours as first to last, many as a few of them."""
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(values) > 2 and list(values) == list(range(whole[0], whole[0] + len(values)) if whole else ()):
        return f"{whole[0]} to {whole[-1]}"
    said = [worth(value) for value in values]
    return ", ".join(said if len(said) <= SHOWN else [*said[: SHOWN - 3], "...", said[-1]])


def policy(venue: Venue) -> str:
    """Return what a breach does, nothing where that is what it does by default."""
    said = breach_in_words(venue)
    return "" if said == breach_in_words(PLAIN) else said
