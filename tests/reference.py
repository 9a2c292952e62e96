"""The slow engine: the replay semantics in plain fractions, the oracle of the fast one.

It reads like the specification: five steps per bar, every number an exact rational, every root found by walking the
straight pieces. It imports nothing from the package. The books that the steps move money in are in reference_book.

Where the specification leaves a choice, this engine reads it so:

- No order is due at bar 0. Under ``rebalance="bar"`` an order is due at every later bar unless a forced exit holds the
  instrument flat; any order that is spent lifts that hold, a waiting or re-entering one too.
- A waiting order writes one row per wait, at the first bar with a signal other than 0 or a position.
- A target is cut by tiers even where the holding has drifted above the cut, so that an order may then reduce it; each
  order whose target was cut has its row. ``wanted`` uses the fill of the order as cut (the open, where nothing is due).
- A ruined account's row says "ruined" where ruin withheld an increase that was more than dust.
- An available margin at or below the dust limit counts as 0 for the reason of a cut as well.
- A stop that the trade price has already passed where the walk stands (a fresh position, slippage above the stop) is
  hit at once, at that price.
- ``margin_lost`` in cross and ``wanted`` of a waiting order are None; ``effective_leverage`` is 0 when flat.
- Numbers longer than 1500 bits, which long runs of cut orders and roots breed, are rounded to 2**-1000 where an order
  size, a share or a place on a leg is chosen; the ledger stays exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_book import (
    MARK,
    ONE,
    TRADE,
    ZERO,
    Account,
    Book,
    Event,
    Leg,
    Market,
    Order,
    Outcome,
    Tier,
    Venue,
    distance,
    halves,
    ratio,
    sign,
    tame,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from reference_book import Point, Prices

__all__ = ["Account", "Market", "Outcome", "Tier", "Venue", "replay"]

YEAR = 365 * 86_400 * 10**9


def replay(market: Market, signals: Prices, account: Account, venue: Venue) -> Outcome:
    """Return the outcome of trading the signals on the market, bar by bar."""
    return Replay(market, signals, account, venue).run()


class Replay:
    """The five steps of a bar, in order."""

    def __init__(self, market: Market, signals: Prices, account: Account, venue: Venue):
        self.market, self.account, self.venue = market, account, venue
        self.book = Book(account, venue)
        self.positions = self.book.positions
        self.ruined = False
        self.signals = [[ZERO] * len(venue.tiers)]  # [t] is in force at the open of bar t, known at the close before
        for row in signals:
            last = self.signals[-1]
            self.signals.append([old if new is None else new for old, new in zip(last, row, strict=True)])

    def run(self) -> Outcome:
        """Return the outcome of all bars."""
        for t in range(len(self.market.time)):
            self.t = self.book.t = t
            self.bars = [self.market.bar(t, i) for i in range(len(self.positions))]
            for position, bar in zip(self.positions, self.bars, strict=True):
                position.present = bar is not None
                if bar is not None:
                    position.trade, position.mark = bar["open"]
            self.accrue()
            self.survive_open()
            self.trade()
            self.close(self.walk())
        return self.book.outcome

    # 1. Accrue.

    def accrue(self) -> None:
        """Pay funding, then borrow interest on wallet and margins after funding."""
        book, time, t = self.book, self.market.time, self.t
        here = book.held(only_present=True)
        for i in here if self.market.funding_rate is not None else []:
            p = self.positions[i]
            book.pay(i, p.quantity * p.mark * self.market.funding_rate[t][i], "funding")
        owed = []  # (instrument, debt by time); a cross account pays it all from its wallet
        if book.cross and book.held():
            debt = max(ZERO, sum(p.quantity * p.entry for p in self.positions) - book.wallet)
            owed.append((0, debt * (time[t] - time[t - 1])))
        for i in here:
            p = self.positions[i]
            quote_debt = ZERO if book.cross else max(ZERO, p.quantity * p.entry - p.margin)
            base_debt = max(ZERO, -p.quantity) * p.mark
            owed.append((i, (quote_debt + base_debt) * (time[t] - p.previous)))
        for i, debt_time in owed:
            book.pay(i, debt_time * self.venue.borrow_rate / YEAR, "interest")

    # 2. Survive the open.

    def survive_open(self) -> None:
        """Liquidate what is breached at mark_open, then fill the stops and take-profits that the open has reached."""
        self.liquidate_at_open()
        for i in self.book.held(only_present=True):
            p = self.positions[i]
            stop, take = self.exits(i)
            if stop is not None and self.reached(-p.side, p.trade, stop):
                self.leave(i, p.trade, "stop_loss")
            elif take is not None and self.reached(p.side, p.trade, take):
                self.leave(i, p.trade, "take_profit")
        if self.book.cross:
            self.liquidate_at_open()
        self.book.absorb_shortfall()

    def liquidate_at_open(self) -> None:
        """Liquidate every breached group at the trade open."""
        for group in self.book.groups():
            if self.book.breached(group):
                self.book.liquidate(group, gap=True)

    def exits(self, i: int) -> tuple[Fraction | None, Fraction | None]:
        """Return the prices of stop and take-profit."""
        p, stop, take = self.positions[i], self.account.stop_loss, self.account.take_profit
        return (
            None if stop is None else p.entry * (1 - p.side * stop),
            None if take is None else p.entry * (1 + p.side * take),
        )

    def reached(self, direction: int, price: Fraction, level: Fraction) -> bool:
        """Return whether the price is at the level or beyond it in the direction."""
        self.book.near(price, level)
        return direction * (price - level) >= 0

    def leave(self, i: int, price: Fraction, reason: str) -> None:
        """Close the whole position at a stop or take-profit; only stops slip."""
        p = self.positions[i]
        slippage = self.venue.slippage if reason == "stop_loss" else ZERO
        self.book.reduce(i, -p.quantity, price * (1 - p.side * slippage), reason)
        p.exited = self.t

    # 3. Trade.

    def trade(self) -> None:
        """Send the orders that are due: reductions and closes first, then increases."""
        book, cash, equity = self.book, self.account.cash, self.book.equity()
        book.near(equity, cash / 10**6, cash)
        self.ruined = self.ruined or equity <= cash / 10**6
        self.dust = max(cash, equity) / 10**9
        base = max(ZERO, equity) if self.account.sizing == "equity" else cash
        rows: list[dict] = []
        orders = [self.order(i, base) for i in range(len(self.positions)) if self.due(i, rows)]
        reductions = [order for order in orders if order.reduction]
        for order in reductions:
            book.reduce(order.instrument, order.reduction, order.fill, "signal")
        book.absorb_shortfall()
        costs = sum((self.trading_cost(order, order.reduction) for order in reductions), ZERO)
        self.increase_all([order for order in orders if order.increase], costs)
        book.absorb_shortfall()
        for order in orders:
            if order.tier_cut and order.reason in (None, "fees"):
                order.reason = "tier"
            if order.reason is not None:
                filled = order.reduction + order.increase
                rows.append(book.row(order.instrument, wanted=order.wanted, filled=filled, reason=order.reason))
        book.outcome.orders += sorted(rows, key=lambda row: row["instrument"])

    def due(self, i: int, rows: list[dict]) -> bool:
        """Return whether an order is due and can be sent, and spend it; one that cannot waits."""
        p, signal = self.positions[i], self.signals[self.t][i]
        if self.t == 0 or p.barred:
            return False
        changed = signal != self.signals[self.t - 1][i]
        rebalanced = self.account.rebalance == "bar" and p.exited is None
        reentered = self.account.reentry == "bar" and p.exited is not None and p.exited < self.t
        if not (p.waiting or changed or rebalanced or reentered):
            return False
        if p.present:
            p.waiting, p.noted, p.exited = False, False, None
            return True
        p.waiting = True
        if not p.noted and (signal != 0 or p.quantity != 0):
            p.noted = True
            rows.append(self.book.row(i, wanted=None, filled=ZERO, reason="waiting"))
        return False

    def order(self, i: int, base: Fraction) -> Order:
        """Return the order towards the target, cut by tiers and without dust, not yet cut to the margin."""
        p, cash, reach = self.positions[i], self.account.cash, self.venue.reach(i, self.account.leverage)
        uncut = target = self.signals[self.t][i] * self.account.leverage * base
        if p.quantity != 0 and self.account.sizing == "equity":
            self.book.near(base, ZERO, cash)
        if reach is not None:
            self.book.near(abs(uncut), reach, cash)
            target = sign(uncut) * min(abs(uncut), reach)
        side = sign(target / p.trade - p.quantity)
        if target != uncut:
            self.book.near(target / p.trade, p.quantity)
        fill = p.trade * (1 + side * self.venue.slippage)
        change = tame(target / fill - p.quantity)
        if target == 0:
            change = -p.quantity
        if sign(change) != side:
            change = ZERO
        reduction, increase = halves(p.quantity, change)
        if reduction != -p.quantity:
            reduction = self.without_dust(reduction, fill)
        increase = self.without_dust(increase, fill)
        return Order(i, side, fill, uncut / fill - p.quantity, target != uncut, reduction, increase)

    def without_dust(self, change: Fraction, fill: Fraction) -> Fraction:
        """Return the change, 0 if it is dust."""
        if change != 0:
            self.book.near(abs(change) * fill, self.dust, self.account.cash)
        return change if abs(change) * fill > self.dust else ZERO

    def trading_cost(self, order: Order, change: Fraction) -> Fraction:
        """Return the taker fee and slippage of a change."""
        slipped = self.positions[order.instrument].trade * self.venue.slippage
        return abs(change) * (order.fill * self.venue.taker_fee + slipped)

    def increase_all(self, orders: list[Order], costs: Fraction) -> None:
        """Send the increases, cut by one factor to the margin there is; `costs` are those of the reductions."""
        if self.ruined:
            for order in orders:
                order.reason, order.increase = "ruined", ZERO
        orders = [order for order in orders if order.increase]
        if not orders:
            return
        cash, asked = self.account.cash, sum(abs(order.increase) * self.unit_cost(order) for order in orders)
        available = self.available()
        self.book.near(available, self.dust, cash)
        available = available if available > self.dust else ZERO
        self.book.near(asked, available, cash)
        if asked > available:
            costs += sum(self.trading_cost(order, order.increase) for order in orders)
            self.book.near(asked - available, costs + self.dust, cash)
            factor = available / asked
            for order in orders:
                order.reason = "fees" if asked - available <= costs + self.dust else "margin"
                order.increase = self.without_dust(tame(order.increase * factor), order.fill)
        for order in orders:
            if order.increase and not self.book.increase(order.instrument, order.increase, order.fill):
                order.reason, order.increase = "refused", ZERO

    def unit_cost(self, order: Order) -> Fraction:
        """Return what margin, fee and, in cross, a fill worse than the mark take for one unit of an increase."""
        cost = order.fill / self.account.leverage + order.fill * self.venue.taker_fee
        if self.book.cross:
            cost += max(ZERO, order.side * (order.fill - self.positions[order.instrument].mark))
        return cost

    def available(self) -> Fraction:
        """Return the margin that increases may use."""
        if not self.book.cross:
            return self.book.wallet
        return self.book.equity() - self.book.notional() / self.account.leverage

    # 4. Walk the bar.

    def walk(self) -> Fraction:
        """Walk the three legs; return the lowest equity at their ends and after events."""
        book, lows = self.book, []
        corners = [self.corners(i) for i in range(len(self.positions))]
        for k in range(3):
            leg = Leg([points[k] for points in corners], [points[k + 1] for points in corners])
            stand = ZERO
            while (event := self.next_event(leg, stand)) is not None:
                stand = event.at
                self.move(leg, stand)
                if event.reason == "liquidation":
                    book.liquidate(book.held() if book.cross else [event.instrument], gap=False)
                else:
                    self.leave(event.instrument, event.price, event.reason)
                book.absorb_shortfall()
                lows.append(book.equity())
            self.move(leg, ONE)
            lows.append(book.equity())
        return min(lows)

    def corners(self, i: int) -> list[Point]:
        """Return the four points between which the legs of instrument i run; a missing one stands still."""
        p, bar = self.positions[i], self.bars[i]
        if bar is None:
            return [(p.trade, p.mark)] * 4
        low_first = p.quantity > 0
        if self.account.intrabar == "best":
            low_first = not low_first
        elif self.account.intrabar == "path":
            low_first = bar["close"][TRADE] >= bar["open"][TRADE]
        turns = ("low", "high") if low_first else ("high", "low")
        return [bar[name] for name in ("open", *turns, "close")]

    def move(self, leg: Leg, at: Fraction) -> None:
        """Let all prices stand at λ."""
        for i, position in enumerate(self.positions):
            position.trade, position.mark = leg.price(i, TRADE, at), leg.price(i, MARK, at)

    def next_event(self, leg: Leg, stand: Fraction) -> Event | None:
        """Return the first event on the rest of the leg."""
        found = [self.breach(group, leg, stand) for group in self.book.groups()]
        for i in self.book.held(only_present=True):
            side, (stop, take) = self.positions[i].side, self.exits(i)
            found.append(None if stop is None else self.touch(i, "stop_loss", -side, stop, leg, stand))
            found.append(None if take is None else self.touch(i, "take_profit", side, take, leg, stand))
        events = sorted((event for event in found if event is not None), key=Event.turn)
        for other in events[1:]:
            if other.at > stand:
                gap = min(other.gap(events[0].at), events[0].gap(other.at))
                self.book.outcome.closest = min(self.book.outcome.closest, gap)
        return events[0] if events else None

    def touch(self, i: int, reason: str, direction: int, level: Fraction, leg: Leg, stand: Fraction) -> Event | None:
        """Return where the trade price reaches the level in the direction, at once where it already has."""

        def gap(at: Fraction) -> float:
            return distance(leg.price(i, TRADE, at), level)

        here, start, end = leg.price(i, TRADE, stand), leg.start[i][TRADE], leg.end[i][TRADE]
        if self.reached(direction, here, level):
            return Event(stand, reason, i, here, gap)
        if self.reached(direction, end, level):
            return Event(max(stand, tame((level - start) / (end - start))), reason, i, level, gap)
        return None

    def breach(self, group: list[int], leg: Leg, stand: Fraction) -> Event | None:
        """Return where the surplus of the group, concave and straight between corners, meets 0 on the rest of a leg."""

        def surplus(at: Fraction) -> Fraction:
            return self.book.surplus(group, [leg.price(i, MARK, at) for i in group])[0]

        def gap(at: Fraction) -> float:
            return self.book.surplus(group, [leg.price(i, MARK, at) for i in group])[1]

        self.book.outcome.closest = min(self.book.outcome.closest, gap(stand), gap(ONE))
        left, above = stand, surplus(stand)
        if above <= 0:
            return Event(stand, "liquidation", group[0], ZERO, gap)
        if surplus(ONE) > 0:
            return None
        corners = sorted(at for at in self.tier_changes(group, leg) if stand < at < 1)
        for right in [*corners, ONE]:
            below = surplus(right)
            if below <= 0:
                root = left + (right - left) * above / (above - below)
                return Event(max(stand, tame(root)), "liquidation", group[0], ZERO, gap)
            left, above = right, below
        raise AssertionError("unreachable: the surplus ends the leg at or below 0")

    def tier_changes(self, group: list[int], leg: Leg) -> Iterator[Fraction]:
        """Yield the λ at which a notional of the group passes the floor of a tier."""
        for i in group:
            start, end = leg.start[i][MARK], leg.end[i][MARK]
            for tier in self.venue.tiers[i] if start != end else []:
                yield (tier.floor / abs(self.positions[i].quantity) - start) / (end - start)

    # 5. Close.

    def close(self, equity_low: Fraction) -> None:
        """Mark the account at mark_close and write the bar's history."""
        book, held = self.book, [self.positions[i] for i in self.book.held()]
        required = [book.maintenance(i, self.positions[i].mark) for i in book.held()]
        equity, notional = book.equity(), book.notional()
        ratios = [ratio(need, p.margin + p.profit(p.mark)) for need, p in zip(required, held, strict=True)]
        if book.cross and held:
            ratios = [ratio(sum(required), equity)]
        now = {
            "equity": equity,
            "equity_low": equity_low,
            "wallet": book.wallet,
            "margin": sum((p.margin for p in held), ZERO),
            "initial_margin": notional / self.account.leverage,
            "maintenance_margin": sum(required, ZERO),
            "margin_ratio": max(ratios, default=ZERO),
            "notional": notional,
            "effective_leverage": ratio(notional, equity) if held else ZERO,
        }
        for name, column in book.outcome.history.items():
            column.append((now | book.totals)[name])
        for position in self.positions:
            if position.present:
                position.trade = position.mark
                position.previous = self.market.time[self.t]
