"""What a run was made of, in words: parameters, data, account and venue, as heads of pages and screens have them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from backtest.figures_in_words import amount_of, spoken
from backtest.terms.symbols import base_of, canonical_symbol
from backtest.terms.venues import Venue
from backtest.text import HUGE, duration, grouped, moment_of, several, some

__all__ = ["COSTS", "facts_of", "label_of", "name_of", "rates_in_words", "worth"]

COSTS = ("taker_fee", "slippage", "liquidation_fee", "liquidation_slippage", "borrow_rate", "short_borrow_rate")
RATES = (*COSTS, "fee_in_maintenance")
STOPS = ("stop_loss", "take_profit")


def name_of(description: Mapping[str, Any]) -> str:
    """Return the name of what was run."""
    strategy = description.get("strategy")
    return spoken(str(strategy["name"])) if strategy else "signals given as arrays"


def facts_of(
    description: Mapping[str, Any], interval: pd.Timedelta | None, without: Collection[str] = (), note: str = ""
) -> dict[str, str]:
    """Return what was run, a line for each part of it by its label: what there is nothing to say of has none.

    Parameters
    ----------
    description : dict         as `Result.description`; data without "first" are bars of symbols of which each has its
        own times, "alike" counts the bars whose mark prices are the traded ones
    interval : Timedelta       of the bars, None where it is not known
    without : names            of settings that are said elsewhere
    note : str                 what else there is to say of the bars
    """
    data, account, venue = description["data"], description["account"], description["venue"]
    params = (description.get("strategy") or {}).get("params") or {}
    said = {name: value for name, value in params.items() if not {name, f"params.{name}"}.intersection(without)}
    step = "" if interval is None else f" of {duration(interval.as_unit('ns').value)}"
    lines = {
        "parameters": ", ".join(f"{spoken(name)} {worth(value)}" for name, value in said.items()),
        "data": f"{some(data['symbols'])}: {several(data['bars'], 'bar')}{step}{note}",
    }
    if "first" in data:
        first, last = (moment_of(pd.Timestamp(data[name])) for name in ("first", "last"))
        lines |= {"time": f"{first} to {last} UTC", "prices": _prices(data)}
    lines["account"] = _account(account, data["symbols"], without)
    if "venue" not in without:
        lines["venue"] = f"{venue.get('name') or 'given'}{_dated(venue, data.get('last'))}"
        lines["rates"] = rates_in_words(venue, (name for name in RATES if name not in without))
    return {label: line for label, line in lines.items() if line}


def rates_in_words(venue: Mapping[str, Any], names: Iterable[str] = COSTS) -> str:
    """Return the rates of a venue that are not 0."""
    return ", ".join(f"{spoken(name)} {venue[name]:g}" for name in names if venue.get(name)) or "none"


def label_of(name: str) -> str:
    """Return a setting's name as it is read: without whose it is."""
    return spoken(name.rpartition(".")[2])


def worth(value: object) -> str:
    """Return the value of a setting."""
    if value is None or value != value:  # NaN stands for none among numbers
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return grouped(value) if 1e4 <= abs(value) < HUGE and value == int(value) else f"{value:.6g}"
    return value.name if isinstance(value, Venue) else str(value)


def _prices(data: Mapping[str, Any]) -> str:
    """Return where mark prices and funding are from; bars that lack marks have the traded prices."""
    marks = "mark prices are given" if data["marks"] else "mark prices are the traded ones"
    alike = f", the traded ones in {several(data['alike'], 'bar')}" if data.get("alike") else ""
    return f"{marks}{alike}, {'with funding' if data['funding'] else 'no funding'}"


def _account(account: Mapping[str, Any], symbols: Collection[str], without: Collection[str]) -> str:
    """Return the settings of an account that matter most."""
    currency = account.get("currency", "quote")
    parts = {"margin_mode": f"{account['margin_mode']} margin", "leverage": f"{worth(account['leverage'])}x"}
    parts |= {name: f"{spoken(name)} {account[name]:g}" for name in STOPS if account.get(name)}
    parts["cash"] = f"cash {amount_of(currency)(float(account['cash']))}"
    if currency == "base":
        parts["currency"] = f"in {base_of(canonical_symbol(next(iter(symbols))))}"
    return ", ".join(text for name, text in parts.items() if name not in without) or "all of it swept"


def _dated(venue: Mapping[str, Any], last: object) -> str:
    """Return of when a venue's tiers are, with a note where that is after the last bar."""
    given = venue.get("as_of") or ""
    said = f" as of {given}" if given else ""
    try:
        date = pd.Timestamp(given)
    except ValueError:  # a venue of the user's own may say anything there
        return said
    if last is None or pd.isna(date):
        return said
    date = date.tz_localize("UTC") if date.tzinfo is None else date
    return f"{said}, later than the bars" if date > pd.Timestamp(str(last)) else said
