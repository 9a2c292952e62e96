"""Settings of a venue as files write them, with tiers and calls as tables, and as Venue takes them."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from backtest.errors import ConfigError
from backtest.terms.ladders import Tier
from backtest.terms.tier_files import read_tiers
from backtest.terms.venues import MarginCall, Venue
from backtest.text import shown

__all__ = ["known_keys", "read_toml", "venue_values"]

Values = dict[str, Any]

VENUE = ("preset", *Venue.model_fields)


def read_toml(path: Path) -> Values:
    """Return what is in a TOML file.

    Raises
    ------
    ConfigError                if it is not TOML
    OSError                    if it cannot be read
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not TOML
        raise ConfigError(f"{path} must be a TOML file: {error}") from error


def known_keys(table: Mapping[str, Any], names: tuple[str, ...], place: str) -> Values:
    """Return a table with `_` for `-` in its keys, all of which are known.

    Raises
    ------
    ConfigError                for an unknown key; it names the nearest one
    """
    held = {key.replace("-", "_"): value for key, value in table.items()}
    for key in held:
        if key not in names:
            nearest = get_close_matches(key, names, 1, 0.0)[0]
            raise ConfigError(f"{key} is not a setting in {place}; the nearest is {nearest}")
    return held


def venue_values(table: Mapping[str, Any], folder: Path, place: str) -> Values:
    """Return the settings in a table as Venue takes them, and `preset`, the name of one, where it is there.

    Parameters
    ----------
    table : dict               tiers: arrays of tables, or the path of a file that read_tiers reads; call: a table
    folder : Path              where the paths in the table start
    place : str                where the table stands, for messages

    Raises
    ------
    ConfigError                for unknown keys, and tiers or calls that are none
    OSError                    if the file of tiers cannot be read
    """
    values = known_keys(table, VENUE, place)
    if isinstance(values.get("tiers"), str):
        values["tiers"] = read_tiers(folder / values["tiers"])
    elif "tiers" in values:
        values["tiers"] = _ladders(values["tiers"])
    if "call" in values:
        values["call"] = call_of(values["call"], place)
    if "as_of" in values:
        values["as_of"] = str(values["as_of"])  # TOML has dates of its own
    return values


def call_of(table: object, place: str) -> MarginCall:
    """Return a margin call that is written as a table."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"call must be a table, got {shown(table)} in {place}")
    return MarginCall(**known_keys(table, tuple(MarginCall.model_fields), f"call of {place}"))


def _ladders(given: object) -> object:
    """Return tiers that are written as tables."""
    if isinstance(given, dict):
        return {symbol: _ladders(ladder) for symbol, ladder in given.items()}
    if not isinstance(given, list) or not all(isinstance(tier, dict) for tier in given):
        raise ConfigError(
            f"tiers must be an array of tables, a table of such arrays by symbol, or a file, got {shown(given)}"
        )
    return [Tier(**known_keys(tier, tuple(Tier.model_fields), f"tier {k}")) for k, tier in enumerate(given)]
