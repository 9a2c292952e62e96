"""How sure a replay is: a bar does not tell in which order it reached its extremes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from backtest.inputs import account_of, check_params
from backtest.kernels.enums import Intrabar
from backtest.kernels.schema import DETAIL, Book, Columns, Float64Array1D, Record, Records
from backtest.market.bars import Bars
from backtest.market.finer_bars import FinerBars
from backtest.outcome.events import verdict_table
from backtest.outcome.metrics import nothing_left
from backtest.outcome.wealth import wealth_of
from backtest.replaying.engine import inputs_of, replay
from backtest.replaying.orders_inside import ORDERS, ordered
from backtest.replaying.records import rules_of
from backtest.replaying.settling import AVERTED, HAPPENED, POSSIBLE, Settler
from backtest.replaying.verdicts import CERTAIN, Alarm, alarms_of
from backtest.signalling.signals import as_signals
from backtest.signalling.strategies import Strategy
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["Bracket", "bracket"]

VERDICTS = (CERTAIN, HAPPENED, AVERTED, POSSIBLE)
RESOLVED = "resolved"


@dataclass(frozen=True, eq=False, repr=False)
class Bracket:
    """What the order inside the bars can make of a replay.

    Attributes
    ----------
    final : DataFrame          a row for the orders "worst", "path" and "best", and with finer bars one for "resolved":
        final_equity (with what is left in the reserve, as total_return counts it), total_return, liquidations, ruined.
        None of them is a bound: a liquidation that is missed may be the better or the worse for it
    liquidations : DataFrame   those of the worst replay, or with finer bars of the resolved one, and what it averted:
        time, symbol (and leg in hedge mode), gap, verdict, happens_in (the orders in which it happens, by commas)
    settled : int              bars whose liquidations the finer bars have settled
    ambiguous : int            bars with a liquidation that is possible, and no more

    A verdict is on an isolated position, or on a cross account. "certain": it is liquidated in every order that was
    tried, as it is at an open; "possible": not in all. Of what is possible finer bars say that it "happened" or was
    "averted", whichever way each of them went; where they cannot say so, it stays possible.
    """

    final: pd.DataFrame
    liquidations: pd.DataFrame
    settled: int
    ambiguous: int

    def __repr__(self) -> str:
        returns = ", ".join(f"{name} {row:+.2%}" for name, row in self.final["total_return"].items())
        counts = self.liquidations["verdict"].value_counts()
        found = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
        bars = f"bars settled {self.settled}, ambiguous {self.ambiguous}"
        return f"Bracket(total_return {returns}; liquidations {found or 'none'}; {bars})"


def bracket(
    bars: Bars,
    signals: object,
    *,
    venue: Venue,
    account: Account | None = None,
    params: Mapping[str, object] | None = None,
    detail: object = None,
) -> Bracket:
    """Replay in the worst order, on a path and in the best order, and return how sure each liquidation is.

    Every bar in which the worst replay liquidates is tried from the same book in every order: worst, path, best, and
    in a cross account that holds several symbols each of them alone at its worst with the others at their best. One in
    which only another order liquidates is not looked for.

    With finer bars, one in which a liquidation is only possible is replayed through them, where they cover it for every
    instrument that is held; the replay goes on from there, and finds what an account that lived met later. Inside the
    bar nothing is ordered and nothing accrues.

    Parameters
    ----------
    bars, signals, venue, account, params    as `run` takes them; `Account.intrabar` is not used
    detail : Bars, path, paths or dict       bars of the same symbols at an interval that divides that of `bars`, or
        files of them as `read_bars` takes them. Their trades must make the bar that they lie in, to a basis point;
        where their marks do not, or one of them is missing, a bar is left as it is

    Raises
    ------
    DataError                  for signals or finer bars that do not fit the bars
    ConfigError                for settings that do not fit each other
    MarginError                for a leverage that the venue does not offer
    """
    account = account_of(bars, venue, account)
    check_params(signals, params)
    rules = rules_of(account, venue, bars.symbols)
    wanted = signals.signals(bars, params) if isinstance(signals, Strategy) else as_signals(signals, bars)
    inputs = inputs_of(bars, wanted, rules)
    inputs = inputs._replace(rules=ordered(inputs.rules, Intrabar.WORST))
    settler = None if detail is None else Settler(inputs, FinerBars(bars, detail), bars.symbols)
    final = {}
    for name in ORDERS:
        book, logs, columns = replay(inputs._replace(rules=ordered(inputs.rules, Intrabar[name.upper()])))
        ending = Ending(book, columns.equity, logs.calls, len(logs.liquidations))
        final[name] = _figures(bars.time, ending, rules.settings)
    alarms, trail, book = alarms_of(inputs, bars.symbols, settler)
    if settler is not None:
        ending = Ending(book, trail.equity, trail.calls, trail.liquidations)
        final[RESOLVED] = _figures(bars.time, ending, rules.settings)
    table = pd.DataFrame.from_dict(final, orient="index").rename_axis("order")
    return Bracket(table, verdict_table(alarms, bars.time, bars.symbols, inputs.rules), *_counts(alarms))


class Ending(NamedTuple):
    """What a replay comes to."""

    book: Book  # after the last bar
    equity: Float64Array1D
    calls: Records
    liquidations: int


def _counts(alarms: list[Alarm]) -> tuple[int, int]:
    """Return the bars that finer ones have settled, and those that remain ambiguous."""
    possible = {alarm.bar for alarm in alarms if alarm.verdict == POSSIBLE}
    settled = {alarm.bar for alarm in alarms if alarm.verdict in (HAPPENED, AVERTED)}
    return len(settled - possible), len(possible)


def _figures(time: pd.DatetimeIndex, ending: Ending, settings: Record) -> dict[str, object]:
    """Return a replay's row of the outcomes, for which it takes no lows."""
    account, equity = ending.book.account, ending.equity
    curve = wealth_of(time, Columns(equity, equity, np.empty((len(DETAIL), 0))), ending.calls, settings)
    return {
        "final_equity": float(equity[-1] + account.reserve),
        "total_return": float(curve.equity[-1] / curve.cash - 1.0),
        "liquidations": ending.liquidations,
        "ruined": bool(account.ruined or nothing_left(equity[-1], settings.cash)),
    }
