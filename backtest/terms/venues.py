"""The venue: margin tiers, fees, what a breach does, and what a contract is."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from backtest.errors import ConfigError
from backtest.terms.ladders import Birth, Ladder, Rate, Tier, check_ladder
from backtest.terms.settings import Settings
from backtest.terms.symbols import ANY, base_of, canonical_symbol, listed_name, nearest_symbol, twins
from backtest.text import shown

__all__ = ["Ladder", "MarginCall", "Tier", "Venue"]

SHARE_SETTINGS = ("liquidation_share", "liquidation_floor", "cooldown")
"""What only the policy "share" reads."""

NotNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]


class MarginCall(Settings):
    """What happens before a liquidation: a call at a multiple of the requirement, and time to answer it.

    Parameters
    ----------
    level : float         balance / requirement at which the call comes, at least 1
    grace : int           whole bars to answer it; 0: none, the position is liquidated by policy at once
    deposit : str         "reserve": Account.reserve brings the balance to Venue.target_ratio at the next open; "none";
                          must be given where there is grace
    close_below : float   balance / requirement below which the grace ends at once, in (0, level]

    Raises
    ------
    ConfigError           for a value outside its range, or grace without a word on deposits
    """

    level: Annotated[float, Field(ge=1.0)]
    grace: Annotated[int, Field(ge=0)] = 0
    deposit: Literal["reserve", "none"] | None = None
    close_below: Positive = 1.0

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.grace > 0 and self.deposit is None:
            raise ConfigError(
                f"MarginCall.deposit must be 'reserve' or 'none' where grace is above 0, got None for {self.grace} bars"
            )
        if self.close_below > self.level:
            raise ConfigError(
                f"MarginCall.close_below must be at most level, got {self.close_below:g} > {self.level:g}"
            )
        return self


class Venue(Settings):
    """Describe the market's side of a replay. Rates are fractions, and 0 unless given; money is quote or coin.

    Parameters
    ----------
    tiers : list of Tier, or dict of lists by symbol, where "*" stands for the symbols that it does not name

    taker_fee : float              of traded notional
    slippage : float               of the price, against the trader, on orders and stops
    borrow_rate : float            per year of 365 days, on quote and base debt
    short_borrow_rate : float      per year, on the base debt of shorts; None: as borrow_rate
    funding_from : str             isolated: "margin": funding is paid from the position's margin; "wallet": from the
                                   wallet as far as it goes, then from the margin, and received into the wallet

    maintenance_on : str           notional of the requirement: at the "mark"; at the "entry" price; "net": at the mark,
                                   the two legs of a symbol being one position (cross)
    fee_in_maintenance : float     rate added to the requirement
    fee_in_maintenance_at : str    "mark": added to every maintenance rate; "bankruptcy": of the notional at the
                                   bankruptcy price
    breach : str                   "at": breached where balance - requirement <= 0; "below": where it is < 0
    call : MarginCall              what comes before a liquidation; None: nothing

    liquidation : str              how much of a position a breach closes: "full": all; "step_down": down to the floor
                                   of its tier, and all of it in the first; "share": liquidation_share of it;
                                   "restore": what brings balance / requirement to target_ratio
    liquidation_order : str        cross: what goes first: "everything" together, the position with the "largest_loss",
                                   or with the "largest_maintenance"
    liquidation_share : float      of the quantity, in [0.01, 1]; needed by "share"
    liquidation_floor : float      notional (money) up to which "share" closes all
    cooldown : float               seconds after a close in part during which "share" closes all
    target_ratio : float           balance / requirement that "restore" and deposits reach, which need it; above 1 and
                                   call.level: the nearer, the smaller the step and the sooner the next
    backstop : float               in [0, 1): with a balance below backstop times the requirement all is closed, and
                                   what is left is forfeited
    liquidation_fee : float        penalty, of the liquidated notional
    liquidation_slippage : float   of the price, against the trader, on liquidations
    residual : str                 what a liquidation leaves of an isolated margin: "return" to the wallet, or
                                   "forfeit" to the insurance fund
    insurance_fund : float         its size before the first bar (money); None: not limited, and only counted

    contract : str                 "linear": profit in quote; "inverse": in coin, and quantities count quote units
    multiplier : float, dict       base units (linear) or quote units (inverse) of one contract [1], or by symbol
    lot_size : float, dict         contracts that quantities are multiples of [0: any], or by symbol
    minimum_notional : float, dict   of an order that opens or adds (money) [0], or by symbol

    symbols : dict                 symbol of the bars -> symbol of the venue, where they are not the same
    name, as_of, source : str      where the figures come from

    Raises
    ------
    ConfigError                    for a value outside its range, settings that do not fit together, or a symbol twice
    MarginError                    for tiers that are unsorted, do not start at 0, leave gaps, whose rates fall or whose
                                   leverages rise, or under which a position is born liquidated:
                                   maintenance_rate + fee_in_maintenance >= 1 / max_leverage
    """

    tiers: Ladder | dict[str, Ladder]

    taker_fee: Rate = 0.0
    slippage: Rate = 0.0
    borrow_rate: NotNegative = 0.0
    short_borrow_rate: NotNegative | None = None
    funding_from: Literal["margin", "wallet"] = "margin"

    maintenance_on: Literal["mark", "entry", "net"] = "mark"
    fee_in_maintenance: Rate = 0.0
    fee_in_maintenance_at: Literal["mark", "bankruptcy"] = "mark"
    breach: Literal["at", "below"] = "at"
    call: MarginCall | None = None

    liquidation: Literal["full", "step_down", "share", "restore"] = "full"
    liquidation_order: Literal["everything", "largest_loss", "largest_maintenance"] = "everything"
    liquidation_share: Annotated[float, Field(ge=0.01, le=1.0)] | None = None
    liquidation_floor: NotNegative = 0.0
    cooldown: NotNegative = 0.0
    target_ratio: Annotated[float, Field(gt=1.0)] | None = None
    backstop: Rate = 0.0
    liquidation_fee: Rate = 0.0
    liquidation_slippage: Rate = 0.0
    residual: Literal["return", "forfeit"] = "return"
    insurance_fund: NotNegative | None = None

    contract: Literal["linear", "inverse"] = "linear"
    multiplier: Positive | dict[str, Positive] = 1.0
    lot_size: NotNegative | dict[str, NotNegative] = 0.0
    minimum_notional: NotNegative | dict[str, NotNegative] = 0.0

    symbols: dict[str, str] = Field(default_factory=dict)
    name: str = "custom"
    as_of: str = ""
    source: str = ""

    @field_validator("tiers", mode="before")
    @classmethod
    def _accept_any_sequence(cls, tiers: Any) -> Any:
        ladders = tiers if isinstance(tiers, dict) else {"": tiers}
        for symbol, ladder in ladders.items():
            if not isinstance(ladder, (list, tuple)):
                rule = f"a list of Tier for {symbol}" if symbol else "a list of Tier, or a dict of such lists by symbol"
                raise ConfigError(f"Venue.tiers must be {rule}, got {shown(ladder)}")
        if list(ladders) == [ANY]:
            return tuple(ladders[ANY])
        return {symbol: tuple(ladder) for symbol, ladder in tiers.items()} if ladders is tiers else tuple(tiers)

    @field_validator("call", mode="before")
    @classmethod
    def _accept_a_table(cls, call: Any) -> Any:
        if call is None or isinstance(call, (MarginCall, dict)):
            return call
        raise ConfigError(f"Venue.call must be a MarginCall, or None, got {shown(call)}")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        check_rules(self)
        check_symbols(self)
        at_bankruptcy = self.fee_in_maintenance_at == "bankruptcy"
        birth = Birth(self.fee_in_maintenance, at_bankruptcy, self.contract == "inverse")
        ladders = self.tiers if isinstance(self.tiers, dict) else {"": self.tiers}
        for symbol, ladder in ladders.items():
            check_ladder(ladder, birth, f" for {symbol}" if symbol else "")
        return self

    def ladder(self, symbol: str) -> Ladder:
        """Return the tiers of a symbol, matched however base and quote are written.

        Raises
        ------
        ConfigError            for a symbol that the venue does not list; it names the nearest one
        """
        if not isinstance(self.tiers, dict):
            return self.tiers
        wanted = self.symbols.get(symbol, symbol)
        name = listed_name(wanted, self.tiers)
        if name is None:
            nearest = nearest_symbol(canonical_symbol(wanted), self.tiers)
            dated = (
                f"; as of {self.as_of} it lists {len(self.tiers)} symbol{'s' * (len(self.tiers) > 1)}"
                if self.as_of
                else ""
            )
            same = base_of(nearest) == base_of(canonical_symbol(wanted))
            hint = f": symbols={{{symbol!r}: {nearest!r}}} takes its tiers" if same else ", another coin"
            raise ConfigError(
                f"symbol must be listed by venue {self.name}, got {wanted!r}; the nearest is {nearest!r}{hint}{dated}"
            )
        return self.tiers[name]

    def figure(self, setting: str, symbol: str) -> float:
        """Return the multiplier, lot_size or minimum_notional of a symbol, matched as its tiers are.

        Raises
        ------
        ConfigError            for a symbol that a dict of figures does not hold
        """
        figures: float | dict[str, float] = getattr(self, setting)
        if not isinstance(figures, dict):
            return figures
        wanted = self.symbols.get(symbol, symbol)
        name = listed_name(wanted, figures)
        if name is None:
            raise ConfigError(
                f"Venue.{setting} must be given for {wanted!r}, or for {ANY!r}, all others, "
                f"got {shown(list(figures))} on venue {self.name}"
            )
        return figures[name]

    def base(self, symbol: str) -> str:
        """Return the coin of a symbol of the bars, the money of its inverse contract, whosever tiers it takes."""
        return base_of(canonical_symbol(symbol))

    def __repr__(self) -> str:
        count, noun = len(self.tiers), "symbol" if isinstance(self.tiers, dict) else "tier"
        listed = f"{count} {noun}{'s' if count != 1 else ''}"
        dated = f" as of {self.as_of}" if self.as_of else ""
        return (
            f"Venue({self.name}{dated}: {listed}, taker_fee={self.taker_fee:g}, slippage={self.slippage:g}, "
            f"liquidation_fee={self.liquidation_fee:g})"
        )


def check_rules(venue: Venue) -> None:
    """Refuse settings that do not fit together."""
    deposits = venue.call is not None and venue.call.deposit == "reserve"
    if venue.target_ratio is None and venue.liquidation == "restore":
        raise ConfigError("Venue.target_ratio must be given with liquidation 'restore', got None")
    if venue.target_ratio is None and deposits:
        raise ConfigError("Venue.target_ratio must be given with call.deposit 'reserve', got None")
    if venue.target_ratio is not None and venue.call is not None and venue.target_ratio <= venue.call.level:
        raise ConfigError(
            f"Venue.target_ratio must be above call.level, got {venue.target_ratio:g} <= {venue.call.level:g}"
        )
    if venue.liquidation == "share" and venue.liquidation_share is None:
        raise ConfigError("Venue.liquidation_share must be given with liquidation 'share', got None")
    if venue.liquidation == "restore" and venue.fee_in_maintenance_at == "bankruptcy":
        raise ConfigError("Venue.fee_in_maintenance_at must be 'mark' with liquidation 'restore', got 'bankruptcy'")
    for name in SHARE_SETTINGS if venue.liquidation != "share" else ():
        if getattr(venue, name):
            raise ConfigError(
                f"Venue.{name} needs liquidation 'share', got {getattr(venue, name):g} with the policy "
                f"{venue.liquidation!r}"
            )
    if venue.target_ratio is not None and venue.liquidation != "restore" and venue.call is None:
        raise ConfigError(
            f"Venue.target_ratio needs liquidation 'restore', or a call, got {venue.target_ratio:g} "
            f"with the policy {venue.liquidation!r}"
        )
    if venue.maintenance_on == "net" and venue.liquidation_order != "everything":
        raise ConfigError(
            f"Venue.liquidation_order must be 'everything' with maintenance_on 'net', got {venue.liquidation_order!r}"
        )
    for name in ("borrow_rate", "short_borrow_rate") if venue.contract == "inverse" else ():
        if getattr(venue, name):
            raise ConfigError(f"Venue.{name} must be 0 with contract 'inverse', got {getattr(venue, name):g}")


def check_symbols(venue: Venue) -> None:
    """Refuse tables by symbol that hold nothing, or one symbol twice."""
    for setting in ("tiers", "multiplier", "lot_size", "minimum_notional"):
        table = getattr(venue, setting)
        if not isinstance(table, dict):
            continue
        if not table:
            raise ConfigError(f"Venue.{setting} must hold at least one symbol, got {{}}")
        if same := twins(table):
            raise ConfigError(f"Venue.{setting} must hold each symbol once, got {same[0]!r} and {same[1]!r}")
