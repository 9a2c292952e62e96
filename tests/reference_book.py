"""What the slow engine reads, keeps and writes: market, settings, the account's books and its outcome."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Prices = list[list[Fraction | None]]
ZERO, ONE = Fraction(0), Fraction(1)
TOTALS = ("realised", "fees", "funding", "interest", "penalties", "forfeited", "bad_debt")
LEVELS = ("equity", "equity_low", "wallet", "margin", "initial_margin", "maintenance_margin", "margin_ratio")
HISTORY = (*LEVELS, "notional", "effective_leverage", *TOTALS)
Point = tuple[Fraction, Fraction]  # a trade price and a mark price
TRADE, MARK = 0, 1
NAMES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Market:
    """Bars and instruments as lists [t][i]; a missing bar has None in all prices of its instrument."""

    time: list[int]
    open: Prices
    high: Prices
    low: Prices
    close: Prices
    mark_open: Prices | None = None
    mark_high: Prices | None = None
    mark_low: Prices | None = None
    mark_close: Prices | None = None
    funding_rate: list[list[Fraction]] | None = None

    def bar(self, t: int, i: int) -> dict[str, tuple[Fraction, Fraction]] | None:
        """Return (trade, mark) by name of price, None where the instrument is missing; no mark means mark = trade."""
        if self.open[t][i] is None:
            return None
        trade = [getattr(self, name)[t][i] for name in NAMES]
        tables = [getattr(self, "mark_" + name) for name in NAMES]
        mark = [None if table is None else table[t][i] for table in tables]
        return dict(zip(NAMES, zip(trade, trade if None in mark else mark, strict=True), strict=True))


@dataclass(frozen=True)
class Account:
    """The trader's settings."""

    cash: Fraction
    leverage: Fraction
    margin_mode: str = "isolated"
    sizing: str = "equity"
    rebalance: str = "signal"
    reentry: str = "signal"
    intrabar: str = "worst"
    stop_loss: Fraction | None = None
    take_profit: Fraction | None = None


@dataclass(frozen=True)
class Tier:
    """One step of a venue's margin schedule."""

    floor: Fraction
    maintenance_rate: Fraction
    max_leverage: Fraction


@dataclass(frozen=True)
class Venue:
    """The venue's rules; `tiers` holds one list per instrument."""

    tiers: list[list[Tier]]
    taker_fee: Fraction = ZERO
    slippage: Fraction = ZERO
    liquidation_fee: Fraction = ZERO
    liquidation_slippage: Fraction = ZERO
    residual: str = "return"
    borrow_rate: Fraction = ZERO
    fee_in_maintenance: Fraction = ZERO

    def maintenance(self, i: int, notional: Fraction) -> Fraction:
        """Return the maintenance margin, N·(r[k] + fee) less cum[k]."""
        tiers, cum, k = self.tiers[i], ZERO, 0
        while k + 1 < len(tiers) and notional >= tiers[k + 1].floor:
            k += 1
            cum += tiers[k].floor * (tiers[k].maintenance_rate - tiers[k - 1].maintenance_rate)
        return notional * (tiers[k].maintenance_rate + self.fee_in_maintenance) - cum

    def reach(self, i: int, leverage: Fraction) -> Fraction | None:
        """Return the floor of the first tier that does not allow the leverage, None where all do."""
        return next((tier.floor for tier in self.tiers[i] if tier.max_leverage < leverage), None)


@dataclass
class Outcome:
    """What a replay returns; rows of fills, liquidations and orders are dicts with `bar` and `instrument`."""

    history: dict[str, list[Fraction | float]] = field(default_factory=lambda: {name: [] for name in HISTORY})
    fills: list[dict] = field(default_factory=list)
    liquidations: list[dict] = field(default_factory=list)
    orders: list[dict] = field(default_factory=list)
    closest: float = math.inf

    @property
    def equity(self) -> list[Fraction]:
        """Equity at each bar's close."""
        return self.history["equity"]

    @property
    def equity_low(self) -> list[Fraction]:
        """Lowest equity of each bar's walk."""
        return self.history["equity_low"]


@dataclass
class Position:
    """One instrument's holding and what is pending for it; flat where quantity is 0."""

    quantity: Fraction = ZERO
    entry: Fraction = ZERO
    margin: Fraction = ZERO
    trade: Fraction = ONE  # trade and mark price where the walk stands; both the last mark while missing
    mark: Fraction = ONE
    present: bool = False
    previous: int = 0  # time of its previous bar
    exited: int | None = None  # bar of a forced exit since which no order was spent
    waiting: bool = False
    noted: bool = False  # this wait has its row
    barred: bool = False  # liquidated under reentry="never"

    @property
    def side(self) -> int:
        """1 long, -1 short, 0 flat."""
        return sign(self.quantity)

    def profit(self, mark: Fraction) -> Fraction:
        """Return the unrealised profit at a mark price."""
        return self.quantity * (mark - self.entry)


