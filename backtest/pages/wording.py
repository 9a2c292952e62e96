"""How numbers, times and names are written on a page: as on the screen of the command line, with thin spaces."""

import math
import re
from typing import Any

import pandas as pd

from backtest import figures_in_words
from backtest.figures_in_words import UNDEFINED, Amount, percent
from backtest.text import grouped, moment

__all__ = [
    *("coins", "count", "figure", "money", "moment_of", "money_of", "percent_of", "price", "quantity", "several"),
    *("signed", "thin", "worth"),
]

THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
THIN = "\u202f"  # narrow, and no line breaks at it

HUGE = 1e10
"""Numbers whose digits nobody reads."""


def thin(text: str) -> str:
    """Return a text with thin spaces between the thousands of its numbers."""
    return THOUSANDS.sub(THIN, text)


def money(value: float) -> str:
    """Return an amount of money, as in 1 234.50."""
    return figures_in_words.money(value) if _is_read(value) else f"{value:.3g}"


def coins(value: float) -> str:
    """Return an amount of a coin, as in 0.012346."""
    return figures_in_words.coins(value) if _is_read(value) else f"{value:.3g}"


def money_of(currency: str) -> Amount:
    """Return how money of an account is written: in quote, or in coins where its currency is "base"."""
    return coins if currency == "base" else money


def figure(name: str, value: Any, amount: Amount = money) -> str:
    """Return a figure of a summary, money as `amount` does; one beyond all measure as in 3.04e+13."""
    writer = figures_in_words.WRITERS[name]
    if isinstance(value, float) and not _is_read(value) and writer is not percent:
        return f"{value:.3g}"
    return figures_in_words.written(name, value, amount)


def percent_of(value: float) -> str:
    """Return a fraction as it is read aloud, `-` where there is none."""
    return percent(value)


def count(value: float) -> str:
    """Return a whole number, as in 47 077."""
    return UNDEFINED if math.isnan(value) else grouped(value)


def price(value: float) -> str:
    """Return a price: to the cent, a small one to five digits that say something."""
    return _digits(value, 5, 2)


def quantity(value: float) -> str:
    """Return a quantity to four digits that say something."""
    return _digits(value, 4, 0)


def worth(value: Any) -> str:
    """Return the value of a setting."""
    if value is None or value != value:  # NaN stands for none among numbers
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return grouped(value) if value == int(value) and 1e4 <= abs(value) < HUGE else f"{value:.6g}"
    return str(value)


def signed(value: float) -> str:
    """Return a difference with its sign, as in +0.12."""
    return UNDEFINED if math.isnan(value) else f"{value:+.2f}"


def several(number: int, noun: str) -> str:
    """Return a number of things, as in 1 bar or 2 bars."""
    return f"{grouped(number)} {noun}{'s' if number != 1 else ''}"


def moment_of(time: pd.Timestamp) -> str:
    """Return a time to the minute, or to what it takes; nothing for one that has not come."""
    return "" if pd.isna(time) else moment(time.as_unit("ns").value)


def _is_read(value: float) -> bool:
    """Return whether a number has few enough digits to be read, or is none."""
    return math.isnan(value) or abs(value) < HUGE


def _digits(value: float, significant: int, least: int) -> str:
    """Return a number with `significant` digits from its first that is not 0, and at least `least` decimals."""
    if math.isnan(value):
        return UNDEFINED
    if not _is_read(value) or 0.0 < abs(value) < 1e-8:
        return f"{value:.{significant}g}"
    size = math.floor(math.log10(abs(value))) if value else 0
    return grouped(value, max(significant - 1 - size, least))
