"""The settings of a run, from the command line and a TOML file: what stands on the command line wins.

A setting has one name everywhere: `--margin-mode cross` is `margin_mode = "cross"` in the file. Paths in the file are
taken from the working directory, as on the command line.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtest.errors import ConfigError, DataError
from backtest.market.bars import Bars
from backtest.market.files import FUNDING, MARK_PRICES, read_columns, symbol_of
from backtest.market.reading import read_bars
from backtest.signalling.strategies import Parameter, Strategy, parse_params, strategy
from backtest.terms.accounts import Account
from backtest.terms.presets import SETTINGS as RATES
from backtest.terms.presets import preset_names, venue
from backtest.terms.venue_tables import VENUE, call_of, known_keys, read_toml, venue_values
from backtest.terms.venues import Venue
from backtest.text import moment

__all__ = ["account_of", "bars_of", "params_of", "read_config", "settings_of", "strategy_of", "venue_of"]

Values = dict[str, Any]

ACCOUNT = tuple(Account.model_fields)
RUN = ("strategy", "data", "mark", "funding", "every", "from", "to", "repair", "params", "venue", "as_of", "symbol_map")
SETTINGS = (*RUN, "over", "out", *ACCOUNT, *RATES)
KINDS: dict[type, tuple[str, ...]] = {
    str: ("strategy", "every", "out"),
    bool: ("repair",),
    dict: ("params", "over", "symbol_map", "call"),
}
WORDS = {str: "text in quotes", bool: "true or false", dict: "a table"}


def settings_of(given: Values) -> Values:
    """Return the settings of the file `config`, if it is given, with those given beside it in their place."""
    held = read_config(Path(given["config"])) if "config" in given else {}
    joined = {name: {**held.get(name, {}), **given.get(name, {})} for name in ("symbol_map", "over")}
    return {**held, **given, **joined}


def read_config(path: Path) -> Values:
    """Return the settings in a TOML file.

    Raises
    ------
    ConfigError                if it is not TOML, or a key is unknown; it names the nearest one
    OSError                    if the file cannot be read
    """
    held = known_keys(read_toml(path), SETTINGS, str(path))
    for kind, names in KINDS.items():
        for name in names:
            if name in held and not isinstance(held[name], kind):
                raise ConfigError(f"{name} must be {WORDS[kind]}, got {held[name]!r} in {path}")
    if isinstance(held.get("venue"), dict):
        held["venue"] = known_keys(held["venue"], VENUE, f"[venue] of {path}")
    if "call" in held:
        held["call"] = call_of(held["call"], str(path))
    return held


def strategy_of(settings: Values) -> Strategy:
    """Return the strategy that the settings name."""
    if "strategy" not in settings:
        taken = [
            f"; --{name} took {value!r}, and a strategy's file ends in .py"
            for name in ("data", "mark", "funding", "param")
            for value in (settings[name] if isinstance(settings.get(name), list) else [])
            if isinstance(value, str) and not Path(value).suffix and "=" not in value and _rate(value) is None
        ]
        hint = taken[-1] if taken else ""
        raise ConfigError(f"a strategy must be given, as the first argument or in the --config file, got none{hint}")
    return strategy(settings["strategy"])


def account_of(settings: Values) -> Account:
    """Return the account that the settings describe."""
    return Account(**{name: settings[name] for name in ACCOUNT if name in settings})


def venue_of(settings: Values, symbols: Iterable[str]) -> Venue:
    """Return the venue that the settings name, or describe in a table, with the changes that they make to it.

    Raises
    ------
    ConfigError                if there is none, or a setting does not fit it
    """
    chosen = settings.get("venue")
    if not isinstance(chosen, (str, dict)):
        got = "none" if chosen is None else repr(chosen)
        presets = ", ".join(preset_names())
        raise ConfigError(
            f"a venue must be given: {presets}, a .toml file, or a [venue] table in the --config file, got {got}"
        )
    values: Values = {"preset": chosen} if isinstance(chosen, str) else venue_values(chosen, Path(), "[venue]")
    values |= {name: settings[name] for name in RATES if name in settings}
    for symbol in settings["symbol_map"]:
        if symbol not in symbols:
            raise ConfigError(f"symbol_map must map one of {', '.join(symbols)}, got {symbol!r}")
    values["symbols"] = {**values.get("symbols", {}), **settings["symbol_map"]}
    if "preset" in values:
        return venue(values.pop("preset"), **({"as_of": settings.get("as_of")} | values))
    if "as_of" in settings:
        raise ConfigError(f"as_of picks the tiers of a preset venue, got {settings['as_of']} for a [venue] table")
    return Venue(**values)


def bars_of(settings: Values) -> Bars:
    """Return the bars in the files of the settings, with their marks and funding, between `from` and `to`.

    Raises
    ------
    ConfigError                if there is no file, or a setting does not fit
    DataError                  for bad data
    """
    files = _data(settings.get("data"))
    marks = dict(_joined(settings.get("mark"), "mark", tuple(files)))
    funding = dict(_joined(settings.get("funding"), "funding", tuple(files)))
    rates = {symbol: rate for symbol, given in funding.items() if (rate := _rate(given)) is not None}
    paths = {symbol: str(given) for symbol, given in funding.items() if symbol not in rates}
    if "every" in settings and not rates:
        raise ConfigError(f"every must go with a funding rate, --funding RATE, got {settings['every']!r} without one")
    bars = read_bars(files, marks=marks or None, funding=paths or None, repair=settings.get("repair", False))
    if rates:
        bars = bars.with_funding(rates, every=settings.get("every", "8h"))
    start, end = (_time(settings.get(name), name) for name in ("from", "to"))
    if start is None and end is None:
        return bars
    bars = bars[start:end]
    _check_span(bars, marks, paths)
    return bars


def params_of(settings: Values, chosen: Strategy) -> dict[str, Parameter]:
    """Return the strategy's parameters as the file and, over it, the command line set them."""
    return chosen.settings({**settings.get("params", {}), **parse_params(settings.get("param", []), chosen.params)})


