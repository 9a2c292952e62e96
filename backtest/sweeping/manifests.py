"""What decides the table of a sweep, as JSON: a sweep is resumed where all of it is the same."""

import hashlib
import json
from typing import Any

import numpy as np

from backtest.market.bars import Bars
from backtest.market.universes import Universe
from backtest.outcome.sources import versions
from backtest.signalling.signals import Signals
from backtest.sweeping.grids import Setting
from backtest.sweeping.jobs import Job
from backtest.terms.venue_changes import TABLES
from backtest.terms.venues import Venue

__all__ = ["manifest_of"]


def manifest_of(job: Job, histories: bool) -> dict[str, Any]:
    """Return data, signals, settings and versions of a sweep, in the order in which differences are told."""
    settings = job.settings
    return {
        **_data(job.bars),
        "signals": _signals(job),
        "over": {name: [_finite(setting.values[name]) for setting in settings] for name in settings[0].values},
        "settings": _fingerprint(settings),
        "histories": histories,
        "chunk_rows": len(job.chunks[0]),
        "chunks": len(job.chunks),
        "versions": versions(),
    }


def _data(bars: Bars | Universe) -> dict[str, Any]:
    """Return what tells bars from others."""
    if isinstance(bars, Universe):
        return {"symbols": list(bars.symbols), "bars": sum(bars.lengths.values()), "data": bars.fingerprint}
    span = {"first": str(bars.time[0]), "last": str(bars.time[-1])}
    return {"symbols": list(bars.symbols), "bars": len(bars), **span, "data": bars.fingerprint}


def _signals(job: Job) -> dict[str, str]:
    """Return what tells signals, or a strategy, from others."""
    signals = job.signals
    if isinstance(signals, Signals):
        return {"values": _hash(signals)}
    told = {"strategy": signals.name, "source": signals.source_hash}
    if signals.path is not None:
        return told
    # The source of a function says nothing of what it has from elsewhere: closures, globals, what is partial.
    first = job.first_signals()
    return {**told, "values": "" if first is None else _hash(first)}


def _hash(signals: Signals) -> str:
    """Return a hash of all that signals say."""
    digest = hashlib.sha256()
    for name, values in signals.columns.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return f"sha256:{digest.hexdigest()}"


def _finite(value: object) -> object:
    """Return a value as JSON can hold it and compare it."""
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _fingerprint(settings: list[Setting]) -> str:
    """Return a hash of every account, venue and parameter; tables that venues share are read once."""
    digest, texts = hashlib.sha256(), _Texts()
    for setting in settings:
        account = "" if setting.account is None else setting.account.model_dump_json()
        venue = "" if setting.venue is None else texts.venue(setting.venue)
        digest.update(json.dumps([account, venue, setting.params, setting.reason], default=str).encode())
    return f"sha256:{digest.hexdigest()}"


class _Texts:
    """Venues as text, and their tables as hashes."""

    def __init__(self) -> None:
        self._venues: dict[int, str] = {}
        self._tables: dict[int, str] = {}

    def venue(self, venue: Venue) -> str:
        if id(venue) not in self._venues:
            tables = [self._table(venue, name) for name in ("tiers", *TABLES)]
            self._venues[id(venue)] = venue.model_dump_json(exclude={"tiers", *TABLES}) + "".join(tables)
        return self._venues[id(venue)]

    def _table(self, venue: Venue, name: str) -> str:
        table = getattr(venue, name)
        if isinstance(table, float):
            return f" {table!r}"
        if id(table) not in self._tables:
            text = venue.model_dump_json(include={name})
            self._tables[id(table)] = hashlib.sha256(text.encode()).hexdigest()
        return self._tables[id(table)]