@dataclass
class Order:
    """An order that can be sent at this open, in its two halves."""

    instrument: int
    side: int
    fill: Fraction
    wanted: Fraction
    tier_cut: bool
    reduction: Fraction
    increase: Fraction
    reason: str | None = None


@dataclass
class Event:
    """A stop, take-profit or liquidation ahead on a leg; `gap(λ)` is how far, relatively, it is from happening at λ."""

    at: Fraction
    reason: str
    instrument: int
    price: Fraction
    gap: Callable[[Fraction], float]

    def turn(self) -> tuple[Fraction, bool, int, str]:
        """Return the key by which events happen: λ, then liquidations, then instruments, stop before take-profit."""
        return (self.at, self.reason != "liquidation", self.instrument, self.reason)


@dataclass
class Leg:
    """The straight lines that trade and mark prices of all instruments walk in step while λ runs from 0 to 1."""

    start: list[Point]
    end: list[Point]

    def price(self, i: int, which: int, at: Fraction) -> Fraction:
        """Return the trade or mark price of instrument i at λ."""
        return self.start[i][which] + (self.end[i][which] - self.start[i][which]) * at


class Book:
    """Wallet, positions, running totals and logs of one account, and every way in which money moves."""

    def __init__(self, account: Account, venue: Venue):
        self.account, self.venue = account, venue
        self.cross = account.margin_mode == "cross"
        self.wallet = account.cash
        self.positions = [Position() for _ in venue.tiers]
        self.totals = dict.fromkeys(TOTALS, ZERO)
        self.outcome = Outcome()
        self.t = 0

    def held(self, only_present: bool = False) -> list[int]:
        """Return the instruments held."""
        return [i for i, p in enumerate(self.positions) if p.quantity != 0 and (p.present or not only_present)]

    def groups(self) -> list[list[int]]:
        """Return what can be breached: the cross account as one, isolated positions that have a bar one by one."""
        if self.cross:
            return [self.held()] if self.held() else []
        return [[i] for i in self.held(only_present=True)]

    def equity(self) -> Fraction:
        """Return the account's equity at the marks where the walk stands."""
        return self.wallet + sum(p.margin + p.profit(p.mark) for p in self.positions)

    def notional(self) -> Fraction:
        """Return the sum of the positions' notionals."""
        return sum((abs(p.quantity) * p.mark for p in self.positions), ZERO)

    def maintenance(self, i: int, mark: Fraction) -> Fraction:
        """Return the maintenance margin of a position at a mark."""
        return self.venue.maintenance(i, abs(self.positions[i].quantity) * mark)

    def surplus(self, group: list[int], marks: list[Fraction]) -> tuple[Fraction, float]:
        """Return the surplus of one position, or of the cross account, and how near it is, relatively, to 0."""
        balance = self.wallet if self.cross else self.positions[group[0]].margin
        balance += sum(self.positions[i].profit(mark) for i, mark in zip(group, marks, strict=True))
        required = sum((self.maintenance(i, mark) for i, mark in zip(group, marks, strict=True)), ZERO)
        return balance - required, distance(balance, required, self.account.cash)

    def breached(self, group: list[int]) -> bool:
        """Return whether the group's surplus is at or below 0 where the walk stands."""
        surplus, gap = self.surplus(group, [self.positions[i].mark for i in group])
        self.outcome.closest = min(self.outcome.closest, gap)
        return surplus <= 0

    def near(self, a: Fraction, b: Fraction, scale: Fraction = ZERO) -> None:
        """Note how near a decision between a and b was."""
        self.outcome.closest = min(self.outcome.closest, distance(a, b, scale))

    def row(self, i: int, **columns: object) -> dict:
        """Return a row of a log."""
        return {"bar": self.t, "instrument": i, **columns}

    def pay(self, i: int, amount: Fraction, column: str) -> None:
        """Take funding or interest from what backs the position."""
        if self.cross:
            self.wallet -= amount
        else:
            self.positions[i].margin -= amount
        self.totals[column] += amount

    def absorb_shortfall(self) -> None:
        """Turn a wallet below 0 into bad debt, unless a cross account still holds something."""
        if self.wallet < 0 and not (self.cross and self.held()):
            self.totals["bad_debt"] -= self.wallet
            self.wallet = ZERO

    def increase(self, i: int, change: Fraction, fill: Fraction) -> bool:
        """Open or add and return True; an isolated position that would be breached at once is refused."""
        p = self.positions[i]
        before = (p.quantity, p.entry, p.margin)
        margin = ZERO if self.cross else abs(change) * fill / self.account.leverage
        p.entry = (p.quantity * p.entry + change * fill) / (p.quantity + change)
        p.quantity += change
        p.margin += margin
        if not self.cross and self.breached([i]):
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
        fee = self.venue.taker_fee * abs(change) * fill
        self.wallet -= fee
        self.totals["fees"] += fee
        self.outcome.fills.append(self.row(i, quantity=change, price=fill, fee=fee, reason=reason))

    def liquidate(self, group: list[int], gap: bool) -> None:
        """Close the group's positions in full where the walk stands and write a row for each."""
        joint = self.cross and len(group) > 1 and not gap
        balance = self.equity()
        rows, profits, penalties = [], [], []
        for i in group:
            p = self.positions[i]
            fill = p.trade * (1 - p.side * self.venue.liquidation_slippage)
            bankruptcy = p.mark - balance / p.quantity if self.cross else p.entry - p.margin / p.quantity
            profits.append(p.profit(fill))
            penalties.append(self.venue.liquidation_fee * abs(p.quantity) * fill)
            row = self.row(i, quantity=p.quantity, mark_price=p.mark, fill_price=fill, bankruptcy_price=bankruptcy)
            rows.append(row | {"gap": gap, "joint": joint, "partial": False})
        if self.cross:
            self.settle_cross(rows, profits, penalties)
        else:
            self.settle_isolated(rows[0], self.positions[group[0]].margin, profits[0], penalties[0])
        for i, row, profit in zip(group, rows, profits, strict=True):
            self.totals["realised"] += profit
            self.totals["penalties"] += row["penalty"]
            self.totals["forfeited"] += row["forfeited"]
            self.totals["bad_debt"] += row["bad_debt"]
            traded = {"quantity": -row["quantity"], "price": row["fill_price"], "fee": ZERO}
            self.outcome.fills.append(self.row(i, **traded, reason="liquidation"))
            p = self.positions[i]
            p.quantity, p.margin, p.exited = ZERO, ZERO, self.t
            p.barred = self.account.reentry == "never"
        self.outcome.liquidations += rows

    def settle_isolated(self, row: dict, margin: Fraction, profit: Fraction, penalty: Fraction) -> None:
        """Divide what remains of the margin; the insurance fund bears what is missing."""
        remaining = margin + profit
        paid = min(penalty, max(ZERO, remaining))
        left = max(ZERO, remaining) - paid
        returned = left if self.venue.residual == "return" else ZERO
        self.wallet += returned
        row |= {"margin_lost": margin - returned, "penalty": paid, "forfeited": left - returned}
        row["bad_debt"] = max(ZERO, -remaining)

    def settle_cross(self, rows: list[dict], profits: list[Fraction], penalties: list[Fraction]) -> None:
        """Let the wallet take the profits and pay the penalties as far as it can; share out what was paid and owed."""
        self.wallet += sum(profits)
        asked = sum(penalties)
        paid = min(asked, max(ZERO, self.wallet))
        debt = max(ZERO, -self.wallet)
        self.wallet = max(ZERO, self.wallet) - paid
        notional = sum(abs(row["quantity"]) * row["fill_price"] for row in rows)
        for row, penalty in zip(rows, penalties, strict=True):
            row |= {"margin_lost": None, "penalty": paid * penalty / asked if asked else ZERO, "forfeited": ZERO}
            row["bad_debt"] = debt * abs(row["quantity"]) * row["fill_price"] / notional


def sign(x: Fraction) -> int:
    """Return 1, 0 or -1."""
    return (x > 0) - (x < 0)


def distance(a: Fraction, b: Fraction, scale: Fraction = ZERO) -> float:
    """Return how far a is from b, relative to the largest of both and a scale."""
    largest = max(abs(a), abs(b), scale)
    return float(abs(a - b)) / float(largest) if largest else 0.0


def tame(x: Fraction) -> Fraction:
    """Return x, towards 0 on a fine grid where its denominator has outgrown all sense."""
    return x if x.denominator.bit_length() <= 1500 else Fraction(math.trunc(x * 2**1000), 2**1000)


def halves(quantity: Fraction, change: Fraction) -> tuple[Fraction, Fraction]:
    """Return the part of a change that reduces a position and the part that opens or adds."""
    if sign(change) == sign(quantity) or quantity == 0:
        return ZERO, change
    if abs(change) > abs(quantity):
        return -quantity, quantity + change
    return change, ZERO


def ratio(a: Fraction, b: Fraction) -> Fraction | float:
    """Return a / b, infinite where b is not above 0."""
    return a / b if b > 0 else math.inf
