"""What became of an account, in one sentence, and the figures that matter most."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.figures_in_words import Amount, count, written
from backtest.pages.runs import Run
from backtest.text import moment_of, several

__all__ = ["Tile", "Verdict", "lost_at", "tiles", "verdict_on"]

RUIN = 1e-6
"""An account is lost at this fraction of its cash: what remains is rounding."""


class Verdict(NamedTuple):
    """A sentence, whether it is "good", "bad" or neither (""), and what else there is to say."""

    sentence: str
    tone: str
    more: tuple[str, ...] = ()


class Tile(NamedTuple):
    """A figure: its label, its value, what is said below it, and its tone."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


def verdict_on(run: Run, amount: Amount) -> Verdict:
    """Return what became of the account."""
    summary, number = run.summary, int(run.summary["liquidations"])
    sure = _sureness(run)
    if summary["ruined"]:
        time = moment_of(lost_at(run))
        often = f"Liquidated {_often(number)}" if number else "Never liquidated, but worn down by losses and costs"
        refilled = f" and refilled {_often(int(summary['refills']))}" if summary["refills"] else ""
        return Verdict(f"{often}{refilled}; the account was lost on {time}", "bad", sure)
    cash, final = float(run.description["account"]["cash"]), wealth_at_end(run)
    became = f"{amount(cash)} became {amount(final)} ({written('total_return', float(summary['total_return']))})"
    if summary["refills"]:
        said = f"Lost and refilled {_often(int(summary['refills']))}, liquidated {_often(number)}"
        outside = f"{amount(float(summary['refilled']))} came from outside."
        return Verdict(f"{said}; {amount(final)} is left", "bad", (outside, *sure))
    if number:
        return Verdict(f"The account lived, liquidated {_often(number)}: {became}", "", sure)
    if not len(run.trades):
        return Verdict(f"The account lived: nothing was traded, {amount(final)} is left", "", sure)
    return Verdict(f"The account lived: {became}, without a liquidation", "good", sure)


def lost_at(run: Run) -> pd.Timestamp:
    """Return the bar in which the account lost what it never got back."""
    equity = run.history["equity"].to_numpy(np.float64)
    alive = np.flatnonzero(equity > RUIN * float(run.description["account"]["cash"]))
    row = min(int(alive[-1]) + 1, len(equity) - 1) if len(alive) else 0
    time: pd.Timestamp = run.history.index[row]
    return time


def wealth_at_end(run: Run) -> float:
    """Return what there is after the last bar, in the account and in the reserve."""
    last = run.history.iloc[-1]
    return float(last["equity"] + last.get("reserve", 0.0))


def tiles(run: Run, amount: Amount) -> list[Tile]:
    """Return the figures that matter most."""
    summary = run.summary

    def said(name: str) -> str:
        return written(name, summary[name], amount)

    loss = amount(float(run.liquidations["loss"].sum()))
    total, number = float(summary["total_return"]), int(summary["liquidations"])
    costs = sum(float(summary[name]) for name in ("fees", "funding", "interest"))
    at_a_close = "at a close" if run.description["venue"].get("call") else "at a close; 100% liquidates"
    return [
        Tile("total return", said("total_return"), f"{said('cagr')} a year", _tone(total)),
        Tile("final equity", amount(wealth_at_end(run)), f"from {amount(float(run.description['account']['cash']))}"),
        Tile("max drawdown", said("max_drawdown"), f"{said('max_drawdown_low')} at lows"),
        Tile("liquidations", said("liquidations"), f"took {loss}" if number else "none", "bad" if number else ""),
        Tile("highest margin ratio", said("highest_margin_ratio"), at_a_close),
        Tile("highest effective leverage", said("highest_effective_leverage"), "at a close"),
        Tile("trades", said("trades"), "" if pd.isna(summary["win_rate"]) else f"{said('win_rate')} won"),
        Tile("fees, funding, interest", amount(costs), f"penalties {said('penalties')}"),
    ]


def _tone(value: float) -> str:
    return "good" if value > 0.0 else "bad" if value < 0.0 else ""


def _often(number: int) -> str:
    return "once" if number == 1 else "twice" if number == 2 else f"{count(number)} times"


def _sureness(run: Run) -> tuple[str, ...]:
    """Return how sure the liquidations are, as a sentence, where that was tried."""
    counts: Any = run.verdicts["verdict"].value_counts() if len(run.verdicts) else {}
    tried = {str(name): int(number) for name, number in dict(counts).items() if name}
    if not tried:
        return ()
    whole = sum(tried.values())
    if tried.get("certain", 0) == whole:
        each = "The liquidation happens" if whole == 1 else f"All {count(whole)} liquidations happen"
        return (f"{each} in whatever order prices moved inside the bar.",)
    said = ", ".join(f"{several(number, 'liquidation')} {name}" for name, number in tried.items())
    return (f"Inside the bar prices may have moved in another order: {said}.",)
