"""The slow engine: the replay semantics in plain fractions, the oracle of the fast one.

It reads like the specification: five steps per bar, every number an exact rational, every root found by walking the
straight pieces. It imports nothing from the package. Its parts: reference_settings (market, settings, outcome),
reference_book (positions, units, money), reference_holdings (what is held at a close), reference_policies (how much is
closed), reference_liquidation (calls and liquidations), reference_orders (step 3), reference_walk (step 4).

Inside, a price is a value: the price itself (linear) or -1/P (inverse), which both rise with the price, so that every
profit is quantity times the change of a value, and a quantity counts units, contracts times multiplier.

Where the specification leaves a choice, this engine reads it so:

Orders
- No order is due at bar 0. Under ``rebalance="bar"`` an order is due at every later bar unless a forced exit holds the
  instrument flat; any order that is spent lifts that hold, a waiting or re-entering one too.
- A waiting order writes one row per wait, at the first bar with a signal other than 0 or a position.
- A target is cut by tiers even where the holding has drifted above the cut, so that an order may then reduce it; each
  order whose target was cut has its row. ``wanted`` uses the fill of the order as cut (the open, where nothing is due)
  and no rounding to lots.
- A ruined account's row says "ruined" where ruin withheld an increase that was more than dust.
- An available margin at or below the dust limit counts as 0 for the reason of a cut as well.
- "minimum" is written where the increase half of the unrounded order is more than dust and lots or the minimum leave
  nothing of it before any cut; "tier" goes before it, "ruined" is for what lots and minimum would have let through.
- Increases are cut where they cost more than the margin available by more than rounding (1e-12).
- Slippage, for the reason "fees", is the quantity times the difference of fill and open, as values.
- ``initial_margin`` in history is Σ notional / L, each at the leverage in force at the bar.

Exits
- A stop that the trade price has already passed where the walk stands (a fresh position, slippage above the stop) is
  hit at once, at that price.
- The latest forced exit of an instrument rules how it ends: a stop after a partial liquidation follows ``reentry``.
- ``on_liquidation="refill"`` looks once, at the open after a bar with a liquidation, in its steps 2 or 4.
  A liquidation in step 2 of that very bar does not put it off; it has its own look, a bar later.

Breaches
- ``margin_lost`` in cross and ``wanted`` of a waiting order are None; ``effective_leverage`` is 0 when flat.
- An event at a surplus of exactly 0 is one under ``breach="below"`` too, where the leg goes on to below 0.
- A call is an event of step 4: equity_low sees the equity at it.
- Every liquidation of a unit that is (or need not be) called has its row "forced"; only step 2 (b) writes one for all.
- A called unit that a forced liquidation closes whole stays called until the "cure" of the next open.
- "net" applies to what is required, not to the N of step_down and share; "restore" follows what is required.
- ``filled_leverage``: every fill counts, a partial liquidation too.
- ``joint`` counts symbols: both legs of one symbol walk the same way, and are no bound.
- A bankruptcy price that no mark reaches is what the formula says, below 0 or infinite.

Hedge mode
- Leverage, stops and ``margin_add`` of a symbol count for both its legs; each leg asks for the margin by itself.

Numbers longer than 1500 bits, which long runs of cut orders and roots breed, are rounded to 2**-1000 where an order
size, a share or a place on a leg is chosen; the ledger stays exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reference_book import Book
from reference_holdings import holdings
from reference_liquidation import answer_calls, breaches_at_open
from reference_orders import Trading
from reference_settings import ZERO, Account, MarginCall, Market, Outcome, Tier, Venue, ratio
from reference_walk import Walk

if TYPE_CHECKING:
    from fractions import Fraction

    from reference_settings import Prices

    Columns = dict[str, list[list[Fraction | float | None]]]

__all__ = ["Account", "MarginCall", "Market", "Outcome", "Tier", "Venue", "replay"]

YEAR = 365 * 86_400 * 10**9


def replay(
    market: Market,
    signals: Prices,
    account: Account,
    venue: Venue,
    columns: Columns | None = None,
    hedged: bool = False,
) -> Outcome:
    """Return the outcome of trading the signals on the market, bar by bar.

    `signals` has a column per instrument, or in hedge mode two, long leg first, the short leg signed or not;
    `columns` holds, by name, rows of leverage, stop_loss, take_profit (None keeps the last, infinite is none) and
    margin_add, one value per instrument.
    """
    return Replay(market, signals, account, venue, columns or {}, hedged).run()


class Replay:
    """The five steps of a bar, in order."""

    def __init__(self, market: Market, signals: Prices, account: Account, venue: Venue, columns: Columns, hedged: bool):
        self.market, self.account, self.venue = market, account, venue
        self.book = Book(account, venue, hedged)
        self.positions = self.book.positions
        if hedged:
            signals = [[value and abs(value) * (-1) ** i for i, value in enumerate(row)] for row in signals]
        count = len(venue.tiers)
        self.signals = filled(signals, ZERO, len(self.positions))
        self.columns = {
            name: filled(columns.get(name, []), getattr(account, name), count)
            for name in ("leverage", "stop_loss", "take_profit")
        }
        self.margin_add = [[ZERO] * count, *columns.get("margin_add", [])]

    def run(self) -> Outcome:
        """Return the outcome of all bars."""
        for t, time in enumerate(self.market.time):
            self.begin(t)
            self.accrue()
            self.survive_open()
            Trading(self.book).run()
            self.close(Walk(self.book, self.bars, time, self.market.length(t)).run())
        return self.book.outcome

    def begin(self, t: int) -> None:
        """Put the open of bar t, and what the close before it said, in force."""
        book, venue = self.book, self.venue
        self.t = book.t = t
        book.now, book.on_the_way = self.market.time[t], False
        self.bars = []
        for i, p in enumerate(self.positions):
            bar = self.market.bar(t, p.symbol)
            if bar is not None:
                bar = {name: (venue.value(trade), venue.value(mark)) for name, (trade, mark) in bar.items()}
                p.trade, p.mark = bar["open"]
            self.bars.append(bar)
            p.present = bar is not None
            p.signal, p.signal_before = self.signals[t][i], self.signals[max(t - 1, 0)][i]
            p.leverage = self.said("leverage", t, p.symbol, self.account.leverage)
            p.stop_loss = self.said("stop_loss", t, p.symbol, self.account.stop_loss)
            p.take_profit = self.said("take_profit", t, p.symbol, self.account.take_profit)
            p.margin_add = (self.margin_add[t][p.symbol] or ZERO) if t < len(self.margin_add) else ZERO

    def said(self, name: str, t: int, symbol: int, otherwise: Fraction | None) -> Fraction | None:
        """Return what a column has in force at the open of t, None where it is infinite."""
        rows = self.columns[name]
        value = rows[t][symbol] if t < len(rows) else otherwise
        return None if value == math.inf else value

    # 1. Accrue.

    def accrue(self) -> None:
        """Pay funding, then borrow interest on wallet and margins after funding."""
        book, time, t = self.book, self.market.time, self.t
        here = book.held(only_present=True)
        for i in here if self.market.funding_rate is not None else []:
            p = self.positions[i]
            book.pay(i, p.quantity * abs(p.mark) * self.market.funding_rate[t][p.symbol], "funding")
        of_quote = of_base = self.venue.borrow_rate
        if self.venue.short_borrow_rate is not None:
            of_base = self.venue.short_borrow_rate
        owed = []  # (instrument, interest by time); a cross account pays it all from its wallet
        if book.cross and book.held():
            debt = max(ZERO, sum(p.quantity * p.entry for p in self.positions) - book.wallet)
            owed.append((0, of_quote * debt * (time[t] - time[t - 1])))
        for i in here:
            p = self.positions[i]
            quote_debt = ZERO if book.cross else max(ZERO, p.quantity * p.entry - p.margin)
            base_debt = max(ZERO, -p.quantity) * p.mark
            owed.append((i, (of_quote * quote_debt + of_base * base_debt) * (time[t] - p.previous)))
        for i, interest in owed:
            book.pay(i, interest / YEAR, "interest")

    # 2. Survive the open.

    def survive_open(self) -> None:
        """Breaches, answers to calls, stops and take-profits that the open has reached, and a refill."""
        book = self.book
        breaches_at_open(book)
        answer_calls(book)
        left = False
        for i in book.held(only_present=True):
            p = self.positions[i]
            stop, take = book.exits(i)
            if stop is not None and book.reached(-p.side, p.trade, stop):
                book.leave(i, p.trade, "stop_loss")
                left = True
            elif take is not None and book.reached(p.side, p.trade, take):
                book.leave(i, p.trade, "take_profit")
                left = True
        if book.cross and left:
            breaches_at_open(book)
        book.absorb_shortfall()
        if self.account.on_liquidation == "refill" and self.t - 1 in book.liquidated:
            self.refill()

    def refill(self) -> None:
        """Bring the account's equity back to its cash."""
        book, cash, equity = self.book, self.account.cash, self.book.equity()
        book.near(equity, cash)
        if equity < cash:
            book.wallet += cash - equity
            book.deposits += cash - equity
            book.ruined = False
            money = {"balance": equity, "maintenance": ZERO, "asked": cash - equity, "amount": cash - equity}
            book.outcome.calls.append(book.row(None, event="refill", **money, reserve=book.reserve))

    # 5. Close.

    def close(self, equity_low: Fraction) -> None:
        """Mark the account at mark_close and write the bar's history."""
        book, held = self.book, self.book.held()
        required = [book.requirement(i, self.positions[i].mark) for i in held]
        balances = [p.margin + p.profit(p.mark) for p in (self.positions[i] for i in held)]
        equity, notional = book.equity(), book.notional()
        ratios = [ratio(need, balance) for need, balance in zip(required, balances, strict=True)]
        if book.cross and held:
            ratios = [ratio(sum(required), equity)]
        now = {
            "equity": equity,
            "equity_low": equity_low,
            "wallet": book.wallet,
            "margin": sum((p.margin for p in self.positions), ZERO),
            "initial_margin": book.initial_margin(),
            "maintenance_margin": sum(required, ZERO),
            "margin_ratio": max(ratios, default=ZERO),
            "notional": notional,
            "effective_leverage": ratio(notional, equity) if held else ZERO,
            "free_margin": equity - book.initial_margin() if book.cross else book.wallet,
            "reserve": book.reserve,
            "deposits": book.deposits,
            "insurance_fund": book.fund,
            "socialised_loss": book.socialised,
        }
        for name, column in book.outcome.history.items():
            column.append((now | book.totals)[name])
        book.outcome.holdings.append(holdings(book))
        for position in self.positions:
            if position.present:
                position.trade = position.mark
                position.previous = self.market.time[self.t]


def filled(rows: list[list], first: object, count: int) -> list[list]:
    """Return rows as they come into force, [t] at the open of bar t, known at the close before; None keeps the last."""
    found = [[first] * count]
    for row in rows:
        found.append([old if new is None else new for old, new in zip(found[-1], row, strict=True)])
    return found
