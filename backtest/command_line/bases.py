"""What commands replay: bars, strategy, account and venue as the settings say, and what is swept around them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from backtest.command_line.configuration import (
    account_of,
    bars_of,
    params_of,
    strategy_of,
    venue_of,
)
from backtest.command_line.ranges import over_of
from backtest.command_line.shell import list_repairs
from backtest.errors import ConfigError
from backtest.market.bars import Bars
from backtest.market.universes import Universe, universe_of
from backtest.signalling.strategies import Parameter, Strategy
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["Base", "base_in_folder", "base_of", "check_files", "count_of", "folder_in", "swept_of"]

Over = Mapping[str, Sequence[object]]
Values = dict[str, Any]

BESIDE = ("mark", "funding", "every", "from", "to", "repair")
"""Settings of bars in files, which a folder does not take."""


Market = TypeVar("Market", Bars, Universe)


@dataclass(frozen=True)
class Base(Generic[Market]):
    """All that the options and the file of settings come to; bars may be in a folder, by symbol."""

    bars: Market
    strategy: Strategy
    params: dict[str, Parameter]
    account: Account
    venue: Venue
    over: Over


def base_of(settings: Values, *, swept: bool = False) -> Base[Bars]:
    """Return what a command replays; cheap things are read and refused before the bars are.

    Parameters
    ----------
    settings : dict            as `settings_of` returns them
    swept : bool               whether the command sweeps; the others leave what is swept alone

    Raises
    ------
    BacktestError              for settings or data that are wrong
    """
    check_files(settings.get("data"))

    def read() -> Bars:
        bars = bars_of(settings)
        list_repairs(bars.repairs)
        return bars

    return _base(settings, read, swept=swept)


def base_in_folder(settings: Values, *, swept: bool = False) -> Base[Universe]:
    """Return what a command replays of a folder of symbols, whose bars need not fit into memory.

    Raises
    ------
    BacktestError              for settings or data that are wrong, or where more is given of the bars than the folder
    """
    path = folder_in(settings)
    for name in BESIDE:
        if name in settings:
            raise ConfigError(f"{name} must not be given for a folder of symbols, got {settings[name]!r} with {path}")
    return _base(settings, lambda: universe_of(path), swept=swept)


def _base(settings: Values, read: Callable[[], Market], *, swept: bool) -> Base[Market]:
    chosen, account = strategy_of(settings), account_of(settings)
    params = params_of(settings, chosen)
    over = over_of(settings["over"], chosen.params) if swept else {}
    bars = read()
    if "venue" in over:
        over["venue"] = [venue_of({**settings, "venue": name}, bars.symbols) for name in over["venue"]]
        return Base(bars, chosen, params, account, over["venue"][0], over)
    return Base(bars, chosen, params, account, venue_of(settings, bars.symbols), over)


def folder_in(settings: Values) -> str:
    """Return the folder that data names, "" where it names files.

    Raises
    ------
    ConfigError                for a folder among others
    """
    given = settings.get("data")
    names, folders = given if isinstance(given, list) else [given], folders_in(given)
    if folders and len(names) > 1:
        raise ConfigError(f"data must be one folder, or files, got the folder {folders[0]} among {len(names)}")
    return folders[0] if folders else ""


def folders_in(given: object) -> list[str]:
    """Return which of the files that are named are folders."""
    names = given if isinstance(given, list) else [given]
    return [name for name in names if isinstance(name, str) and Path(name).is_dir()]


def check_files(given: object) -> None:
    """Refuse folders where a command takes files.

    Raises
    ------
    ConfigError                for a folder
    """
    if folders := folders_in(given):
        raise ConfigError(f"this command takes files, not folders, got the folder {folders[0]}")


def count_of(base: Base[Any]) -> int:
    """Return how many settings a sweep has, of every symbol where each is a market of its own."""
    symbols = len(base.bars.symbols) if isinstance(base.bars, Universe) else 1
    return symbols * math.prod(len(values) for values in base.over.values())


def swept_of(base: Base[Any]) -> Over:
    """Return what is swept.

    Raises
    ------
    ConfigError                if nothing is
    """
    if not base.over:
        raise ConfigError("over must name at least one setting, as in --over leverage=1:50, got none")
    return base.over
