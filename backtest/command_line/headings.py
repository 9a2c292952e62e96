"""The first lines of a screen: what was replayed, on which account and venue."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.table import Table

from backtest.command_line.bases import Base
from backtest.command_line.tables import facts, several
from backtest.command_line.wording import summary as breach_in_words
from backtest.figures_in_words import amount_of, spoken
from backtest.market.bars import Bars
from backtest.market.universes import Universe
from backtest.terms.ladders import Tier
from backtest.terms.symbols import base_of, canonical_symbol
from backtest.terms.venues import Venue
from backtest.text import duration, moment

__all__ = ["heading", "heading_lines", "value_in_words", "values_in_words"]

RATES = (
    "taker_fee",
    "slippage",
    "liquidation_fee",
    "liquidation_slippage",
    "borrow_rate",
    "short_borrow_rate",
    "fee_in_maintenance",
)
STOPS = ("stop_loss", "take_profit")

SHOWN = 6
"""Values of a swept setting that are listed one by one."""

PLAIN = Venue(tiers=(Tier(floor=0.0, maintenance_rate=0.0, max_leverage=1.0),))
"""What a breach does by default."""


def heading(base: Base[Any], swept_as: str = "swept", history: Mapping[str, Any] | None = None) -> Table:
    """Return what was replayed as the first lines of a screen; see `heading_lines`."""
    table = facts()
    for name, said in heading_lines(base, swept_as, history).items():
        table.add_row(name, said)
    return table


def heading_lines(base: Base[Any], swept_as: str = "swept", history: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return what was replayed, in a few lines: settings that are swept stand together in the last, with that label.

    `history` is what a result says of its data: of bars in a folder, which were read in pieces.
    """
    venue, swept = base.venue, {name.rpartition(".")[2] for name in base.over}
    params = ", ".join(f"{name} {value}" for name, value in base.params.items() if name not in swept)
    last = base.bars.time[-1] if isinstance(base.bars, Bars) else None
    lines = bars_lines(base.bars) if isinstance(base.bars, Bars) else universe_lines(base.bars)
    if history is not None:
        lines, last = history_lines(history), pd.Timestamp(history["last"])
    lines = {
        "strategy": f"{base.strategy.name}{': ' if params else ''}{params}",
        **lines,
        "account": account_line(base),
    }
    if "venue" not in swept:
        lines["venue"] = f"{venue.name}{' as of ' if venue.as_of else ''}{venue.as_of}{later(venue, last)}"
        if breach := policy(venue):
            lines["breach"] = breach
        rates = {name: getattr(venue, name) for name in RATES if name not in swept}
        lines["rates"] = ", ".join(f"{spoken(name)} {rate:g}" for name, rate in rates.items() if rate) or "none"
    if base.over:
        lines[swept_as] = "; ".join(f"{label(name)} {values_in_words(base.over[name])}" for name in base.over)
    return lines


def bars_lines(bars: Bars) -> dict[str, str]:
    """Return what bars there are, from when to when, and where marks and funding are from."""
    step = "" if bars.interval is None else f" of {duration(bars.interval.value)}"
    return {
        "data": f"{some(bars.symbols)}: {several(len(bars), 'bar')}{step}",
        "time": f"{moment(bars.time[0].value)} to {moment(bars.time[-1].value)} UTC",
        "prices": f"{marks(bars)}, {'with funding' if bars.funding.any() else 'no funding'}",
    }


def universe_lines(universe: Universe) -> dict[str, str]:
    """Return what bars there are of symbols that are replayed one by one."""
    bars = several(sum(universe.lengths.values()), "bar")
    return {"data": f"{some(universe.symbols)}: {bars}, each symbol on its own"}


def history_lines(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what bars a history in pieces turned out to have."""
    first, last = (moment(pd.Timestamp(data[name]).value) for name in ("first", "last"))
    prices = "mark prices are given" if data["marks"] else "mark prices are the traded ones"
    return {
        "data": f"{some(data['symbols'])}: {several(data['bars'], 'bar')}, read in pieces",
        "time": f"{first} to {last} UTC",
        "prices": f"{prices}, {'with funding' if data['funding'] else 'no funding'}",
    }


def some(symbols: Sequence[str]) -> str:
    """Return the first few symbols."""
    return ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else "")


def account_line(base: Base[Any]) -> str:
    """Return the settings of the account that matter most, but those that are swept."""
    account = base.account
    parts = {"margin_mode": f"{account.margin_mode} margin", "leverage": f"{account.leverage:g}x"}
    for name in STOPS:
        if getattr(account, name):
            parts[name] = f"{spoken(name)} {getattr(account, name):g}"
    if base.over:
        parts["cash"] = f"cash {amount_of(account.currency)(account.cash)}"
    if account.currency == "base":
        parts["currency"] = f"in {base_of(canonical_symbol(base.bars.symbols[0]))}"
    return ", ".join(text for name, text in parts.items() if name not in base.over) or "all of it swept"


def label(name: str) -> str:
    """Return a swept setting's name as screens show it."""
    return spoken(name.rpartition(".")[2])


def values_in_words(values: Sequence[object]) -> str:
    """Return the values of a swept setting: neighbours as first to last, many as a few of them."""
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(values) > 2 and list(values) == list(range(whole[0], whole[0] + len(values)) if whole else ()):
        return f"{whole[0]} to {whole[-1]}"
    said = [value_in_words(value) for value in values]
    return ", ".join(said if len(said) <= SHOWN else [*said[: SHOWN - 3], "...", said[-1]])


def value_in_words(value: object) -> str:
    """Return one value of a setting."""
    if value is None or value != value:  # NaN stands for none among numbers
        return "none"
    if isinstance(value, Venue):
        return value.name
    return f"{value:g}" if isinstance(value, float) else str(value)


def policy(venue: Venue) -> str:
    """Return what a breach does, nothing where that is what it does by default."""
    said = breach_in_words(venue)
    return "" if said == breach_in_words(PLAIN) else said


def marks(bars: Bars) -> str:
    """Return where the mark prices are from; bars that lack them have the traded ones."""
    if not bars.has_marks:
        return "mark prices are the traded ones"
    same = bars.mark == bars.trade
    alike = int((same & bars.present).sum() if len(bars.present) else same.sum())
    return "mark prices are given" + (f", the traded ones in {several(alike, 'bar')}" if alike else "")


def later(venue: Venue, last: pd.Timestamp | None) -> str:
    """Return a note where the venue's tiers are of a time after the last bar, if that is known."""
    try:
        date = pd.Timestamp(venue.as_of)
    except ValueError:  # a venue of the user's own may say anything there
        return ""
    date = date.tz_localize("UTC") if date.tzinfo is None else date
    return ", later than the bars" if last is not None and date > last else ""
