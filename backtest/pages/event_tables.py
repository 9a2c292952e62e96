"""Tables of what happened in a run: trades, orders that got less than they wanted, and margin calls."""

import pandas as pd

from backtest.figures_in_words import Amount, count, percent
from backtest.pages.runs import Timeline
from backtest.pages.tables import ROWS, Column, Table, costliest, number_column, rest_in_words, times_column, words
from backtest.text import price, quantity, several

__all__ = ["calls_table", "legs", "orders_table", "trades_table"]

EXITS = {
    "signal": "signal",
    "stop_loss": "stop loss",
    "take_profit": "take profit",
    "liquidation": "liquidation",
    "open": "still open",
}
SHORTFALLS = {
    "tier": "cut to what the tiers allow",
    "fees": "cut to leave room for fees",
    "margin": "cut to what margin allows",
    "refused": "refused: liquidated at once otherwise",
    "waiting": "left waiting for a bar",
    "ruined": "refused: the account was lost",
    "minimum": "not sent: below the smallest order",
}
CALLS = {
    "call": "margin call",
    "deposit": "deposit from the reserve",
    "cure": "cured",
    "forced": "closed by force",
    "refill": "refilled from outside",
    "margin_add": "margin added by the strategy",
}


def trades_table(trades: pd.DataFrame, timeline: Timeline, amount: Amount) -> Table:
    """Return round trips, those with the largest profits and losses where there are many."""
    shown = costliest(trades, trades["pnl"].abs())
    ends = shown["exit_time"].fillna(shown["entry_time"])
    liquidated = ["bad" if reason == "liquidation" else "" for reason in shown["exit_reason"]]
    columns = [
        times_column("entry", shown["entry_time"]),
        times_column("exit", shown["exit_time"]),
        words("symbol", shown["symbol"]),
        words("side", shown["side"]),
        number_column("quantity", shown["quantity"], quantity),
        number_column("entry price", shown["entry_price"], price),
        number_column("exit price", shown["exit_price"], price),
        number_column("profit", shown["pnl"], amount, "sign"),
        number_column("on margin", shown["return_on_margin"], percent),
        number_column("fees", shown["fees"], amount),
        number_column("funding", shown["funding"], amount),
        number_column("bars", shown["bars"], count),
        words("ended by", [EXITS.get(reason, reason) for reason in shown["exit_reason"]], liquidated),
    ]
    spans = [
        timeline.span(start, end, symbol)
        for start, end, symbol in zip(shown["entry_time"], ends, shown["symbol"], strict=True)
    ]
    return Table(columns, rest_in_words(len(trades), "trade", "largest profits and losses are"), spans)


def orders_table(orders: pd.DataFrame, timeline: Timeline) -> Table:
    """Return orders that were cut, refused or left waiting: the first of them where there are many."""
    shown = orders.head(ROWS)
    columns = [
        times_column("time", shown["time"]),
        words("symbol", shown["symbol"]),
        *legs(shown),
        number_column("wanted", shown["wanted"], quantity),
        number_column("filled", shown["filled"], quantity),
        words("what became of it", [SHORTFALLS.get(reason, reason) for reason in shown["reason"]]),
    ]
    counts = orders["reason"].value_counts()
    said = "; ".join(
        f"{SHORTFALLS.get(str(reason), str(reason))}: {count(number)}" for reason, number in counts.items()
    )
    note = " ".join(part for part in (f"{said}." if len(counts) > 1 else "", _first(len(orders), "order")) if part)
    return Table(columns, note, timeline.around(shown["time"], list(shown["symbol"])))


def calls_table(calls: pd.DataFrame, timeline: Timeline, amount: Amount) -> Table:
    """Return margin calls, what became of them, and money that was moved: the first of them where there are many."""
    shown = calls.head(ROWS)
    tones = ["bad" if event in ("call", "forced") else "" for event in shown["event"]]
    columns = [
        times_column("time", shown["time"]),
        words("of", [symbol or "the account" for symbol in shown["symbol"]]),
        *legs(shown),
        words("event", [CALLS.get(event, event) for event in shown["event"]], tones),
        number_column("balance", shown["balance"], amount),
        number_column("requirement", shown["maintenance"], amount),
        number_column("asked", shown["asked"], amount),
        number_column("paid", shown["amount"], amount),
        number_column("reserve left", shown["reserve"], amount),
    ]
    return Table(columns, _first(len(calls), "row"), timeline.around(shown["time"], list(shown["symbol"])))


def legs(frame: pd.DataFrame) -> list[Column]:
    """Return a column for the leg in hedge mode, otherwise none."""
    return [words("leg", frame["leg"])] if "leg" in frame else []


def _first(total: int, noun: str) -> str:
    return (
        f"The first {ROWS} of {several(total, noun)}; {count(total - ROWS)} later ones are not shown."
        if total > ROWS
        else ""
    )
