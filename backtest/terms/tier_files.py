"""Files of margin tiers: tables as CSV, and the answers of ccxt as JSON."""

import csv
import json
import math
import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from backtest.errors import ConfigError
from backtest.terms.ladders import Ladder, Tier
from backtest.terms.symbols import ANY, canonical_symbol, listed_name, nearest_symbol
from backtest.text import shown

__all__ = ["read_tiers"]

LIMITS = {
    "floor": (0.0, math.inf),
    "maintenance_rate": (0.0, 1.0),
    "max_leverage": (1.0, math.inf),
    "short_maintenance_rate": (0.0, 1.0),
    "cap": (0.0, math.inf),
}
"""Columns of tiers, the first three needed, with the lowest number that may stand there, and the first too high."""

NOTES = ("tier", "source", "as_of")
"""Columns that are for the reader of a table."""

COUNTS = ("minSz", "min_size", "minSize", "contracts", "riskIncrVol")
"""Fields of the exchanges' own answers (OKX, HTX, KuCoin, Kraken, MEXC) that ccxt passes on as notionals although they
count contracts."""


def read_tiers(path: str | os.PathLike[str], symbols: Iterable[str] | None = None) -> dict[str, Ladder]:
    """Return the ladders in a file, by symbol, as Venue(tiers=...) takes them.

    Parameters
    ----------
    path : path         .csv: a line of each tier, floors rising, with columns symbol ("*": any), floor,
                        maintenance_rate, max_leverage and, where there are such, short_maintenance_rate and cap.
                        .json: what ccxt's fetch_leverage_tiers returns, a dict by symbol of lists of tiers
    symbols : list      those to read, however base and quote are written; None: all

    Raises
    ------
    ConfigError         for a file of another kind, values outside of their ranges, tiers that overlap or leave gaps,
                        floors that count contracts and no money, or a symbol that is not there
    OSError             if the file cannot be read

    Source: https://docs.ccxt.com, leverage tiers structure, and ccxt 4.5.90, test_leverage_tier.py: {tier, minNotional,
    maxNotional, maintenanceMarginRate, maxLeverage, info}
    """
    file = Path(path)
    readers = {".csv": read_table, ".json": read_answer}
    if file.suffix.lower() not in readers:
        raise ConfigError(f"tiers must be in a .csv or a .json file, got {file}")
    wanted = None if symbols is None else [symbols] if isinstance(symbols, str) else list(symbols)
    return readers[file.suffix.lower()](file, wanted)


