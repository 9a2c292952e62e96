"""What the command line prints of a position that nobody has opened yet, on the screen and as a document."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from backtest.calculators import bankruptcy_price, liquidation_price, maintenance_margin
from backtest.command_line.tables import facts, show
from backtest.errors import ConfigError, MarginError
from backtest.figures_in_words import times
from backtest.terms.venues import Venue
from backtest.text import HUGE, grouped, shown

__all__ = ["Holding", "price_document", "print_liquidation_price"]


@dataclass(frozen=True)
class Holding:
    """An isolated position of `quantity` contracts, unsigned, backed by its notional / leverage, or by `margin`."""

    venue: Venue
    symbol: str | None
    side: str
    quantity: float
    entry: float
    leverage: float | None
    margin: float | None

    def __post_init__(self) -> None:
        if self.side not in ("long", "short"):
            raise ConfigError(f"--side must be long or short, got {shown(self.side)}")
        if (self.leverage is None) == (self.margin is None):
            raise ConfigError("--leverage or --margin must be given, and not both")
        for name in ("quantity", "entry", "margin"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < math.inf:
                raise ConfigError(f"--{name} must be above 0, got {value:g}")
        if self.leverage is not None and not 1.0 <= self.leverage < math.inf:
            raise ConfigError(f"--leverage must be at least 1, got {self.leverage:g}")
        if self.symbol is None and isinstance(self.venue.tiers, dict):
            raise ConfigError(f"--symbol must be given, for venue {self.venue.name} lists {len(self.venue.tiers)}")
        self.check_tiers()

    def check_tiers(self) -> None:
        """Refuse a position that the venue's tiers do not allow at its leverage."""
        ladder = self.venue.ladder(self.symbol or "")
        notional = self.notional(self.entry)
        tier = [ladder[0], *(each for each in ladder[1:] if each.floor < notional)][-1]
        cap = ladder[-1].cap
        if cap is not None and notional > cap:
            raise MarginError(
                f"notional must be at most {figure(cap)} on venue {self.venue.name}, got {figure(notional)}"
            )
        if self.effective_leverage > tier.max_leverage:
            raise MarginError(
                f"leverage must be at most {tier.max_leverage:g} at a notional of {figure(notional)}, "
                f"got {self.effective_leverage:g} on venue {self.venue.name}"
            )

    @property
    def signed(self) -> float:
        """Contracts, below 0 when short."""
        return self.quantity if self.side == "long" else -self.quantity

    def notional(self, price: float) -> float:
        """Return the notional at a price, in what the contract is margined in."""
        units = self.quantity * self.venue.figure("multiplier", self.symbol or "")
        return units / price if self.venue.contract == "inverse" else units * price

    @property
    def effective_leverage(self) -> float:
        """Notional at the entry over margin, 1 where the margin is more."""
        return self.leverage or max(self.notional(self.entry) / self.money, 1.0)

    @property
    def money(self) -> float:
        """What backs the position."""
        return self.margin or self.notional(self.entry) / (self.leverage or 1.0)


class Prices(NamedTuple):
    """Where a position fails, NaN where no price does it; the first is of a margin call where `is_call` says so."""

    liquidation_price: float
    maintenance_margin: float
    bankruptcy_price: float
    is_call: bool


def prices_of(held: Holding) -> Prices:
    """Return the price at which a position is liquidated, what it requires there and where its margin ends."""
    venue, symbol = held.venue, held.symbol
    price = float(liquidation_price(held.signed, held.entry, margin=held.money, venue=venue, symbol=symbol))
    broke = float(bankruptcy_price(held.signed, held.entry, margin=held.money, venue=venue, symbol=symbol))
    notional = math.copysign(held.notional(price), held.signed)
    required = math.nan if math.isnan(price) else float(maintenance_margin(notional, venue, symbol))
    return Prices(price, required, broke, venue.call is not None and venue.call.grace > 0)


def price_document(held: Holding) -> dict[str, object]:
    """Return what was asked and what comes of it; `distance` is a fraction of the entry price, below 0 for a fall."""
    found = prices_of(held)
    return {
        "venue": held.venue.name,
        "as_of": held.venue.as_of or None,
        "contract": held.venue.contract,
        "symbol": held.symbol,
        "side": held.side,
        "quantity": held.quantity,
        "entry_price": held.entry,
        "leverage": held.notional(held.entry) / held.money,
        "margin": held.money,
        "trigger": "margin_call" if found.is_call else "liquidation",
        "liquidation_price": found.liquidation_price,
        "distance": found.liquidation_price / held.entry - 1.0,
        "maintenance_margin": found.maintenance_margin,
        "bankruptcy_price": found.bankruptcy_price,
    }


def print_liquidation_price(held: Holding) -> None:
    """Print the price at which a position is liquidated, with what it requires there and where its margin ends."""
    venue, symbol, found = held.venue, held.symbol, prices_of(held)
    price, broke = found.liquidation_price, found.bankruptcy_price
    unit = f" {venue.base(symbol)}" if venue.contract == "inverse" and symbol else ""
    dated = f" as of {venue.as_of}" if venue.as_of else ""
    table = facts()
    table.add_row("venue", f"{venue.name}{dated}{f', {symbol}' if symbol else ''}")
    leverage = times(held.notional(held.entry) / held.money)
    table.add_row("position", f"{held.side} {figure(held.quantity)} at {figure(held.entry)}, {leverage}")
    table.add_row("margin", figure(held.money) + unit)
    if math.isnan(price):
        table.add_row("liquidation price", "none: no price liquidates it")
    else:
        what = "margin call at" if found.is_call else "liquidation price"
        table.add_row(what, f"{figure(price)}, {price / held.entry - 1.0:+.2%} from the entry")
        table.add_row("maintenance margin", f"{figure(found.maintenance_margin)}{unit} there")
    table.add_row("bankruptcy price", "none" if math.isnan(broke) else figure(broke))
    show(table)


def figure(value: float) -> str:
    """Return a number with nine significant digits and no zeros at its end."""
    if abs(value) >= HUGE:
        return f"{value:.9g}"
    digits = 9 - 1 - math.floor(math.log10(abs(value))) if value else 0
    text = grouped(value, max(digits, 0))
    return text.rstrip("0").rstrip(".") if "." in text else text
