"""What the slow engine reads and what it returns: market, settings and outcome, all in fractions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

Prices = list[list[Fraction | None]]
ZERO, ONE = Fraction(0), Fraction(1)
TOTALS = ("realised", "fees", "funding", "interest", "penalties", "forfeited", "bad_debt")
LEVELS = ("equity", "equity_low", "wallet", "margin", "initial_margin", "maintenance_margin", "margin_ratio")
FLOWS = ("reserve", "deposits", "insurance_fund", "socialised_loss")
HISTORY = (*LEVELS, "notional", "effective_leverage", "free_margin", *TOTALS, *FLOWS)
Point = tuple[Fraction, Fraction]  # the values of a trade price and a mark price
TRADE, MARK = 0, 1
NAMES = ("open", "high", "low", "close")
ROUNDING = Fraction(1, 10**12)  # of a size: what counts as rounding where a step would jump


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

    def length(self, t: int) -> int:
        """Return how long bar t takes (ns); the last one as long as the one before."""
        last = len(self.time) - 1
        start = min(t, last - 1)
        return self.time[start + 1] - self.time[start] if last else 0


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
    on_liquidation: str = "wait"
    reserve: Fraction = ZERO
    currency: str = "quote"


@dataclass(frozen=True)
class Tier:
    """One step of a venue's margin schedule."""

    floor: Fraction
    maintenance_rate: Fraction
    max_leverage: Fraction
    short_maintenance_rate: Fraction | None = None
    cap: Fraction | None = None

    def rate(self, short: bool) -> Fraction:
        """Return the maintenance rate of a long or a short."""
        return (
            self.short_maintenance_rate if short and self.short_maintenance_rate is not None else self.maintenance_rate
        )


@dataclass(frozen=True)
class MarginCall:
    """When the venue calls for money, how long it waits, and where it waits no longer."""

    level: Fraction
    grace: int = 0
    deposit: str | None = None
    close_below: Fraction = ONE


@dataclass(frozen=True)
class Venue:
    """The venue's rules; `tiers` holds one list per instrument, and so may multiplier, lot size and minimum."""

    tiers: list[list[Tier]]
    taker_fee: Fraction = ZERO
    slippage: Fraction = ZERO
    liquidation_fee: Fraction = ZERO
    liquidation_slippage: Fraction = ZERO
    residual: str = "return"
    borrow_rate: Fraction = ZERO
    fee_in_maintenance: Fraction = ZERO
    liquidation: str = "full"
    liquidation_order: str = "everything"
    liquidation_share: Fraction | None = None
    liquidation_floor: Fraction = ZERO
    cooldown: Fraction = ZERO
    backstop: Fraction = ZERO
    target_ratio: Fraction | None = None
    breach: str = "at"
    maintenance_on: str = "mark"
    fee_in_maintenance_at: str = "mark"
    funding_from: str = "margin"
    short_borrow_rate: Fraction | None = None
    contract: str = "linear"
    multiplier: Fraction | list[Fraction] = ONE
    lot_size: Fraction | list[Fraction] = ZERO
    minimum_notional: Fraction | list[Fraction] = ZERO
    call: MarginCall | None = None
    insurance_fund: Fraction | None = None

    def figure(self, name: str, i: int) -> Fraction:
        """Return multiplier, lot_size or minimum_notional of an instrument."""
        value = getattr(self, name)
        return value[i] if isinstance(value, list) else value

    def lot(self, i: int) -> Fraction:
        """Return the units in one lot, 0 where any quantity may be traded."""
        return self.figure("lot_size", i) * self.figure("multiplier", i)

    def value(self, price: Fraction) -> Fraction:
        """Return what a unit is worth at a price, to a constant: it rises with the price in both contracts."""
        return -1 / price if self.contract == "inverse" else price

    def price(self, value: Fraction) -> Fraction | float:
        """Return the price at which a unit has the value."""
        if self.contract == "linear":
            return value
        return -1 / value if value else math.inf

    def moved(self, value: Fraction, factor: Fraction) -> Fraction:
        """Return the value after the price was multiplied by a factor."""
        return value / factor if self.contract == "inverse" else value * factor

    def maintenance(self, i: int, notional: Fraction, short: bool = False) -> Fraction:
        """Return the maintenance margin, N·(r[k] + fee) less cum[k]."""
        tiers, cum, k = self.tiers[i], ZERO, 0
        while k + 1 < len(tiers) and notional >= tiers[k + 1].floor:
            k += 1
            cum += tiers[k].floor * (tiers[k].rate(short) - tiers[k - 1].rate(short))
        fee = self.fee_in_maintenance if self.fee_in_maintenance_at == "mark" else ZERO
        return notional * (tiers[k].rate(short) + fee) - cum

    def reach(self, i: int, leverage: Fraction) -> Fraction | None:
        """Return the highest notional of a target at the leverage, None where there is none."""
        ladder = self.tiers[i]
        limits = [tier.floor for tier in ladder if tier.max_leverage < leverage]
        if ladder[-1].cap is not None:
            limits.append(ladder[-1].cap)
        return min(limits, default=None)


@dataclass
class Outcome:
    """What a replay returns; rows of the logs are dicts with `bar` and `instrument`, quantities in contracts."""

    history: dict[str, list[Fraction | float]] = field(default_factory=lambda: {name: [] for name in HISTORY})
    fills: list[dict] = field(default_factory=list)
    liquidations: list[dict] = field(default_factory=list)
    orders: list[dict] = field(default_factory=list)
    calls: list[dict] = field(default_factory=list)
    holdings: list[list[dict | None]] = field(default_factory=list)
    closest: float = math.inf

    @property
    def equity(self) -> list[Fraction]:
        """Equity at each bar's close."""
        return self.history["equity"]

    @property
    def equity_low(self) -> list[Fraction]:
        """Lowest equity of each bar's walk."""
        return self.history["equity_low"]


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
