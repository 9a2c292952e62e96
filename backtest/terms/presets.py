"""Venues from files: the presets beside this module, and those of the user's own."""

import json
import os
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.errors import ConfigError
from backtest.terms.ladders import Ladder
from backtest.terms.tier_files import read_tiers
from backtest.terms.venue_tables import call_of, known_keys, read_toml, venue_values
from backtest.terms.venues import SHARE_SETTINGS, Venue
from backtest.text import shown

__all__ = ["Figure", "Preset", "Snapshot", "preset", "preset_names", "read_preset", "venue"]

FOLDER = Path(str(resources.files("backtest.terms") / "presets"))
# What a preset says of itself, or a snapshot of tiers for it.
OWN = ("tiers", "symbols", "name", "as_of", "source")
SETTINGS = tuple(name for name in Venue.model_fields if name not in OWN)


class Figure(NamedTuple):
    """A setting of a venue, with its day and source."""

    value: Any
    as_of: str
    source: str


class Snapshot(NamedTuple):
    """A table of tiers, with its day and source."""

    file: Path
    as_of: str
    source: str


class Preset(NamedTuple):
    """A venue as a preset file describes it."""

    name: str
    title: str
    figures: dict[str, Figure]
    notes: tuple[str, ...]
    tiers: tuple[Snapshot, ...]
    """From the oldest to the newest."""

    def snapshot(self, as_of: object) -> Snapshot:
        """Return the newest tiers published by a day, the newest of all for None."""
        if as_of is None:
            return self.tiers[-1]
        day = day_of(as_of)
        known = [snapshot for snapshot in self.tiers if snapshot.as_of <= day]
        if not known:
            first = self.tiers[0].as_of
            raise ConfigError(f"as_of must not be before the first tiers of {self.name}, {first}, got {day}")
        return known[-1]

    def values(self, as_of: object = None) -> dict[str, Any]:
        """Return what Venue takes, with the tiers as of a day."""
        tiers = self.snapshot(as_of)
        return {
            **{setting: figure.value for setting, figure in self.figures.items()},
            "tiers": ladders(tiers.file) if tiers.file.parent == FOLDER else read_tiers(tiers.file),
            "name": self.name,
            "as_of": tiers.as_of,
            "source": tiers.source,
        }


def venue(
    name: str | os.PathLike[str],
    /,
    *,
    as_of: str | date | None = None,
    symbols: dict[str, str] | None = None,
    **changes: Any,
) -> Venue:
    """Return a preset venue, with its tiers as of a date, or the venue that a file of your own describes.

    Parameters
    ----------
    name : str, path           a preset, such as "binance_usdm"; the command `backtest venues` lists them. Or the path
                               of a .toml file with the settings of Venue as keys, [call] as a table, and tiers as
                               arrays of tables, [[tiers]] or [[tiers.BTCUSDT]], or as the path of a file that
                               read_tiers reads, from the folder of the .toml; with preset = "NAME" the rest is from
                               that preset. Or the path of a .json file in the format of the presets
    as_of : str, date          or a Timestamp: the newest tiers of a preset published by then; default: the newest
    symbols : dict             symbol of the bars -> symbol of the venue, where base and quote are not the same
    changes                    any other setting of Venue, in place of the preset's or the file's

    Raises
    ------
    ConfigError                for an unknown preset, a date before the first tiers, or an unknown setting
    MarginError                for tiers that cannot be replayed
    OSError                    if the file cannot be read
    """
    path = path_of(name)
    if path is None or path.suffix.lower() == ".json":
        said = preset(name) if path is None else read_preset(path)
        if "name" in changes:
            raise ConfigError(f"name is what a preset has already, {said.name!r}, got {shown(changes['name'])}")
        figures = without_policy(said.values(as_of), changes)
        return Venue(**{**figures, "symbols": {} if symbols is None else symbols, **changes})
    values = venue_values(read_toml(path), path.parent, str(path))
    if symbols is not None:
        values["symbols"] = {**values.get("symbols", {}), **symbols} if isinstance(symbols, dict) else symbols
    values.update(changes)
    if "preset" in values:
        dated = {} if as_of is None else {"as_of": as_of}
        return venue(preset(values.pop("preset")).name, **{**values, **dated})
    if as_of is not None:
        raise ConfigError(f"as_of picks the tiers of a preset, got {shown(as_of)} for {path}")
    return Venue(**{"name": path.stem, **values})


