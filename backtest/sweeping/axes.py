"""Names and values of a sweep, read from what the caller wrote: a product, or settings listed one by one."""

import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence, Sized
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from backtest.errors import ConfigError
from backtest.signalling.strategies import Strategy
from backtest.sweeping.figures import figure_types
from backtest.terms.accounts import Account
from backtest.terms.settings import Settings
from backtest.terms.venues import Venue
from backtest.text import shown

__all__ = ["BASE", "Axis", "axes_of", "check_once", "plain"]

BASE = -1
"""The place of a value that an explicit setting leaves as it is."""

NAN = object()
"""What stands for NaN where values are told apart."""

TAKEN = ("row", "symbol", "reason")
"""Columns of a sweep's table beside the figures and what is swept."""


class Axis(NamedTuple):
    """A name that is swept: the column of the table, what it is a setting of, and its values."""

    column: str
    part: str
    name: str
    values: list[Any]


def axes_of(over: object, strategy: Strategy | None) -> tuple[list[Axis], Iterable[tuple[int, ...]]]:
    """Return what is swept, and the places of its values in every row, BASE where it is left as it is.

    Raises
    ------
    ConfigError                for an unknown name, nothing to sweep, or a value or setting given twice
    """
    if isinstance(over, Mapping):
        if not over:
            raise ConfigError("over must name at least one setting, got {}")
        axes = [_axis(name, _values(name, given), strategy) for name, given in over.items()]
        _check_names(axes)
        for axis in axes:
            if axis.name == "venue":
                continue  # by what they are, when they are made
            check_once([plain(value) for value in axis.values], f"{axis.column} must hold each value once")
        return axes, itertools.product(*(range(len(axis.values)) for axis in axes))
    settings = _listed(over)
    if settings is None:
        raise ConfigError(f"over must be a dict of values by name, or a list of dicts, got {shown(over)}")
    return _explicit(settings, strategy)


def _explicit(settings: list[object], strategy: Strategy | None) -> tuple[list[Axis], list[tuple[int, ...]]]:
    """Return the axes of settings that are listed one by one, and the places of their values on them."""
    if not settings:
        raise ConfigError("over must hold at least one setting, got []")
    axes: dict[tuple[str, str], Axis] = {}
    places: list[dict[tuple[str, str], int]] = []
    for setting in settings:
        if not isinstance(setting, Mapping):
            raise ConfigError(f"each setting of over must be a dict of values by name, got {shown(setting)}")
        given = [_axis(name, [value], strategy) for name, value in setting.items()]
        _check_names(given)
        place = {}
        for axis in given:
            held = axes.setdefault((axis.part, axis.name), axis._replace(values=[]))
            place[axis.part, axis.name] = len(held.values)
            held.values.extend(axis.values)
        places.append(place)
    rows = [tuple(place.get(key, BASE) for key in axes) for place in places]
    return _merged(list(axes.values()), rows)


def _merged(axes: list[Axis], rows: list[tuple[int, ...]]) -> tuple[list[Axis], list[tuple[int, ...]]]:
    """Return the axes with each value once, and the rows in places on those."""
    firsts: list[list[int]] = []
    for axis in axes:
        seen: dict[object, int] = {}
        # by identity first: what is no number or text is long to write
        cells = {id(value): _key(plain(value)) for value in axis.values}
        firsts.append([seen.setdefault(cells[id(value)], k) for k, value in enumerate(axis.values)])
    moved = [tuple(BASE if k == BASE else first[k] for first, k in zip(firsts, row, strict=True)) for row in rows]
    check_once(moved, "over must hold each setting once", [str(row) for row in range(len(rows))])
    return axes, moved


def _axis(name: object, values: list[Any], strategy: Strategy | None) -> Axis:
    """Return what a name stands for."""
    parameters = {} if strategy is None else strategy.params
    if name == "venue" or name in Venue.model_fields or name in Account.model_fields:
        part = "account" if name in Account.model_fields else "venue"
        column = f"{part}.{name}" if name in figure_types() else str(name)
        return Axis(column, part, str(name), values)
    bare = name.removeprefix("params.") if isinstance(name, str) else ""
    if bare not in parameters:
        if strategy is None and str(name).startswith("params."):
            raise ConfigError(f"{name} needs a Strategy to take it, got signals without parameters")
        names = ["venue", *Account.model_fields, *Venue.model_fields, *parameters]
        names += [f"params.{parameter}" for parameter in parameters]
        nearest = get_close_matches(str(name), names, 1, 0.0)[0]
        raise ConfigError(f"{name} is not a setting in over; the nearest is {nearest}")
    taken = bare in TAKEN or bare in figure_types()
    return Axis(f"params.{bare}" if taken else str(name), "params", bare, values)


def _values(name: object, given: object) -> list[Any]:
    """Return the values of a name as a list."""
    values = _listed(given)
    if values is None:
        raise ConfigError(f"{name} must be a sequence of values in over, such as [1, 2], got {shown(given)}")
    if not values:
        raise ConfigError(f"{name} must have at least one value in over, got none")
    return values


def _listed(given: object) -> list[Any] | None:
    """Return what holds values in an order as a list, None for anything else."""
    unordered = (str, bytes, Mapping, Settings, set, frozenset)
    if isinstance(given, unordered) or not (isinstance(given, Iterable) and isinstance(given, Sized)):
        return None
    return list(given)


def _check_names(axes: list[Axis]) -> None:
    """Refuse one setting under two names."""
    seen: dict[tuple[str, str], str] = {}
    for axis in axes:
        other = seen.setdefault((axis.part, axis.name), axis.column)
        if other != axis.column:
            raise ConfigError(f"each setting must be named once in over, got {other} and {axis.column}")


def check_once(values: Sequence[Any], rule: str, names: list[str] | None = None) -> None:
    """Refuse a value that comes twice."""
    seen: dict[object, int] = {}
    for k, value in enumerate(values):
        first = seen.setdefault(_key(value), k)
        if first != k:
            got = f"rows {names[first]} and {names[k]} alike" if names else f"{value!r} twice"
            raise ConfigError(f"{rule}, got {got}")


def _key(value: object) -> tuple[bool, object]:
    """Return what tells values apart: True is not 1, and NaN is NaN."""
    return isinstance(value, bool), NAN if isinstance(value, float) and np.isnan(value) else value


def plain(value: Any) -> object:
    """Return a value as a table shows it: a number, a boolean or text, JSON where it is more than that."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Venue):
        return value.name
    try:
        return json.dumps(value, default=_dumped)
    except (TypeError, ValueError):
        return shown(value)


def _dumped(value: object) -> object:
    return value.model_dump() if isinstance(value, Settings) else repr(value)