def read_table(path: Path, symbols: list[str] | None = None) -> dict[str, Ladder]:
    """Return the ladders in a table."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            check_columns(list(reader.fieldnames or []), path)
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} must be a table: {error}") from None
    for line, row in rows:
        if None in row or None in row.values():
            raise ConfigError(f"each line must have a value, or nothing, for each column, got line {line} of {path}")
        if not row["symbol"]:
            raise ConfigError(f"symbol must be given, or {ANY!r} for any, got none in line {line} of {path}")
    ladders: dict[str, list[Tier]] = {}
    for line, row in rows:
        values = {name: number(row[name]) for name in LIMITS if name in row}
        fits = all(is_within(name, value) for name, value in values.items())
        # Tables have thousands of tiers, and a model takes its time to find nothing.
        tier = Tier.model_construct(None, **values) if fits else tier_of(values, f"line {line} of {path}")
        ladders.setdefault(row["symbol"], []).append(tier)
    return {symbol: tuple(ladders[symbol]) for symbol in chosen(list(ladders), symbols, path)}


def check_columns(columns: list[str], path: Path) -> None:
    """Refuse a table that lacks a column, or has one that means nothing."""
    names = ("symbol", *LIMITS, *NOTES)
    for column in names[:4]:
        if column not in columns:
            raise ConfigError(f"there must be a column {column}, got {', '.join(columns) or 'none'} in {path}")
    for column in columns:
        if column not in names or columns.count(column) > 1:
            nearest = get_close_matches(column, names, 1, 0.0)[0]
            rule = "there twice" if column in names else f"not a column of tiers, the nearest is {nearest},"
            raise ConfigError(f"{column} is {rule} in {path}")


def number(text: str) -> float | str | None:
    """Return a number, None where nothing stands, or text for a model to refuse."""
    try:
        return float(text)
    except ValueError:
        return text or None


def is_within(name: str, value: float | str | None) -> bool:
    """Return whether a value is within the limits of a tier."""
    low, high = LIMITS[name]
    if value is None:
        return name in ("short_maintenance_rate", "cap")
    return isinstance(value, float) and low <= value < high


def read_answer(path: Path, symbols: list[str] | None = None) -> dict[str, Ladder]:
    """Return the ladders in an answer of ccxt."""
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise ConfigError(f"{path} must be a JSON file: {error}") from None
    if not isinstance(answer, dict) or not answer:
        raise ConfigError(f"{path} must hold lists of tiers by symbol, as ccxt answers, got {shown(answer)}")
    return {symbol: ladder_of(answer[symbol], symbol, path) for symbol in chosen(list(answer), symbols, path)}


def ladder_of(tiers: Any, symbol: str, path: Path) -> Ladder:
    """Return a ladder as ccxt writes it: floors are lowest notionals, and only the last tier has a cap of its own.

    A lowest notional that is not given is the highest one of the tier before. Tiers are sorted by their floors, since
    not every exchange answers in order, and a tier's floor says all about its place.
    """
    if not isinstance(tiers, list) or not tiers or not all(isinstance(tier, Mapping) for tier in tiers):
        raise ConfigError(f"tiers of {symbol} must be a list of tables, got {shown(tiers)} in {path}")
    ladder: list[Tier] = []
    ends: list[Any] = []
    for k, tier in enumerate(tiers):
        place = f"tier {k} of {symbol} in {path}"
        refuse_counts(tier.get("info"), place)
        floor = tier.get("minNotional")
        if floor is None:
            floor = 0.0 if k == 0 else ends[-1]
        if floor is None:
            raise ConfigError(f"minNotional must be given, or maxNotional of the tier before, got neither in {place}")
        names = {"maintenance_rate": "maintenanceMarginRate", "max_leverage": "maxLeverage"}
        values = {name: tier.get(theirs) for name, theirs in names.items()}
        for name, theirs in names.items():
            if values[name] is None:
                raise ConfigError(f"{theirs} must be given, got None in {place}")
        ladder.append(tier_of({"floor": floor, "cap": tier.get("maxNotional"), **values}, place))
        ends.append(ladder[-1].cap)
    ladder.sort(key=lambda tier: tier.floor)
    for below, tier in pairwise(ladder):
        if tier.floor == below.floor:
            raise ConfigError(f"each tier must have a minNotional of its own, got {tier.floor:g} twice in {symbol}")
        if below.cap is not None and below.cap != tier.floor:
            raise ConfigError(
                f"maxNotional must be the minNotional of the next tier, got {below.cap:g} before {tier.floor:g} "
                f"in {symbol} of {path}"
            )
    return tuple(ladder)


def refuse_counts(info: Any, place: str) -> None:
    """Refuse tiers whose sizes are counts of contracts."""
    found = next((name for name in COUNTS if isinstance(info, Mapping) and info.get(name) is not None), None)
    if found is not None:
        raise ConfigError(
            f"minNotional must be money, got a count of contracts (info.{found}) in {place}; "
            "a table with floors in money can be read instead"
        )


def tier_of(values: Mapping[str, Any], place: str) -> Tier:
    """Return a tier; errors name its place."""
    try:
        return Tier(**values)
    except ConfigError as error:
        raise ConfigError(f"{error} in {place}") from None


def chosen(listed: list[str], symbols: list[str] | None, path: Path) -> list[str]:
    """Return the names under which a file lists the symbols, all of them for None."""
    if symbols is None:
        return listed
    names = []
    for symbol in symbols:
        name = listed_name(symbol, listed)
        if name is None:
            nearest = nearest_symbol(canonical_symbol(symbol), listed)
            raise ConfigError(f"symbols must be in {path}, got {symbol!r}; the nearest is {nearest!r}")
        names.append(name)
    return list(dict.fromkeys(names))
