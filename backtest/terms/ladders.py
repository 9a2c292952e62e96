"""The tiers of a venue, and the rules of ladders of them."""

from fractions import Fraction
from typing import Annotated, NamedTuple

from pydantic import Field

from backtest.errors import MarginError
from backtest.terms.settings import Settings

__all__ = ["Birth", "Ladder", "Rate", "Tier", "check_ladder"]

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]


class Tier(Settings):
    """One step of a venue's margin ladder, from `floor` up to the next tier's floor.

    Parameters
    ----------
    floor : float                    notional from which it holds (money: quote, or coin of an inverse contract)
    maintenance_rate : float         fraction of notional, in [0, 1)
    max_leverage : float             highest leverage allowed, at least 1
    short_maintenance_rate : float   of short positions, in [0, 1); None: the same
    cap : float                      highest notional of the tier (money); of the last tier: of any position.
                                     None: the next floor, or no cap

    Raises
    ------
    ConfigError                      for a value outside its range, or a setting that does not exist
    """

    floor: Annotated[float, Field(ge=0.0)]
    maintenance_rate: Rate
    max_leverage: Annotated[float, Field(ge=1.0)]
    short_maintenance_rate: Rate | None = None
    cap: Annotated[float, Field(gt=0.0)] | None = None

    @property
    def short_rate(self) -> float:
        """The maintenance rate of short positions."""
        return self.maintenance_rate if self.short_maintenance_rate is None else self.short_maintenance_rate


Ladder = tuple[Tier, ...]


class Birth(NamedTuple):
    """What a venue asks, beside the tiers' rates, of a position that has just been opened."""

    fee: float
    """fee_in_maintenance, fraction of notional"""
    at_bankruptcy: bool
    """The fee is taken on the notional at the bankruptcy price, as in Venue.fee_in_maintenance_at."""
    inverse: bool

    def requirement(self, rate: float, leverage: float, side: int) -> Fraction:
        """Return the requirement over the initial margin, N / leverage, by the decimals as written.

        At the bankruptcy price a linear position is worth N·(1 - side / leverage); an inverse one, whose profit is
        linear in -1 / price, N·(1 + side / leverage) in coin.
        """
        scale = exact(leverage)
        charged = scale + (side if self.inverse else -side) * self.at_bankruptcy
        return exact(rate) * scale + exact(self.fee) * charged


def exact(number: float) -> Fraction:
    """Return the decimal that a number is written as."""
    return Fraction(str(number))


def check_ladder(ladder: Ladder, birth: Birth, place: str) -> None:
    """Refuse tiers that make no convex maintenance curve, that leave gaps, or that liquidate at birth.

    Parameters
    ----------
    ladder : tuple of Tier
    birth : Birth              what a new position needs beside the tiers' rates
    place : str                the tail of messages, such as " for BTCUSDT"

    Raises
    ------
    MarginError                naming the tier
    """
    if not ladder:
        raise MarginError(f"tiers must hold at least one tier, got none{place}")
    if ladder[0].floor != 0.0:
        raise MarginError(f"tiers must start at a floor of 0, got {ladder[0].floor:g}{place}")
    for k, tier in enumerate(ladder):
        check_birth(tier, birth, f" in tier {k}{place}")
        if k > 0:
            check_step(ladder[k - 1], tier, k, place)
    last = ladder[-1]
    if last.cap is not None and last.cap <= last.floor:
        raise MarginError(
            f"cap must be above the floor, got {last.cap:g} <= {last.floor:g} in tier {len(ladder) - 1}{place}"
        )


def check_step(below: Tier, tier: Tier, k: int, place: str) -> None:
    """Refuse a tier that does not go on from the one below."""
    place = f" in tier {k}{place}"
    if tier.floor <= below.floor:
        raise MarginError(f"floor must rise, got {tier.floor:g} after {below.floor:g}{place}")
    if below.cap is not None and below.cap != tier.floor:
        raise MarginError(f"floor must be the cap of the tier below, got {tier.floor:g} after {below.cap:g}{place}")
    rates = [("maintenance_rate", below.maintenance_rate, tier.maintenance_rate)]
    rates += [("short_maintenance_rate", below.short_rate, tier.short_rate)]
    for name, before, after in rates:
        if after < before:
            raise MarginError(f"{name} must not fall, got {after:g} after {before:g}{place}")
    if tier.max_leverage > below.max_leverage:
        raise MarginError(f"max_leverage must not rise, got {tier.max_leverage:g} after {below.max_leverage:g}{place}")


def check_birth(tier: Tier, birth: Birth, place: str) -> None:
    """Refuse a tier at whose highest leverage a position opens without surplus."""
    sides = [("maintenance_rate", 1, tier.maintenance_rate)]
    if tier.short_maintenance_rate is not None or birth.at_bankruptcy:
        sides += [("short_maintenance_rate", -1, tier.short_rate)]
    for name, side, rate in sides:
        if (rate + birth.fee) * (tier.max_leverage + 1.0) < 0.999:
            continue  # far from the limit: exact numbers take their time
        asked = birth.requirement(rate, tier.max_leverage, side)
        if asked >= 1:
            raise MarginError(
                f"{name} + fee_in_maintenance must be below 1 / max_leverage, "
                f"got {float(asked) / tier.max_leverage:g} >= 1 / {tier.max_leverage:g}{place}"
            )
