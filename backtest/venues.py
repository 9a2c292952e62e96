"""The venue: margin tiers, fees, and what a liquidation costs."""

import difflib
import json
import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from backtest.errors import ConfigError, MarginError
from backtest.settings import Settings
from backtest.text import shown

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]

PRESETS = resources.files("backtest") / "presets"


class Tier(Settings):
    """One step of a venue's margin ladder, from `floor` up to the next tier's floor.

    Parameters
    ----------
    floor : float              notional from which it holds (quote)
    maintenance_rate : float   fraction of notional, in [0, 1)
    max_leverage : float       highest leverage allowed, at least 1
    """

    floor: Annotated[float, Field(ge=0.0)]
    maintenance_rate: Rate
    max_leverage: Annotated[float, Field(ge=1.0)]


Ladder = tuple[Tier, ...]


class Venue(Settings):
    """Describe the market's side of a replay. Rates are fractions, and 0 unless given.

    Parameters
    ----------
    tiers : list of Tier, or dict of lists by symbol
    taker_fee : float              of traded notional
    slippage : float               of the price, against the trader, on orders and stops
    liquidation_fee : float        penalty, of the liquidated notional
    liquidation_slippage : float   of the price, against the trader, on liquidations
    residual : str                 what a liquidation leaves of an isolated margin: "return" to the wallet, or
                                   "forfeit" to the insurance fund
    borrow_rate : float            per year of 365 days, on quote and base debt
    fee_in_maintenance : float     added to every maintenance rate
    liquidation : str              "full": a breach closes the whole position or account
    symbols : dict                 symbol of the bars -> symbol of the tiers, where they are not the same
    name, as_of, source : str      where the figures come from

    Raises
    ------
    ConfigError                    for a value outside its range, or a symbol without tiers
    MarginError                    for tiers that are unsorted, do not start at 0, whose rates fall or whose leverages
                                   rise, or under which a position is born liquidated:
                                   maintenance_rate + fee_in_maintenance >= 1 / max_leverage
    """

    tiers: Ladder | dict[str, Ladder]
    taker_fee: Rate = 0.0
    slippage: Rate = 0.0
    liquidation_fee: Rate = 0.0
    liquidation_slippage: Rate = 0.0
    residual: Literal["return", "forfeit"] = "return"
    borrow_rate: Annotated[float, Field(ge=0.0)] = 0.0
    fee_in_maintenance: Rate = 0.0
    liquidation: Literal["full"] = "full"
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
        return {symbol: tuple(ladder) for symbol, ladder in tiers.items()} if ladders is tiers else tuple(tiers)

    def model_post_init(self, _context: Any) -> None:
        """Check that every ladder can be replayed."""
        ladders = self.tiers if isinstance(self.tiers, dict) else {"": self.tiers}
        if not ladders:
            raise ConfigError("Venue.tiers must hold at least one symbol, got {}")
        for symbol, ladder in ladders.items():
            check_ladder(ladder, self.fee_in_maintenance, f" for {symbol}" if symbol else "")

    def ladder(self, symbol: str) -> Ladder:
        """Return the tiers of a symbol, matched however base and quote are written.

        Raises
        ------
        ConfigError            for a symbol that the venue does not list; it names the nearest one
        """
        if not isinstance(self.tiers, dict):
            return self.tiers
        wanted = canonical_symbol(self.symbols.get(symbol, symbol))
        listed = {canonical_symbol(name): name for name in self.tiers}
        if wanted not in listed:
            nearest = nearest_symbol(wanted, listed)
            dated = f"; as of {self.as_of} it lists {len(listed)} symbols" if self.as_of else ""
            raise ConfigError(
                f"symbol must be listed by venue {self.name}, got {self.symbols.get(symbol, symbol)!r}; "
                f"the nearest is {nearest!r}: symbols={{{symbol!r}: {nearest!r}}} takes its tiers "
                f"(--symbol-map {symbol}={nearest} in the shell){dated}"
            )
        return self.tiers[listed[wanted]]

    def __repr__(self) -> str:
        listed = f"{len(self.tiers)} symbols" if isinstance(self.tiers, dict) else f"{len(self.tiers)} tiers"
        dated = f" as of {self.as_of}" if self.as_of else ""
        return (
            f"Venue({self.name}{dated}: {listed}, taker_fee={self.taker_fee:g}, slippage={self.slippage:g}, "
            f"liquidation_fee={self.liquidation_fee:g})"
        )


def check_ladder(ladder: Ladder, fee_in_maintenance: float, place: str) -> None:
    """Refuse tiers that make no convex maintenance curve or that liquidate at birth."""
    if not ladder:
        raise MarginError(f"tiers must hold at least one tier, got none{place}")
    if ladder[0].floor != 0.0:
        raise MarginError(f"tiers must start at a floor of 0, got {ladder[0].floor:g}{place}")
    for k, tier in enumerate(ladder):
        if is_born_liquidated(tier, fee_in_maintenance):
            raise MarginError(
                f"maintenance_rate + fee_in_maintenance must be below 1 / max_leverage, "
                f"got {tier.maintenance_rate + fee_in_maintenance:g} >= 1 / {tier.max_leverage:g} in tier {k}{place}"
            )
        if k == 0:
            continue
        below = ladder[k - 1]
        if tier.floor <= below.floor:
            raise MarginError(f"tier floors must rise, got {tier.floor:g} after {below.floor:g} in tier {k}{place}")
        if tier.maintenance_rate < below.maintenance_rate:
            raise MarginError(
                f"maintenance rates must not fall, got {tier.maintenance_rate:g} after "
                f"{below.maintenance_rate:g} in tier {k}{place}"
            )
        if tier.max_leverage > below.max_leverage:
            raise MarginError(
                f"max_leverage must not rise, got {tier.max_leverage:g} after {below.max_leverage:g} in tier {k}{place}"
            )