def without_policy(figures: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a preset's figures without those of a policy that is replaced by another."""
    replaced = changes.get("liquidation", figures.get("liquidation")) != figures.get("liquidation")
    dropped = (*SHARE_SETTINGS, *(() if "call" in figures else ("target_ratio",))) if replaced else ()
    return {name: value for name, value in figures.items() if name not in dropped}


def path_of(name: object) -> Path | None:
    """Return the path of a venue's file, None for the name of a preset."""
    if isinstance(name, os.PathLike):
        path = Path(name)
        if path.suffix.lower() not in (".toml", ".json"):
            raise ConfigError(f"the file of a venue must end in .toml or .json, got {path}")
        return path
    is_path = isinstance(name, str) and "\0" not in name and name.lower().endswith((".toml", ".json"))
    return Path(str(name)) if is_path else None


def preset(name: object) -> Preset:
    """Return what a preset says.

    Raises
    ------
    ConfigError                for a name that is none
    """
    if not isinstance(name, str) or name not in preset_names():
        raise ConfigError(f"venue must be one of {', '.join(preset_names())}, or a .toml file, got {shown(name)}")
    return read_preset(FOLDER / f"{name}.json")


def preset_names() -> list[str]:
    """Return the names that `venue` knows."""
    return sorted(path.name.removesuffix(".json") for path in FOLDER.iterdir() if path.name.endswith(".json"))


def read_preset(path: Path) -> Preset:
    """Return what a file in the format of presets says.

    Raises
    ------
    ConfigError                if it is no JSON, lacks something, or names a setting that does not exist
    OSError                    if it cannot be read
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise ConfigError(f"{path} must be a JSON file: {error}") from None
    said = entry(said, ("title", "figures", "tiers"), str(path), optional=("notes",))
    for name, kind, words in (("title", str, "text"), ("figures", dict, "a table"), ("tiers", list, "a list")):
        if not isinstance(said[name], kind) or not (said[name] or name == "figures"):
            raise ConfigError(f"{name} must be {words}, got {shown(said[name])} in {path}")
    notes = said.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise ConfigError(f"notes must be a list of texts, got {shown(notes)} in {path}")
    figures = {}
    for setting, given in known_keys(said["figures"], SETTINGS, f"figures of {path}").items():
        figure = Figure(**entry(given, Figure._fields, f"figure {setting} of {path}"))
        value = call_of(figure.value, str(path)) if setting == "call" else figure.value
        figures[setting] = figure._replace(value=value)
    tables = [entry(given, Snapshot._fields, f"tiers {k} of {path}") for k, given in enumerate(said["tiers"])]
    snapshots = [Snapshot(path.parent / table["file"], table["as_of"], table["source"]) for table in tables]
    in_order = tuple(sorted(snapshots, key=lambda snapshot: snapshot.as_of))
    return Preset(path.stem, said["title"], figures, tuple(notes), in_order)


def entry(given: object, names: tuple[str, ...], place: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a table that has all the names, texts but for `value`, and nothing else."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"there must be a table with {', '.join(names)}, got {shown(given)} in {place}")
    held = known_keys(given, (*names, *optional), place)
    for name in names:
        if name not in held:
            raise ConfigError(f"{name} must be given, got none in {place}")
        if name in ("as_of", "source", "file") and not isinstance(held[name], str):
            raise ConfigError(f"{name} must be text, got {shown(held[name])} in {place}")
    return held


@cache
def ladders(file: Path) -> dict[str, Ladder]:
    """Return the ladders of a preset's table, by symbol."""
    return read_tiers(file)


def day_of(given: object) -> str:
    """Return a date as text."""
    try:
        if isinstance(given, (str, date, np.datetime64)):
            return pd.Timestamp(given).strftime("%Y-%m-%d")
    except ValueError:  # no date, or none at all: NaT
        pass
    raise ConfigError(f"as_of must be a date, got {shown(given)}")
