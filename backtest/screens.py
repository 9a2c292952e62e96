"""What the command line prints of results, files and checks."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from backtest.bars import Bars
from backtest.inspection import Inspection
from backtest.ladders import Tier
from backtest.lookahead import LookaheadReport
from backtest.results import Result
from backtest.sources import FRAMES
from backtest.symbols import base_of, canonical_symbol
from backtest.tables import (
    WIDTH,
    coins,
    count,
    days,
    facts,
    listing,
    money,
    percent,
    ratio,
    several,
    show,
    spoken,
    terminal,
    times,
)
from backtest.text import duration, grouped, moment
from backtest.venues import MarginCall, Venue
from backtest.wording import summary as breach_in_words

__all__ = ["print_inspection", "print_place", "print_report", "print_result"]

ROWS = 20
"""Liquidations that are printed; the saved run has them all."""

DISPENSABLE = ("forfeited", "fill price", "how", "quantity", "bad debt", "penalty", "mark price", "price")
"""Their columns that go first where not all of them fit."""

RATES = (
    "taker_fee",
    "slippage",
    "liquidation_fee",
    "liquidation_slippage",
    "borrow_rate",
    "short_borrow_rate",
    "fee_in_maintenance",
)
HALF = 38
"""Width of the groups of figures that stand side by side."""


Figures = Mapping[str, Callable[..., str]]
Amount = Callable[[float], str]

FLAT = Tier(floor=0.0, maintenance_rate=0.0, max_leverage=1.0)
"""Tiers of a venue of which only the rules matter."""

# The figures of a summary under the names that it gives them, and how each is written.
LEFT: Mapping[str, Figures] = {
    "return": {
        "total_return": percent,
        "cagr": percent,
        "volatility": percent,
        "sharpe": ratio,
        "sortino": ratio,
        "calmar": ratio,
        "max_drawdown": percent,
        "max_drawdown_low": percent,
        "max_drawdown_duration": days,
    },
    "trades": {
        "trades": count,
        "win_rate": percent,
        "profit_factor": ratio,
        "expectancy": money,
        "exposure": percent,
    },
}
RIGHT: Mapping[str, Figures] = {
    "margin": {
        "liquidations": count,
        "liquidation_loss": money,
        "penalties": money,
        "forfeited": money,
        "bad_debt": money,
        "highest_margin_ratio": percent,
        "smallest_liquidation_distance": percent,
        "highest_effective_leverage": times,
        "cut_orders": count,
        "refused_orders": count,
        "ruined": lambda ruined: "yes" if ruined else "no",
    },
    "costs": {"fees": money, "funding": money, "interest": money},
}
# Those that most runs do not have: margin calls, money that was moved, and what became of losses beyond a margin.
OCCASIONAL: Mapping[str, Figures] = {
    "calls": {
        "margin_calls": count,
        "forced_closes": count,
        "deposits": money,
        "refills": count,
        "refilled": money,
    },
    "insurance": {"insurance_fund": money, "socialised_loss": money},
}
ALARMS = (
    "liquidations",
    "liquidation_loss",
    "bad_debt",
    "refused_orders",
    "ruined",
    "forced_closes",
    "socialised_loss",
)
"""Figures that are red where they are not 0."""


def print_result(result: Result, bars: Bars) -> None:
    """Print what was replayed, the summary and the liquidations."""
    width = terminal().width
    amount = coins if result.description["account"]["currency"] == "base" else money
    show(heading(result, bars, amount), "", figures(result.summary, width, amount))
    if len(result.liquidations):
        table, dropped = liquidation_table(result.liquidations.head(ROWS), width, amount)
        show(table)
        if len(result.liquidations) > ROWS:
            show(f"and {count(len(result.liquidations) - ROWS)} more", style="dim")
        if dropped:
            show(f"Without {', '.join(dropped)}, for want of room.", style="dim")
        show("")


def print_place(folder: str | None) -> None:
    """Print where the run was saved."""
    if folder is None:
        show("Not saved: --out FOLDER keeps every bar, fill, trade and order.", style="dim")
    else:
        show(f"Saved to {folder}: {', '.join(FRAMES)}, run.json")


def heading(result: Result, bars: Bars, amount: Amount) -> Table:
    """Return what was replayed, in a few lines."""
    run = result.description
    account, venue, strategy = run["account"], run["venue"], run["strategy"]
    params = ", ".join(f"{name} {value}" for name, value in strategy["params"].items())
    names = ", ".join(bars.symbols[:4]) + (f" and {len(bars.symbols) - 4} more" if len(bars.symbols) > 4 else "")
    step = "" if bars.interval is None else f" of {duration(bars.interval.value)}"
    stops = "".join(f", {spoken(name)} {account[name]:g}" for name in ("stop_loss", "take_profit") if account[name])
    equity, cash, refilled = float(result.equity.iloc[-1]), account["cash"], result.summary["refilled"]
    outcome = Text(f"{amount(cash)} -> ")
    outcome.append(amount(equity), style="bold green" if equity >= cash + refilled else "bold red")
    if refilled:
        outcome.append(f", of which {amount(refilled)} refilled")
    if account["reserve"]:
        left = account["reserve"] - result.summary["deposits"]
        outcome.append(f"; reserve {amount(account['reserve'])} -> {amount(left)}")
    table = facts()
    table.add_row("strategy", f"{strategy['name']}{': ' if params else ''}{params}")
    table.add_row("data", f"{names}: {several(len(bars), 'bar')}{step}")
    table.add_row("time", f"{moment(bars.time[0].value)} to {moment(bars.time[-1].value)} UTC")
    table.add_row("prices", f"{marks(bars)}, {'with funding' if bars.funding.any() else 'no funding'}")
    money_in = f", in {base_of(canonical_symbol(bars.symbols[0]))}" if account["currency"] == "base" else ""
    table.add_row("account", f"{account['margin_mode']} margin, {account['leverage']:g}x{stops}{money_in}")
    table.add_row("venue", f"{venue['name']}{' as of ' if venue['as_of'] else ''}{venue['as_of']}{later(venue, bars)}")
    if breach := policy(venue):
        table.add_row("breach", breach)
    table.add_row("rates", ", ".join(f"{spoken(name)} {venue[name]:g}" for name in RATES if venue[name]) or "none")
    table.add_row("equity", outcome)
    return table


def policy(venue: Mapping[str, Any]) -> str:
    """Return what a breach does, nothing where that is what it does by default."""
    given = {name: value for name, value in venue.items() if name not in ("tiers", "call")}
    call = None if venue["call"] is None else MarginCall(**venue["call"])
    said = breach_in_words(Venue(tiers=(FLAT,), call=call, **given))
    return "" if said == breach_in_words(Venue(tiers=(FLAT,))) else said


def marks(bars: Bars) -> str:
    """Return where the mark prices are from; bars that lack them have the traded ones."""
    if not bars.has_marks:
        return "mark prices are the traded ones"
    same = bars.mark == bars.trade
    alike = int((same & bars.present).sum() if len(bars.present) else same.sum())
    return "mark prices are given" + (f", the traded ones in {several(alike, 'bar')}" if alike else "")


def later(venue: Mapping[str, Any], bars: Bars) -> str:
    """Return a note where the venue's tiers are of a time after the bars."""
    try:
        date = pd.Timestamp(venue["as_of"])
    except ValueError:  # a venue of the user's own may say anything there
        return ""
    date = date.tz_localize("UTC") if date.tzinfo is None else date
    return ", later than the bars" if date > bars.time[-1] else ""


