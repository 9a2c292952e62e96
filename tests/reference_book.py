"""The slow engine's books: positions, margin units, wallet, reserve and fund, and every way in which money moves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_settings import ONE, ROUNDING, TOTALS, ZERO, Outcome, distance, sign, tame

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from reference_settings import Account, Venue


@dataclass
class Position:
    """One row of the book and what is pending for it; flat where quantity is 0. Prices are kept as values.

    A quantity counts units: contracts times multiplier.
    """

    symbol: int = 0  # its instrument in market and venue; a hedged symbol has two rows
    quantity: Fraction = ZERO
    entry: Fraction = ZERO
    margin: Fraction = ZERO
    filled_leverage: Fraction = ONE  # in force at its last fill
    trade: Fraction = ONE  # trade and mark where the walk stands; both the last mark while missing
    mark: Fraction = ONE
    present: bool = False
    previous: int = 0  # time of its previous bar
    exited: int | None = None  # bar of a forced exit since which no order was spent
    reentry: str = "signal"  # what ends that exit: a change of the signal, or the next bar
    waiting: bool = False
    noted: bool = False  # this wait has its row
    barred: bool = False  # liquidated in full under on_liquidation="stop"
    # in force at this bar
    signal: Fraction = ZERO
    signal_before: Fraction = ZERO
    leverage: Fraction = ONE
    stop_loss: Fraction | None = None
    take_profit: Fraction | None = None
    margin_add: Fraction = ZERO

    @property
    def side(self) -> int:
        """1 long, -1 short, 0 flat."""
        return sign(self.quantity)

    def profit(self, mark: Fraction) -> Fraction:
        """Return the unrealised profit at a mark."""
        return self.quantity * (mark - self.entry)


@dataclass
class Unit:
    """What is breached as one: an isolated position, or the cross account (None), and the bar of its open call."""

    instrument: int | None
    called: int | None = None


class Book:
    """Everything that one account has, and what its units are required to have."""

    def __init__(self, account: Account, venue: Venue, hedged: bool):
        self.account, self.venue, self.hedged = account, venue, hedged
        self.cross = account.margin_mode == "cross"
        rows = [i // 2 if hedged else i for i in range(len(venue.tiers) * (2 if hedged else 1))]
        self.positions = [Position(symbol=symbol) for symbol in rows]
        self.units = [Unit(None)] if self.cross else [Unit(i) for i in range(len(rows))]
        self.wallet, self.reserve, self.deposits = account.cash, account.reserve, ZERO
        self.fund, self.socialised = venue.insurance_fund or ZERO, ZERO
        self.totals = dict.fromkeys(TOTALS, ZERO)
        self.outcome = Outcome()
        self.ruined = False
        self.t = 0
        self.now, self.on_the_way = 0, False  # ns where the walk stands; whether that is inside a bar
        self.closed_in_part: tuple[int, bool] | None = None  # such a moment: the latest partial close of a share
        self.liquidated: set[int] = set()  # the bars in which something was liquidated

    def held(self, only_present: bool = False) -> list[int]:
        """Return the rows held."""
        return [i for i, p in enumerate(self.positions) if p.quantity != 0 and (p.present or not only_present)]

    def members(self, unit: Unit) -> list[int]:
        """Return the rows held in a unit."""
        return [i for i in self.held() if unit.instrument in (None, i)]

    def live_units(self) -> list[Unit]:
        """Return the units that can be breached: a cross account that holds something, isolated rows with a bar."""
        present = self.held(only_present=True)
        return [unit for unit in self.units if (self.held() if self.cross else unit.instrument in present)]

    def equity(self) -> Fraction:
        """Return the account's equity at the marks where the walk stands."""
        return self.wallet + sum(p.margin + p.profit(p.mark) for p in self.positions)

    def notional(self) -> Fraction:
        """Return the sum of the positions' notionals."""
        return sum((abs(p.quantity * p.mark) for p in self.positions), ZERO)

    def initial_margin(self) -> Fraction:
        """Return the margin that the positions would take at the leverages in force."""
        return sum((abs(p.quantity * p.mark) / p.leverage for p in self.positions), ZERO)

    # What a unit has and what it is required to have.

    def size(self, i: int) -> tuple[Fraction, bool]:
        """Return the units whose notional at the mark is required for, and whether at the rates of shorts."""
        quantity = self.positions[i].quantity
        if self.venue.maintenance_on == "net" and self.cross and self.hedged:
            other = self.positions[i ^ 1].quantity
            if other != 0:
                net = quantity + other
                return (ZERO if i % 2 else abs(net)), net < 0
        return abs(quantity), quantity < 0

    def requirement(self, i: int, mark: Fraction, share: Fraction = ONE) -> Fraction:
        """Return R of a position at a mark, if only a share of it were held."""
        p, (size, short) = self.positions[i], self.size(i)
        if self.venue.maintenance_on == "entry":
            size, mark = abs(p.quantity), p.entry
        required = self.venue.maintenance(p.symbol, share * size * abs(mark), short)
        if self.venue.fee_in_maintenance_at == "bankruptcy" and self.cross:
            margin = abs(p.quantity * p.entry) / p.filled_leverage
            required += self.venue.fee_in_maintenance * abs(margin - p.quantity * p.entry)
        return required

    def figures(self, unit: Unit, mark_of: Callable[[int], Fraction] | None = None) -> tuple[Fraction, Fraction]:
        """Return balance and ΣR of a unit, at the marks where the walk stands or at others."""
        mark_of = mark_of or (lambda i: self.positions[i].mark)
        members = self.members(unit)
        balance = self.wallet if unit.instrument is None else self.positions[unit.instrument].margin
        balance += sum(self.positions[i].profit(mark_of(i)) for i in members)
        return balance, sum((self.requirement(i, mark_of(i)) for i in members), ZERO)

    def level(self, unit: Unit) -> Fraction:
        """Return the multiple of ΣR at which the unit is breached."""
        call = self.venue.call
        if call is None:
            return ONE
        return call.level if unit.called is None else call.close_below

    def fails(self, surplus: Fraction) -> bool:
        """Return whether a surplus is a breach."""
        return surplus < 0 or (surplus == 0 and self.venue.breach == "at")

    def breached(self, unit: Unit, level: Fraction | None = None) -> bool:
        """Return whether a unit is breached where the walk stands, at its level or another."""
        balance, required = self.figures(unit)
        required *= self.level(unit) if level is None else level
        self.near(balance, required, self.account.cash)
        return self.fails(balance - required)

    # How near a decision was.

    def near(self, a: Fraction, b: Fraction, scale: Fraction = ZERO) -> None:
        """Note how near a decision between a and b was."""
        self.outcome.closest = min(self.outcome.closest, distance(a, b, scale))

    def exceeds(self, a: Fraction, b: Fraction, scale: Fraction = ZERO) -> bool:
        """Return whether a is above b by more than rounding; that they are equal does not count as near."""
        limit = b * (1 + ROUNDING)
        self.outcome.closest = min(self.outcome.closest, 10 * distance(a, limit, scale))
        return a > limit

    def whole_lots(self, i: int, size: Fraction, up: bool) -> Fraction:
        """Return a size in whole lots, up or down but for rounding."""
        lot = self.venue.lot(self.positions[i].symbol)
        if lot == 0 or size == 0:
            return size
        lots = size / lot * (1 - ROUNDING if up else 1 + ROUNDING)
        self.outcome.closest = min(self.outcome.closest, 10 * distance(lots, round(lots)))
        return (math.ceil(lots) if up else math.floor(lots)) * lot

    # Rows.

    def row(self, i: int | None, **columns: object) -> dict:
        """Return a row of a log."""
        return {"bar": self.t, "instrument": i, **columns}

    def contracts(self, i: int, units: Fraction) -> Fraction:
        """Return units as contracts."""
        return units / self.venue.figure("multiplier", self.positions[i].symbol)

    # Money.

    def pay(self, i: int, amount: Fraction, column: str) -> None:
        """Take funding or interest from what backs the position; funding of isolated ones perhaps from the wallet."""
        self.totals[column] += amount
        from_wallet = ZERO
        if self.cross:
            from_wallet = amount
        elif column == "funding" and self.venue.funding_from == "wallet":
            from_wallet = min(amount, max(ZERO, self.wallet))
        self.wallet -= from_wallet
        self.positions[i].margin -= amount - from_wallet

    def deposit(self, unit: Unit, amount: Fraction) -> None:
        """Bring money from outside to a unit."""
        self.deposits += amount
        if unit.instrument is None:
            self.wallet += amount
        else:
            self.positions[unit.instrument].margin += amount

    def take_in(self, penalty: Fraction, forfeited: Fraction) -> None:
        """Book what the insurance fund gets."""
        self.totals["penalties"] += penalty
        self.totals["forfeited"] += forfeited
        self.fund += penalty + forfeited

    def bear(self, debt: Fraction) -> None:
        """Book bad debt: the insurance fund's loss, and everybody's where a fund of a given size is empty."""
        self.totals["bad_debt"] += debt
        borne = debt if self.venue.insurance_fund is None else min(debt, self.fund)
        self.fund -= borne
        self.socialised += debt - borne

    def absorb_shortfall(self) -> None:
        """Turn a wallet below 0 into bad debt, unless a cross account still holds something."""
        if self.wallet < 0 and not (self.cross and self.held()):
            self.bear(-self.wallet)
            self.wallet = ZERO

    def increase(self, i: int, change: Fraction, fill: Fraction) -> bool:
        """Open or add and return True; an isolated position that would be breached at once is refused."""
        p = self.positions[i]
        before = (p.quantity, p.entry, p.margin)
        margin = ZERO if self.cross else abs(change * fill) / p.leverage
        p.entry = (p.quantity * p.entry + change * fill) / (p.quantity + change)
        p.quantity += change
        p.margin += margin
        if not self.cross and self.breached(self.units[i]):
            p.quantity, p.entry, p.margin = before
            return False
        self.wallet -= margin
        self.charge(i, change, fill, "signal")
        return True

    def reduce(self, i: int, change: Fraction, fill: Fraction, reason: str) -> None:
        """Reduce or close: the share of the margin and the profit go to the wallet, the entry price stays."""
        p = self.positions[i]
        released = p.margin if change == -p.quantity else tame(p.margin * -change / p.quantity)
        profit = -change * (fill - p.entry)
        p.margin -= released
        p.quantity += change
        self.wallet += released + profit
        self.totals["realised"] += profit
        self.charge(i, change, fill, reason)

    def charge(self, i: int, change: Fraction, fill: Fraction, reason: str) -> None:
        """Take the taker fee from the wallet and write the fill."""
        fee = self.venue.taker_fee * abs(change * fill)
        self.wallet -= fee
        self.totals["fees"] += fee
        self.write_fill(i, change, fill, fee, reason)

    def write_fill(self, i: int, change: Fraction, fill: Fraction, fee: Fraction, reason: str) -> None:
        """Write a fill, at which the leverage in force becomes that of the position."""
        self.positions[i].filled_leverage = self.positions[i].leverage
        traded = {"quantity": self.contracts(i, change), "price": self.venue.price(fill)}
        self.outcome.fills.append(self.row(i, **traded, fee=fee, reason=reason))

    # Stops and take-profits.

    def exits(self, i: int) -> tuple[Fraction | None, Fraction | None]:
        """Return the values of stop and take-profit, off the entry price."""
        p = self.positions[i]
        return (
            None if p.stop_loss is None else self.venue.moved(p.entry, 1 - p.side * p.stop_loss),
            None if p.take_profit is None else self.take_profit(p),
        )

    def take_profit(self, p: Position) -> Fraction | None:
        """Return the value of the take-profit, None where a short's price would have to fall to 0 or below."""
        factor = 1 + p.side * p.take_profit
        return self.venue.moved(p.entry, factor) if factor > 0 or self.venue.contract == "linear" else None

    def reached(self, direction: int, here: Fraction, level: Fraction) -> bool:
        """Return whether a value is at the level or beyond it in the direction."""
        self.near(here, level)
        return direction * (here - level) >= 0

    def leave(self, i: int, here: Fraction, reason: str) -> None:
        """Close the whole position at a stop or take-profit; only stops slip."""
        p = self.positions[i]
        slippage = self.venue.slippage if reason == "stop_loss" else ZERO
        self.reduce(i, -p.quantity, self.venue.moved(here, 1 - p.side * slippage), reason)
        p.exited, p.reentry = self.t, self.account.reentry
