"""What became of an account, in one sentence, and the figures that matter most."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from backtest.figures_in_words import Amount, count, written
from backtest.kernels.orders import RUIN
from backtest.pages.liquidation_tables import with_triggers
from backtest.pages.runs import Run
from backtest.text import moment_of, quantity, several

__all__ = ["Tile", "Verdict", "lost_at", "tiles", "verdict_on"]


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
    more = (*_last(run, amount), *_reserve(run, amount), *_sureness(run))
    if summary["ruined"]:
        time = moment_of(lost_at(run))
        often = f"Liquidated {_often(number)}" if number else "Never liquidated, but worn down by losses and costs"
        refilled = f" and refilled {_often(int(summary['refills']))}" if summary["refills"] else ""
        return Verdict(f"{often}{refilled}; the account was lost on {time}", "bad", more)
    money, total = _Money.of(run), float(summary["total_return"])
    became = f"{money.put_in(amount)} became {amount(money.final)}"
    if summary["refills"]:
        said = f"Refilled {_often(int(summary['refills']))}, liquidated {_often(number)}"
        return Verdict(f"{said}: {became}, {money.change(amount)}", "bad", more)
    became += f" ({written('total_return', total)})"
    if number:
        return Verdict(f"The account lived, liquidated {_often(number)}: {became}", "", more)
    if not len(run.trades):
        return Verdict(f"The account lived: nothing was traded, {amount(money.final)} is left", "", more)
    return Verdict(f"The account lived: {became}, without a liquidation", "good" if total > 0.0 else "", more)


def lost_at(run: Run) -> pd.Timestamp:
    """Return the bar in which the account lost what it never got back."""
    equity = run.history["equity"].to_numpy(np.float64)
    alive = np.flatnonzero(equity > RUIN * float(run.description["account"]["cash"]))
    row = min(int(alive[-1]) + 1, len(equity) - 1) if len(alive) else 0
    time: pd.Timestamp = run.history.index[row]
    return time


class _Money(NamedTuple):
    """What was there before the first bar, what came from outside, and what is left, in account and reserve."""

    cash: float
    reserve: float
    refilled: float
    equity: float
    reserve_left: float

    @classmethod
    def of(cls, run: Run) -> "_Money":
        """Return the money of a run."""
        account, last = run.description["account"], run.history.iloc[-1]
        began = float(account["cash"]), float(account.get("reserve") or 0.0)
        return cls(*began, float(run.summary["refilled"]), float(last["equity"]), float(last.get("reserve", 0.0)))

    @property
    def final(self) -> float:
        """Return what is left in both."""
        return self.equity + self.reserve_left

    def put_in(self, amount: Amount) -> str:
        """Return all that was put in, part by part."""
        parts = [amount(self.cash)]
        parts += [f"a reserve of {amount(self.reserve)}"] if self.reserve else []
        parts += [f"{amount(self.refilled)} from outside"] if self.refilled else []
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

    def change(self, amount: Amount) -> str:
        """Return what was gained or lost of all that was put in."""
        gain = self.final - (self.cash + self.reserve + self.refilled)
        return f"a {'loss' if gain < 0.0 else 'gain'} of {amount(abs(gain))}"

    def note(self, amount: Amount) -> str:
        """Return where the equity at the end comes from."""
        outside = f" and {amount(self.refilled)} from outside" if self.refilled else ""
        reserve = f"; reserve {amount(self.reserve_left)} of {amount(self.reserve)}" if self.reserve else ""
        return f"from {amount(self.cash)}{outside}{reserve}"


def _last(run: Run, amount: Amount) -> tuple[str, ...]:
    """Return what was liquidated last, why, and what that took, as a sentence."""
    if not len(run.liquidations):
        return ()
    row = with_triggers(run).iloc[-1]
    side = "long" if row["quantity"] > 0.0 else "short"
    which = "The last" if len(run.liquidations) > 1 else "What was liquidated"
    held = f"a {side} of {quantity(abs(float(row['quantity'])))} {row['symbol']}"
    return (f"{which}: {held}, {row['trigger']}; it took {amount(float(row['loss']))}.",)


def _reserve(run: Run, amount: Amount) -> tuple[str, ...]:
    """Return how what is left is shared between account and reserve, as a sentence, where there was a reserve."""
    money = _Money.of(run)
    if not money.reserve:
        return ()
    return (f"At the end {amount(money.equity)} is in the account, {amount(money.reserve_left)} in the reserve.",)


def tiles(run: Run, amount: Amount) -> list[Tile]:
    """Return the figures that matter most."""
    summary = run.summary

    def said(name: str) -> str:
        return written(name, summary[name], amount)

    money = _Money.of(run)
    took = f"took {amount(float(run.liquidations['loss'].sum()))}; the trades hit lost "
    took += f"{said('liquidation_loss')}, fees and funding included"
    total, number = float(summary["total_return"]), int(summary["liquidations"])
    costs = sum(float(summary[name]) for name in ("fees", "funding", "interest"))
    at_a_close = "at a close" if run.description["venue"].get("call") else "at a close; 100% liquidates"
    return [
        Tile("total return", said("total_return"), f"{said('cagr')} a year", _tone(total)),
        Tile("final equity", amount(money.equity), money.note(amount)),
        Tile("max drawdown", said("max_drawdown"), f"{said('max_drawdown_low')} at lows"),
        Tile("liquidations", said("liquidations"), took if number else "none", "bad" if number else ""),
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