def figures(summary: pd.Series, width: int, amount: Amount) -> Table:
    """Return the summary as groups of figures, in two columns where they fit."""
    table = Table.grid(padding=(0, WIDTH - 2 * HALF if width >= WIDTH else 0, 0, 0))
    rows = list(zip(LEFT.items(), RIGHT.items(), strict=True))
    calls, insurance = OCCASIONAL.items()
    if any(summary[name] for name in calls[1]) or summary["socialised_loss"]:
        rows.append((calls, insurance))
    for parts in rows:
        groups = [group(*part, summary, min(HALF, width), amount) for part in parts]
        for row in [groups] if width >= WIDTH else zip(groups):
            table.add_row(*row)
    return table


def group(title: str, names: Figures, summary: pd.Series, width: int, amount: Amount) -> Table:
    """Return one group of figures of a summary, a line each."""
    table = listing(title, left=(title,))
    for name, write in names.items():
        value = (amount if write is money else write)(summary[name])
        line = Text(spoken(name).ljust(width - len(value) - 1) + " ")
        line.append(value, style="red" if name in ALARMS and summary[name] > 0 else "")
        table.add_row(line)
    table.add_row("")
    return table


def liquidation_table(events: pd.DataFrame, width: int, amount: Amount) -> tuple[Table, list[str]]:
    """Return liquidations, a line each, in as many columns as fit, and the titles of the others."""
    columns = liquidation_columns(events, amount)

    def room(gap: int) -> int:
        return width - sum(gap + max(map(len, [name, *cells])) for name, cells in columns.items()) + gap

    dropped = []
    for title in DISPENSABLE:
        if room(2) >= 0:
            break
        if columns.pop(title, None):
            dropped.append(title)
    table = listing(*columns, left=("liquidated", "symbol", "how"), gap=3 if room(3) >= 0 else 2)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table, dropped