def _check_span(bars: Bars, marks: Mapping[str, str], funding: Mapping[str, str]) -> None:
    """Refuse files of marks and settlements of which nothing is left between the ends of the bars.

    Bars whose marks are their trade prices, or which pay nothing, are the only ones for which files are read again.
    """
    first, last = (bars.time[row].value for row in (0, -1))
    span = f"between {moment(first)} and {moment(last)}"
    for symbol, path in marks.items():
        i = bars.symbols.index(symbol)
        if not (bars.mark[:, i] == bars.trade[:, i]).all():
            continue
        if not np.isin(read_columns(Path(path), MARK_PRICES).time, bars.time.asi8).any():
            raise DataError(f"marks of {symbol} must share a time with the bars {span}, got none in {path}")
    for symbol, path in funding.items():
        if bars.funding[:, bars.symbols.index(symbol)].any():
            continue
        time = read_columns(Path(path), FUNDING, ("funding_rate",)).time
        if not ((time >= first) & (time <= last)).any():
            raise DataError(f"settlements of {symbol} must fall {span}, got none in {path}")


def _pair(text: str) -> tuple[str, str] | None:
    """Return both sides of `NAME=value`, None for a plain value or a path."""
    name, equals, value = text.partition("=")
    return (name.strip(), value.strip()) if equals and name.strip() and not {"/", "\\"} & set(name) else None


def _entries(given: object, name: str) -> list[tuple[str | None, Any]]:
    """Return what an option or key was given as pairs of symbol, None where it is not said, and value."""
    if isinstance(given, Mapping):
        entries: list[tuple[str | None, Any]] = list(given.items())
    else:
        values = given if isinstance(given, list) else [] if given is None else [given]
        entries = [(isinstance(value, str) and _pair(value)) or (None, value) for value in values]
    kinds = (str, int, float) if name == "funding" else (str,)
    for _, value in entries:
        if isinstance(value, bool) or not isinstance(value, kinds):
            what = "rates or files" if name == "funding" else "files"
            raise ConfigError(f"{name} must be {what}, alone or in a table by symbol, got {value!r}")
        if name == "funding" and _rate(value) is None and not _is_data(Path(str(value))):
            raise ConfigError(f"funding must be a rate or a file, got {value!r}")
    return entries


def _data(given: object) -> dict[str, str]:
    """Return the files of bars by symbol."""
    files: dict[str, str] = {}
    for said, path in _entries(given, "data"):
        symbol = said or symbol_of(Path(path))
        if not symbol or symbol in files:
            got = f"{symbol} in {files[symbol]} and in {path}" if symbol else path
            raise ConfigError(f"each file must be of a symbol of its own, got {got}; write SYMBOL={path}")
        files[symbol] = path
    if not files:
        raise ConfigError("data must name at least one file, got none")
    return files


def _joined(given: object, name: str, symbols: tuple[str, ...]) -> list[tuple[str, Any]]:
    """Return the files or rates that go with the bars, by symbol: a rate alone is for all of them."""
    joined: dict[str, Any] = {}
    for said, value in _entries(given, name):
        for_all = len(symbols) == 1 or (name == "funding" and _rate(value) is not None)
        found = symbols if said is None and for_all else (said or symbol_of(Path(value)),)
        for symbol in found:
            if symbol not in symbols:
                raise ConfigError(f"{name} must be for one of {', '.join(symbols)}, got {symbol}; write SYMBOL={value}")
            if symbol in joined:
                raise ConfigError(f"{name} must be given once for each symbol, got two for {symbol}")
            joined[symbol] = value
    return list(joined.items())


def _rate(given: object) -> float | None:
    """Return a rate, None for the name of a file."""
    try:
        return float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _is_data(path: Path) -> bool:
    """Return whether a path is there, or ends as files of data do."""
    try:
        return bool(symbol_of(path)) or path.exists()
    except DataError:
        return path.exists()


def _time(given: object, name: str) -> str | None:
    """Return one end of a stretch of time, as text: "2020-03" is all of March."""
    if given is None:
        return None
    try:
        pd.Timestamp(str(given))
    except ValueError:
        raise ConfigError(f"{name} must be a time such as 2020-03-12, got {given!r}") from None
    return str(given)
