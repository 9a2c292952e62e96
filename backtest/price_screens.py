"""What the command line prints of a position that nobody has opened yet."""

import math
from dataclasses import dataclass

from backtest.calculators import bankruptcy_price, liquidation_price, maintenance_margin
from backtest.errors import ConfigError, MarginError
from backtest.tables import facts, percent, show, times
from backtest.text import grouped, shown
from backtest.venues import Venue

__all__ = ["Holding", "print_liquidation_price"]


@dataclass(frozen=True)
class Holding:
    """An isolated position of `quantity` contracts, unsigned, whose margin is notional / leverage unless given."""

    venue: Venue
    symbol: str | None
    side: str
    quantity: float
    entry: float
    leverage: float
    margin: float | None

    def __post_init__(self) -> None:
        if self.side not in ("long", "short"):
            raise ConfigError(f"--side must be long or short, got {shown(self.side)}")
        if not self.quantity > 0.0:
            raise ConfigError(f"--quantity must be above 0, got {self.quantity:g}")
        if not self.entry > 0.0:
            raise ConfigError(f"--entry must be above 0, got {self.entry:g}")
        if not self.leverage >= 1.0:
            raise ConfigError(f"--leverage must be at least 1, got {self.leverage:g}")
        if self.symbol is None and isinstance(self.venue.tiers, dict):
            raise ConfigError(f"--symbol must be given, for venue {self.venue.name} lists {len(self.venue.tiers)}")
        highest = self.venue.ladder(self.symbol or "")[0].max_leverage
        if self.leverage > highest:
            raise MarginError(
                f"--leverage must be at most {highest:g}, the first tier's max_leverage, got {self.leverage:g} "
                f"on venue {self.venue.name}"
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
    def money(self) -> float:
        """What backs the position."""
        return self.notional(self.entry) / self.leverage if self.margin is None else self.margin


def print_liquidation_price(held: Holding) -> None:
    """Print the price at which a position is liquidated, with what it requires there and where its margin ends."""
    venue, symbol = held.venue, held.symbol
    price = float(liquidation_price(held.signed, held.entry, margin=held.money, venue=venue, symbol=symbol))
    broke = float(bankruptcy_price(held.signed, held.entry, margin=held.money, venue=venue, symbol=symbol))
    dated = f" as of {venue.as_of}" if venue.as_of else ""
    table = facts()
    table.add_row("venue", f"{venue.name}{dated}{f', {symbol}' if symbol else ''}")
    table.add_row("position", f"{held.side} {figure(held.quantity)} at {figure(held.entry)}, {times(held.leverage)}")
    table.add_row("margin", figure(held.money))
    if math.isnan(price):
        table.add_row("liquidation price", "none: no price liquidates it")
    else:
        sign = math.copysign(1.0, held.signed)
        required = maintenance_margin(sign * held.notional(price), venue, symbol)
        table.add_row("liquidation price", f"{figure(price)}, {percent(price / held.entry - 1.0)} from the entry")
        table.add_row("maintenance margin", f"{figure(float(required))} there")
    table.add_row("bankruptcy price", "none" if math.isnan(broke) else figure(broke))
    show(table)


def figure(value: float) -> str:
    """Return a number with nine significant digits and no zeros at its end."""
    digits = 9 - 1 - math.floor(math.log10(abs(value))) if value else 0
    text = grouped(value, max(digits, 0))
    return text.rstrip("0").rstrip(".") if "." in text else text
