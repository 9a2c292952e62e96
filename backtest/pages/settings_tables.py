"""What a run depends on, in tables: its settings, the venue's rules and tiers, its data and versions."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from backtest.figures_in_words import count, spoken
from backtest.pages.tables import Column, Table, number_column
from backtest.terms.facts_in_words import worth
from backtest.text import moment_of

__all__ = ["dependencies", "ladder_tables", "pairs"]

Pairs = list[tuple[str, str]]

FIRST = ("name", "as_of", "source")
"""Of a venue: what it is known by."""

APART = (*FIRST, "tiers", "symbols")
"""Of a venue: what stands elsewhere."""

UNSET = ("none", "")


def dependencies(description: Mapping[str, Any]) -> dict[str, Pairs]:
    """Return what a run depends on, but for tiers: groups of names and values."""
    strategy = description.get("strategy") or {}
    venue = description["venue"]
    rules = {name: venue.get(name, "") for name in FIRST}
    rules |= {name: value for name, value in venue.items() if name not in APART}
    data = description["data"]
    groups = {
        "strategy": [*pairs(strategy, UNSET), ("signals", str(description.get("signals", "")))],
        "account": pairs(description["account"], UNSET),
        "venue": [*pairs(rules, UNSET), *_map(venue.get("symbols") or {})],
        "data": [*pairs({**data, "symbols": ", ".join(data["symbols"])}, UNSET)],
        "versions": pairs(description["versions"]),
    }
    return {title: rows for title, rows in groups.items() if rows}


def pairs(values: Mapping[str, Any], without: tuple[str, ...] = ()) -> Pairs:
    """Return names and values as they are read, those inside others after a dot, but for values not worth a line."""
    said = [(spoken(name), worth(value)) for name, value in _flat(values)]
    return [(name, value) for name, value in said if value not in without]


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, above if name == "params" else f"{above}{name}: ")
        elif isinstance(value, pd.Timestamp):
            yield f"{above}{name}", moment_of(value)
        elif isinstance(value, list | tuple):
            yield f"{above}{name}", ", ".join(map(worth, value))
        else:
            yield f"{above}{name}", value


def _map(symbols: Mapping[str, str]) -> Pairs:
    """Return under which names a venue's tiers were looked up."""
    return [("tiers of", ", ".join(f"{ours} as {theirs}" for ours, theirs in symbols.items()))] if symbols else []


def ladder_tables(description: Mapping[str, Any]) -> dict[str, Table]:
    """Return the tiers of the venue by the symbols that they hold for, one table for those that are alike."""
    ladders: dict[str, tuple[list[str], list[dict[str, Any]]]] = {}
    for symbol, tiers in description["venue"]["tiers"].items():
        ladders.setdefault(repr(tiers), ([], tiers))[0].append(symbol or "every symbol")
    return {", ".join(symbols): _ladder(tiers) for symbols, tiers in ladders.values()}


def _ladder(tiers: list[dict[str, Any]]) -> Table:
    """Return tiers, a row each, without columns that say nothing."""
    columns: list[Column] = []
    for name in tiers[0] if tiers else ():
        values = [tier[name] for tier in tiers]
        if any(value is not None for value in values):
            known = [float("nan") if value is None else float(value) for value in values]
            columns.append(number_column(spoken(name), known, count if name == "floor" else worth))
    return Table(columns)