def liquidation_columns(events: pd.DataFrame, amount: Amount) -> dict[str, list[str]]:
    """Return the cells of liquidations by title, without columns that say nothing."""
    columns = {
        "liquidated": [moment(time.value) for time in events["time"]],
        "symbol": list(events["symbol"]),
        "quantity": aligned(events["quantity"], significant=4, least=0),
        "mark price": aligned(events["mark_price"], significant=5, least=2),
        "fill price": aligned(events["fill_price"], significant=5, least=2),
    }
    if columns["mark price"] == columns["fill price"]:
        columns["price"] = columns.pop("mark price")
        del columns["fill price"]
    for name in ("margin_lost", "penalty", "forfeited", "bad_debt"):
        if events[name].fillna(0.0).any():
            columns[spoken(name)] = [amount(each) for each in events[name]]
    flags = {name: list(events[name]) for name in ("gap", "joint", "partial")}
    how = [" ".join(name for name, flag in flags.items() if flag[row]) for row in range(len(events))]
    return {**columns, "how": how} if any(how) else columns


def aligned(values: pd.Series, significant: int, least: int) -> list[str]:
    """Return numbers with one count of decimals, which gives the smallest its significant digits."""
    sizes = values.abs()[values != 0]
    digits = significant - 1 - math.floor(math.log10(sizes.min())) if len(sizes) else least
    return [grouped(value, max(digits, least)) for value in values]


def print_inspection(inspection: Inspection) -> None:
    """Print what is in a file."""
    table = facts()
    for label, text in inspection.lines():
        table.add_row(label, text.replace("; ", "\n"))
    show(inspection.path, style="bold")
    show(table)
    if not inspection.clean:
        show("Refused as it is; --repair drops or clips what breaks a rule.", style="yellow")
    show("")


def print_report(report: LookaheadReport) -> None:
    """Print what the look-ahead check found."""
    show(str(report), style="green" if report.passed else "bold red")
    if report.skipped:
        one = len(report.skipped) == 1
        skipped = "1 more prefix, which was" if one else f"{count(len(report.skipped))} more prefixes, which were"
        show(f"The strategy failed on {skipped} skipped.", style="dim")