def is_born_liquidated(tier: Tier, fee_in_maintenance: float) -> bool:
    """Return whether a position at the tier's highest leverage opens without surplus, by the decimals as written."""
    if (tier.maintenance_rate + fee_in_maintenance) * tier.max_leverage < 0.999:
        return False
    required = Fraction(str(tier.maintenance_rate)) + Fraction(str(fee_in_maintenance))
    return required * Fraction(str(tier.max_leverage)) >= 1


def canonical_symbol(symbol: str) -> str:
    """Return base and quote in capitals without separators: "BTC/USDT:USDT", "btc-usdt-swap" -> "BTCUSDT"."""
    pair = symbol.upper().split(":")[0]
    pair = re.sub(r"[-_./ ]?(PERP|SWAP|PERPETUAL|P)$", "", pair) if re.search(r"[-_./ ]\w+$", pair) else pair
    return re.sub(r"[\W_]", "", pair)


def base_of(symbol: str) -> str:
    """Return the coin of a canonical symbol: "1000SHIBUSDT" -> "SHIB", "XBTUSD" -> "BTC"."""
    base = re.sub(r"(?<=.)(FDUSD|USD[TC]?)$", "", symbol)
    base = re.sub(r"^(10{3,}|1M)(?=.)", "", base)
    return {"XBT": "BTC"}.get(base, base)


def nearest_symbol(wanted: str, listed: Iterable[str]) -> str:
    """Return the listed symbol that is written most alike, among those of the same coin if there are any."""
    same = [name for name in listed if base_of(name) == base_of(wanted)]
    return difflib.get_close_matches(wanted, same or listed, n=1, cutoff=0.0)[0]


def preset(name: str) -> dict[str, Any]:
    """Return a preset's figures, read from its data file."""
    if not isinstance(name, str) or name not in preset_names():
        raise ConfigError(f"venue must be one of {', '.join(preset_names())}, got {shown(name)}")
    loaded: dict[str, Any] = json.loads((PRESETS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def preset_names() -> list[str]:
    """Return the names that `venue` knows."""
    return sorted(path.name.removesuffix(".json") for path in PRESETS.iterdir() if path.name.endswith(".json"))


@cache
def preset_ladders(file: str) -> dict[str, Ladder]:
    """Return the ladders of a preset's tier table, by symbol."""
    with resources.as_file(PRESETS / file) as path:
        table = pd.read_csv(path)
    floats = table[["floor", "maintenance_rate", "max_leverage"]].to_numpy()
    rows = [Tier.model_construct(floor=f, maintenance_rate=r, max_leverage=m) for f, r, m in floats.tolist()]
    ladders: dict[str, list[Tier]] = {}
    for symbol, tier in zip(table["symbol"], rows, strict=True):
        ladders.setdefault(symbol, []).append(tier)
    return {symbol: tuple(ladder) for symbol, ladder in ladders.items()}


def venue(
    name: str, /, *, as_of: str | date | None = None, symbols: dict[str, str] | None = None, **changes: Any
) -> Venue:
    """Return a preset venue, with its tiers as of a date.

    Parameters
    ----------
    name : str                 a preset, such as "binance_usdm"; the command `backtest venues` lists them
    as_of : str, date          or a Timestamp: the newest tiers published by then; default: the newest
    symbols : dict             symbol of the bars -> symbol of the venue, where base and quote are not the same
    changes                    any other setting of Venue, in place of the preset's

    Raises
    ------
    ConfigError                for an unknown preset, a date before the first tiers, or an unknown setting
    """
    if "name" in changes:
        raise ConfigError(f"name is what a preset has already, {shown(name)}, got {shown(changes['name'])}")
    figures = preset(name)
    snapshots = sorted(figures["tiers"], key=lambda snapshot: str(snapshot["as_of"]))
    if as_of is not None:
        try:
            day = pd.Timestamp(as_of).strftime("%Y-%m-%d") if isinstance(as_of, (str, date, np.datetime64)) else None
        except ValueError:
            day = None
        if day is None:
            raise ConfigError(f"as_of must be a date, got {shown(as_of)}")
        known = [snapshot for snapshot in snapshots if snapshot["as_of"] <= day]
        if not known:
            raise ConfigError(f"as_of must not be before the first tiers of {name}, {snapshots[0]['as_of']}, got {day}")
        snapshots = known
    newest = snapshots[-1]
    values = {
        **{setting: figure["value"] for setting, figure in figures["figures"].items()},
        "tiers": preset_ladders(newest["file"]),
        "symbols": {} if symbols is None else symbols,
        "name": name,
        "as_of": newest["as_of"],
        "source": newest["source"],
        **changes,
    }
    return Venue(**values)
