"""Step 3 of the slow engine: the orders that are due, from the signals to the fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_liquidation import write
from reference_settings import ZERO, halves, sign, tame

if TYPE_CHECKING:
    from fractions import Fraction

    from reference_book import Book


@dataclass
class Order:
    """An order that can be sent at this open, in its two halves; `fill` is a value."""

    instrument: int
    side: int
    fill: Fraction
    wanted: Fraction
    tier_cut: bool
    reduction: Fraction
    increase: Fraction
    reason: str | None = None


class Trading:
    """The orders of one open."""

    def __init__(self, book: Book):
        self.book, self.positions = book, book.positions
        self.account, self.venue = book.account, book.venue
        self.rows: list[dict] = []

    def run(self) -> None:
        """Send the orders that are due: reductions and closes first, then increases."""
        book, cash = self.book, self.account.cash
        self.add_margins()
        equity = book.equity()
        book.near(equity, cash / 10**6, cash)
        book.ruined = book.ruined or equity <= cash / 10**6
        self.dust = max(cash, equity) / 10**9
        base = max(ZERO, equity) if self.account.sizing == "equity" else cash
        orders = [self.order(i, base) for i in range(len(self.positions)) if self.due(i)]
        reductions = [order for order in orders if order.reduction]
        for order in reductions:
            book.reduce(order.instrument, order.reduction, order.fill, "signal")
        book.absorb_shortfall()
        costs = sum((self.trading_cost(order, order.reduction) for order in reductions), ZERO)
        self.increase_all([order for order in orders if order.increase], costs)
        book.absorb_shortfall()
        for order in orders:
            if order.tier_cut and order.reason in (None, "fees", "minimum"):
                order.reason = "tier"
            if order.reason is not None:
                i, filled = order.instrument, order.reduction + order.increase
                wanted, filled = book.contracts(i, order.wanted), book.contracts(i, filled)
                self.rows.append(book.row(i, wanted=wanted, filled=filled, reason=order.reason))
        book.outcome.orders += sorted(self.rows, key=lambda row: row["instrument"])

    def add_margins(self) -> None:
        """Move money from the wallet to isolated positions, as far as the wallet goes."""
        for i, p in enumerate(self.positions):
            if p.margin_add > 0:
                amount = min(p.margin_add, self.book.wallet) if p.quantity != 0 and p.present else ZERO
                write(self.book, self.book.units[i], "margin_add", asked=p.margin_add, amount=amount)
                self.book.wallet -= amount
                p.margin += amount

    def due(self, i: int) -> bool:
        """Return whether an order is due and can be sent, and spend it; one that cannot waits."""
        p, t = self.positions[i], self.book.t
        if t == 0 or p.barred:
            return False
        changed = p.signal != p.signal_before
        rebalanced = self.account.rebalance == "bar" and p.exited is None
        reentered = p.reentry == "bar" and p.exited is not None and p.exited < t
        if not (p.waiting or changed or rebalanced or reentered):
            return False
        if p.present:
            p.waiting, p.noted, p.exited = False, False, None
            return True
        p.waiting = True
        if not p.noted and (p.signal != 0 or p.quantity != 0):
            p.noted = True
            self.rows.append(self.book.row(i, wanted=None, filled=ZERO, reason="waiting"))
        return False

    def order(self, i: int, base: Fraction) -> Order:
        """Return the order towards the target, cut by tiers, in whole lots, without dust, not yet cut to the margin."""
        p, cash = self.positions[i], self.account.cash
        reach = self.venue.reach(p.symbol, p.leverage)
        uncut = target = p.signal * p.leverage * base
        if p.quantity != 0 and self.account.sizing == "equity":
            self.book.near(base, ZERO, cash)
        if reach is not None:
            self.book.near(abs(uncut), reach, cash)
            target = sign(uncut) * min(abs(uncut), reach)
        side = sign(target / abs(p.trade) - p.quantity)
        if target != uncut:
            self.book.near(target / abs(p.trade), p.quantity)
        fill = self.venue.moved(p.trade, 1 + side * self.venue.slippage)
        unrounded = target / abs(fill) - p.quantity
        change = tame(sign(target) * self.book.whole_lots(i, abs(target / fill), up=False) - p.quantity)
        if target == 0:
            change = -p.quantity
        if sign(unrounded) != side:
            unrounded = ZERO
        if sign(change) != side:
            change = ZERO
        reduction, increase = halves(p.quantity, change)
        if reduction != -p.quantity:
            reduction = self.without_dust(reduction, fill)
        increase = self.sendable(i, increase, fill)
        wanted = uncut / abs(fill) - p.quantity
        order = Order(i, side, fill, wanted, target != uncut, reduction, increase)
        if increase == 0 and self.without_dust(halves(p.quantity, unrounded)[1], fill) != 0:
            order.reason = "minimum"
        return order

    def without_dust(self, change: Fraction, fill: Fraction) -> Fraction:
        """Return the change, 0 if it is dust."""
        if change != 0:
            self.book.near(abs(change * fill), self.dust, self.account.cash)
        return change if abs(change * fill) > self.dust else ZERO

    def sendable(self, i: int, change: Fraction, fill: Fraction) -> Fraction:
        """Return the increase, 0 if it is dust or below the venue's minimum."""
        change = self.without_dust(change, fill)
        minimum = self.venue.figure("minimum_notional", self.positions[i].symbol)
        if change != 0 and minimum > 0:
            self.book.near(abs(change * fill), minimum)
        return change if abs(change * fill) >= minimum else ZERO

    def trading_cost(self, order: Order, change: Fraction) -> Fraction:
        """Return the taker fee and slippage of a change."""
        slipped = abs(order.fill - self.positions[order.instrument].trade) if order.side else ZERO
        return abs(change) * (abs(order.fill) * self.venue.taker_fee + slipped)

    def increase_all(self, orders: list[Order], costs: Fraction) -> None:
        """Send the increases, cut by one factor to the margin there is; `costs` are those of the reductions."""
        if self.book.ruined:
            for order in orders:
                order.reason, order.increase = "ruined", ZERO
        orders = [order for order in orders if order.increase]
        if not orders:
            return
        cash, asked = self.account.cash, sum(abs(order.increase) * self.unit_cost(order) for order in orders)
        available = self.available()
        self.book.near(available, self.dust, cash)
        available = available if available > self.dust else ZERO
        if self.book.exceeds(asked, available, cash):
            costs += sum(self.trading_cost(order, order.increase) for order in orders)
            self.book.near(asked - available, costs + self.dust, cash)
            factor = available / asked
            for order in orders:
                order.reason = "fees" if asked - available <= costs + self.dust else "margin"
                size = self.book.whole_lots(order.instrument, tame(abs(order.increase) * factor), up=False)
                order.increase = self.sendable(order.instrument, sign(order.increase) * size, order.fill)
        for order in orders:
            if order.increase and not self.book.increase(order.instrument, order.increase, order.fill):
                order.reason, order.increase = "refused", ZERO

    def unit_cost(self, order: Order) -> Fraction:
        """Return what margin, fee and, in cross, a fill worse than the mark take for one unit of an increase."""
        p = self.positions[order.instrument]
        cost = abs(order.fill) / p.leverage + abs(order.fill) * self.venue.taker_fee
        if self.book.cross:
            cost += max(ZERO, order.side * (order.fill - p.mark))
        return cost

    def available(self) -> Fraction:
        """Return the margin that increases may use."""
        if not self.book.cross:
            return self.book.wallet
        return self.book.equity() - self.book.initial_margin()
