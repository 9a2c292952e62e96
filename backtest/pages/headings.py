"""The head of a page: what was run, on which bars, account and venue."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from backtest.figures_in_words import spoken
from backtest.pages.wording import moment_of, money_of, several, worth
from backtest.text import duration

__all__ = ["facts_of", "name_of", "some"]

RATES = (
    *("taker_fee", "slippage", "liquidation_fee", "liquidation_slippage", "borrow_rate", "short_borrow_rate"),
    "fee_in_maintenance",
)
LISTED = 4
"""Symbols that are named before it says how many more there are."""


def name_of(description: Mapping[str, Any]) -> str:
    """Return the name of what was run."""
    strategy = description.get("strategy")
    return spoken(str(strategy["name"])) if strategy else "signals given as arrays"


def facts_of(description: Mapping[str, Any], interval: pd.Timedelta | None) -> list[tuple[str, str]]:
    """Return what was run, a label and a line for each part of it."""
    data, account, venue = description["data"], description["account"], description["venue"]
    params = (description.get("strategy") or {}).get("params") or {}
    step = "" if interval is None else f" of {duration(interval.as_unit('ns').value)}"
    marks = "mark prices are given" if data["marks"] else "mark prices are the traded ones"
    first, last = (moment_of(pd.Timestamp(data[name])) for name in ("first", "last"))
    dated = f" as of {venue['as_of']}" if venue.get("as_of") else ""
    rates = ", ".join(f"{spoken(name)} {venue[name]:g}" for name in RATES if venue.get(name))
    lines = {
        "parameters": ", ".join(f"{spoken(name)} {worth(value)}" for name, value in params.items()),
        "data": f"{some(data['symbols'])}: {several(data['bars'], 'bar')}{step}",
        "time": f"{first} to {last} UTC",
        "prices": f"{marks}, {'with funding' if data['funding'] else 'no funding'}",
        "account": _account(account),
        "venue": f"{venue.get('name') or 'given'}{dated}{_later(venue, data)}",
        "rates": rates or "none",
    }
    return [(label, said) for label, said in lines.items() if said]


def some(names: Sequence[str]) -> str:
    """Return the first few names."""
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def _account(account: Mapping[str, Any]) -> str:
    """Return the settings of an account that matter most."""
    cash = money_of(account.get("currency", "quote"))(float(account["cash"]))
    parts = [f"{account['margin_mode']} margin", f"{account['leverage']:g}x", f"cash {cash}"]
    parts += [f"{spoken(name)} {account[name]:g}" for name in ("stop_loss", "take_profit") if account.get(name)]
    return ", ".join(parts)


def _later(venue: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Return a note where the venue's tiers are of a time after the last bar, if that is known."""
    try:
        date = pd.Timestamp(venue.get("as_of") or "")
    except ValueError:  # a venue of the user's own may say anything there
        return ""
    if pd.isna(date):
        return ""
    date = date.tz_localize("UTC") if date.tzinfo is None else date
    return ", later than the bars" if date > pd.Timestamp(data["last"]) else ""
