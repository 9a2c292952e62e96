"""Venues that differ from another in a few settings: ladders of hundreds of symbols are not checked for each anew."""

from typing import Any

from pydantic import BaseModel

from backtest.errors import BacktestError
from backtest.terms.ladders import Ladder
from backtest.terms.presets import without_policy
from backtest.terms.venues import Venue

__all__ = ["VenueChanges", "with_tables"]

TABLES = ("multiplier", "lot_size", "minimum_notional", "symbols")
"""What may be a table by symbol, beside tiers: valid whatever the other settings are."""


class VenueChanges:
    """Venues made from others by changing some settings, as valid as any other.

    What ladders must be depends on few settings; they are checked once for each set of those.
    """

    def __init__(self, base: Venue) -> None:
        self._refusals: dict[tuple[object, ...], BacktestError | None] = {}
        self._bases: list[Venue] = [base]

    def changed(self, base: Venue, changes: dict[str, Any]) -> Venue:
        """Return a venue with some settings replaced.

        Raises
        ------
        ConfigError, MarginError       as Venue does
        """
        if not changes:
            return base
        self._bases.append(base)  # alive, so that no other tiers get their identity
        self._refusals.setdefault(_ladder_rules(base, base), None)
        set_ones = {name: getattr(base, name) for name in base.model_fields_set}
        given = {name: value for name, value in set_ones.items() if value is not None}
        values = {**without_policy(given, changes), **changes}
        if "tiers" in changes:
            return Venue(**values)
        kept = {name: getattr(base, name) for name in TABLES if name not in changes}
        kept["tiers"] = base.tiers
        first = first_tiers(base.tiers)
        small = Venue(**{name: value for name, value in values.items() if name not in kept}, tiers=first)
        rules = _ladder_rules(base, small)
        if rules not in self._refusals:
            self._refusals[rules] = _refusal(values)
        refusal = self._refusals[rules]
        if refusal is not None:
            raise refusal.with_traceback(None)
        return with_tables(small, kept)


def first_tiers(tiers: Ladder | dict[str, Ladder]) -> Ladder | dict[str, Ladder]:
    """Return the first tier of the first ladder alone."""
    if not isinstance(tiers, dict):
        return tiers[:1]
    symbol, ladder = next(iter(tiers.items()))
    return {symbol: ladder[:1]}


def with_tables(venue: Venue, tables: dict[str, Any]) -> Venue:
    """Return a venue with other tables, which are valid with its settings."""
    return BaseModel.model_copy(venue, update=tables)


def _ladder_rules(base: Venue, venue: Venue) -> tuple[object, ...]:
    """Return what decides whether the ladders of `base` are valid with the settings of `venue`."""
    return id(base.tiers), venue.fee_in_maintenance, venue.fee_in_maintenance_at, venue.contract


def _refusal(values: dict[str, Any]) -> BacktestError | None:
    """Return why there can be no such venue."""
    try:
        Venue(**values)
    except BacktestError as error:
        return error
    return None
