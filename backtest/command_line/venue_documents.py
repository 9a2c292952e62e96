"""The documents of `venues`: what --json prints of one venue, or of all presets."""

from pathlib import Path
from typing import Any

from backtest.command_line.venue_screens import ladders_of, steps_of, venue_of
from backtest.command_line.wording import rules
from backtest.terms.presets import Preset, preset, preset_names, read_preset, venue
from backtest.terms.venues import Venue

__all__ = ["venues_document"]

Document = dict[str, Any]


def venues_document(name: str | None, file: str | None, symbol: str | None) -> Document:
    """Return what a preset says, or a file, or all presets in short where neither is given."""
    if file is not None:
        return file_document(Path(file), symbol)
    return presets_document() if name is None else preset_document(name, symbol)


def presets_document() -> Document:
    """Return venues: of each preset name, title, contract, as_of, source, symbols (null: any) and tiers, counted."""
    return {"venues": [listed(preset(name), venue(name)) for name in preset_names()]}


def listed(said: Preset, made: Venue) -> Document:
    """Return a preset in short."""
    return {
        "name": said.name,
        "title": said.title,
        "contract": made.contract,
        "as_of": made.as_of,
        "source": made.source,
        "symbols": len(made.tiers) if isinstance(made.tiers, dict) else None,
        "tiers": steps_of(made),
    }


def preset_document(name: str, symbol: str | None) -> Document:
    """Return name, title, settings, rules (in words), snapshots (of tiers), figures, notes, tiers.

    A snapshot has as_of, symbols and tiers, counted, and source; a figure name, value, as_of and source. `tiers` are
    lists by symbol, of one where it is asked for; a list for any symbol stands under "*".
    """
    return dated_document(preset(name), venue(name), symbol)


def file_document(path: Path, symbol: str | None) -> Document:
    """Return what a file of the user's own says, under the same names; snapshots, figures and notes are presets'."""
    made = venue(path)
    if path.suffix.lower() == ".json":
        return dated_document(read_preset(path), made, symbol)
    return {"name": made.name, **described(made, symbol)}


def dated_document(said: Preset, made: Venue, symbol: str | None) -> Document:
    """Return a preset, with the dates and sources of its figures."""
    dated = [(snapshot, listed(said, venue_of(said, snapshot.as_of))) for snapshot in said.tiers]
    return {
        "name": said.name,
        "title": said.title,
        **described(made, symbol),
        "snapshots": [
            {"as_of": snapshot.as_of, "symbols": found["symbols"], "tiers": found["tiers"], "source": snapshot.source}
            for snapshot, found in dated
        ],
        "figures": [{"name": name, **figure._asdict()} for name, figure in said.figures.items()],
        "notes": said.notes,
    }


def described(made: Venue, symbol: str | None) -> Document:
    """Return what a venue does, in settings and in words, and its tiers."""
    ladders = ladders_of(made, symbol)
    return {
        "settings": made.model_dump(exclude={"tiers", "name"}),
        "rules": rules(made),
        "tiers": {name: [tier.model_dump() for tier in ladder] for name, ladder in ladders.items()},
    }
