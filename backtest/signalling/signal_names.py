"""The names of the columns that signals may have, and the names that look like a slip of the pen."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from backtest.errors import DataError

# The same four meanings, in the order enter long, exit long, enter short, exit short.
VECTORBT_NAMES = ("entries", "exits", "short_entries", "short_exits")
FREQTRADE_NAMES = ("enter_long", "exit_long", "enter_short", "exit_short")
ENTRY_NAMES = VECTORBT_NAMES + FREQTRADE_NAMES

LEG_NAMES = ("target_long", "target_short")
SETTING_NAMES = ("leverage", "stop_loss", "take_profit", "margin_add")
NAMES = ("target", *LEG_NAMES, *SETTING_NAMES, *ENTRY_NAMES)

# What others call these columns, without case and underscores, where the spelling alone does not tell.
OTHER_WORDS = {
    "lev": "leverage",
    "sl": "stop_loss",
    "tp": "take_profit",
    "addmargin": "margin_add",
    "longtarget": "target_long",
    "shorttarget": "target_short",
}

__all__ = [
    "ENTRY_NAMES",
    "FREQTRADE_NAMES",
    "LEG_NAMES",
    "NAMES",
    "SETTING_NAMES",
    "VECTORBT_NAMES",
    "check_names",
    "meant",
]


def check_names(given: Iterable[object], symbol: str = "") -> None:
    """Refuse near misses and doubles: an exit or a stop ignored for its spelling would be a position held for ever.

    Parameters
    ----------
    given : iterable           the names of a frame's columns; those that resemble no documented name are ignored
    symbol : str               the instrument that an error names, if known

    Raises
    ------
    DataError                  if a name is nearly a documented one, or a documented one stands twice
    """
    names = list(map(str, given))
    where = f" in {symbol}" if symbol else ""
    for name in names:
        known = meant(name)
        if known is not None and known != name:
            raise DataError(f"columns of signals must be named as documented, got {name}{where}; did you mean {known}?")
    for name in NAMES:
        if names.count(name) > 1:
            raise DataError(f"signals must have one column of each name, got {name} twice{where}")


@lru_cache(1024)
def meant(name: str) -> str | None:
    """Return the documented name that a name is or nearly is, None where it resembles none.

    Near are: another case or other underscores, a common short form (`lev`, `sl`, `stop`), a setting with something
    added (`stop_loss_pct`), and a slip in a letter or two.
    """
    if name in NAMES:
        return name
    plain = _plain(name)
    if plain in OTHER_WORDS:
        return OTHER_WORDS[plain]
    for known in NAMES:
        if plain == _plain(known):
            return known
    for known in SETTING_NAMES:
        if plain.startswith(_plain(known)) or (len(plain) >= 4 and _plain(known).startswith(plain)):
            return known
    nearest = get_close_matches(name.lower(), NAMES, 1, 0.85)
    return nearest[0] if nearest else None


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
