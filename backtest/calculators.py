"""Margin arithmetic without a replay: what a position requires, and the prices at which it fails.

The functions are those that the engine checks every bar with. All take numbers or arrays, which broadcast, and return
a float for numbers, else an array. A position is one of a venue: its tiers, and for a venue that lists symbols, the
symbol's.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from backtest.errors import ConfigError, MarginError
from backtest.kernels import calculators as kernels
from backtest.kernels.schema import Book, Rules
from backtest.replaying.records import CURRENCIES, new_book, rules_of
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue
from backtest.text import shown

__all__ = ["bankruptcy_price", "liquidation_price", "maintenance_margin", "max_quantity"]

Contract = Literal["linear", "inverse"]
Numbers = float | npt.ArrayLike
Answer = float | npt.NDArray[np.float64]
Column = npt.NDArray[np.float64]


def maintenance_margin(notional: Numbers, venue: Venue, symbol: str | None = None) -> Answer:
    """Return the maintenance margin of a notional: notional * rate - deduction of its tier.

    Parameters
    ----------
    notional : float, array    quantity * mark price (of inverse contracts in coin); below 0 it is a short's
    venue : Venue              `fee_in_maintenance` is included where the venue charges it at the mark
    symbol : str               needed where the venue's tiers are by symbol

    Raises
    ------
    ConfigError                for a symbol that the venue does not list, or a value that is not a finite number
    """
    (column,), shape = broadcast(notional=notional)
    rules = calculator_rules(venue, symbol, None)
    return answer(shape, kernels.fill_maintenance, rules, column * np.sign(rules.contracts[0]["unit"]))


def liquidation_price(
    quantity: Numbers,
    entry_price: Numbers,
    *,
    margin: Numbers,
    venue: Venue,
    symbol: str | None = None,
    other_maintenance: Numbers = 0.0,
    other_pnl: Numbers = 0.0,
    contract: Contract | None = None,
) -> Answer:
    """Return the mark price at which a position is liquidated, NaN where no price does it.

    There the balance, margin + profit, is what the position requires. With E the entry price, q the signed quantity
    and the tier of the answer, that is P = (q * E - margin - deduction) / (q - |q| * rate). On a venue that makes
    margin calls it is the price of the call, where the balance is `call.level` times as much.

    Parameters
    ----------
    quantity : float, array    signed contracts; with a multiplier of 1 base units, of inverse contracts quote units
    entry_price : float, array quote per base unit
    margin : float, array      isolated: what backs the position; cross: the wallet, with the next two
    venue : Venue
    symbol : str               needed where the venue's tiers, lots or multipliers are by symbol
    other_maintenance : float, array   what the other positions of a cross account require
    other_pnl : float, array   their unrealised profit; a fee that the venue requires at the bankruptcy price of a cross
                               account's positions, which depends on their leverage, belongs to other_maintenance
    contract : str             "linear" or "inverse" (money in coin); default: the venue's

    Raises
    ------
    ConfigError                for a symbol that the venue does not list, or a value outside its range

    Source: Binance, "How to Calculate Liquidation Price of USD-M Futures Contracts", solved for one position; for
    inverse contracts the same with -1 / price for the price.
    """
    columns, shape = broadcast(
        quantity=quantity, entry_price=entry_price, margin=margin, other_maintenance=other_maintenance,
        other_pnl=other_pnl,
    )  # fmt: skip
    rules = calculator_rules(venue, symbol, contract)
    size, entry, money, required, profit = columns
    held = (as_units(rules, size), as_prices(rules, entry, "entry_price"), money)
    other = profit - float(rules.settings.call_level) * required
    price = answer(shape, kernels.fill_liquidation_price, at_call_level(rules), *held, other, book=True)
    return as_price(rules, price)


def bankruptcy_price(
    quantity: Numbers, entry_price: Numbers, *, margin: Numbers, venue: Venue, symbol: str | None = None,
    contract: Contract | None = None,
) -> Answer:  # fmt: skip
    """Return the mark price at which a position's margin is used up, NaN where no price does it.

    There margin + profit is 0: P = E - margin / q. Parameters and errors are those of `liquidation_price`.
    """
    columns, shape = broadcast(quantity=quantity, entry_price=entry_price, margin=margin)
    rules = calculator_rules(venue, symbol, contract)
    size, entry, money = columns
    held = (as_units(rules, size), as_prices(rules, entry, "entry_price"), money)
    return as_price(rules, answer(shape, kernels.fill_bankruptcy_price, rules, *held, book=True))


def max_quantity(
    price: Numbers, *, margin: Numbers, leverage: Numbers, venue: Venue, symbol: str | None = None,
    side: Literal["long", "short"] = "long", contract: Contract | None = None,
) -> Answer:  # fmt: skip
    """Return the largest quantity that can be opened with a sum of money, in contracts, unsigned.

    It costs notional * (1 / leverage + taker_fee) at the price after slippage, stays within the tiers that allow the
    leverage, and is a number of whole lots; 0 where that is below the venue's minimum, or where slippage would leave
    the position without surplus at once, so that the order is refused.

    Parameters
    ----------
    price : float, array       at which the order meets the market, before slippage (quote per base unit)
    margin : float, array      money for initial margin and fee, at least 0
    leverage : float, array    at least 1
    venue, symbol, contract    as in `liquidation_price`
    side : str                 "long" or "short"

    Raises
    ------
    ConfigError                for a symbol that the venue does not list, or a value outside its range
    MarginError                for a leverage above what the first tier allows
    """
    columns, shape = broadcast(price=price, margin=margin, leverage=leverage)
    rules = calculator_rules(venue, symbol, contract)
    if side not in ("long", "short"):
        raise ConfigError(f"side must be 'long' or 'short', got {shown(side)}")
    open_price, money, times = columns
    for name, column, least in (("margin", money, 0.0), ("leverage", times, 1.0)):
        if (column < least).any():
            raise ConfigError(f"{name} must be at least {least:g}, got {column[column < least][0]:g}")
    highest = float(rules.tiers[0, 0]["max_leverage"])
    if (times > highest).any():
        raise MarginError(
            f"leverage must be at most {highest:g}, the first tier's max_leverage, "
            f"got {times[times > highest][0]:g} on venue {venue.name}"
        )
    unit = float(rules.contracts[0]["unit"])
    bought = (1.0 if side == "long" else -1.0) * np.sign(unit)
    prices = as_prices(rules, open_price, "price")
    return answer(shape, kernels.fill_max_quantity, rules, bought, prices, money, times, book=True) / abs(unit)


def calculator_rules(venue: Venue, symbol: str | None, contract: Contract | None) -> Rules:
    """Return the rules of one instrument on its own margin."""
    if not isinstance(venue, Venue):
        raise ConfigError(f"venue must be a Venue, such as venue('binance_usdm'), got {type(venue).__name__}")
    if symbol is not None and not isinstance(symbol, str):
        raise ConfigError(f"symbol must be text, got {shown(symbol)}")
    if contract not in (None, "linear", "inverse"):
        raise ConfigError(f"contract must be 'linear' or 'inverse', got {shown(contract)}")
    if contract is not None and contract != venue.contract:
        venue = venue.model_copy(update={"contract": contract})
    if symbol is None and isinstance(venue.tiers, dict):
        raise ConfigError(f"symbol must be given, for venue {venue.name} lists {len(venue.tiers)} of them, got None")
    account = Account(cash=1.0, currency=CURRENCIES[venue.contract])
    return rules_of(account, venue, ("" if symbol is None else symbol,))


def at_call_level(rules: Rules) -> Rules:
    """Return rules whose requirement is that at which the venue calls for margin, where it does."""
    tiers = rules.tiers.copy()
    for name in ("rate", "deduction"):
        tiers[name] *= rules.settings.call_level
    return rules._replace(tiers=tiers)


def broadcast(**values: Numbers) -> tuple[list[Column], tuple[int, ...]]:
    """Return numbers as columns of one length, and the shape that they have together."""
    arrays = []
    for name, value in values.items():
        try:
            given = np.asarray(value)
        except ValueError:  # lists of several lengths
            given = np.asarray(None)
        if given.dtype.kind not in "iuf":
            raise ConfigError(f"{name} must be a number or an array of numbers, got {shown(value)}")
        array = given.astype(np.float64)
        if not np.isfinite(array).all():
            raise ConfigError(f"{name} must be finite, got {array[~np.isfinite(array)].ravel()[0]}")
        arrays.append(array)
    try:
        together = np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(values, arrays, strict=True))
        raise ConfigError(f"arrays must have shapes that broadcast, got {shapes}") from None
    return [np.array(array, np.float64).ravel() for array in together], together[0].shape


def as_units(rules: Rules, quantity: Column) -> Column:
    """Return contracts as the quantities that kernels count."""
    if (quantity == 0.0).any():
        raise ConfigError("quantity must not be 0, got 0")
    return quantity * float(rules.contracts[0]["unit"])


def as_prices(rules: Rules, prices: Column, name: str) -> Column:
    """Return prices as kernels see them."""
    if (prices <= 0.0).any():
        raise ConfigError(f"{name} must be above 0, got {prices[prices <= 0.0][0]:g}")
    return 1.0 / prices if rules.settings.inverse else prices


def as_price(rules: Rules, prices: Answer) -> Answer:
    """Return prices as people see them, NaN where there is none above 0."""
    found = np.where(np.asarray(prices) > 0.0, prices, np.nan)
    turned = 1.0 / found if rules.settings.inverse else found
    return float(turned) if turned.ndim == 0 else turned


def answer(
    shape: tuple[int, ...], kernel: Callable[..., None], rules: Rules, *arguments: Any, book: bool = False
) -> Answer:
    """Return what a kernel writes, one figure a row, as a number or an array of the shape."""
    out = np.empty(int(np.prod(shape)))
    books: tuple[Book, ...] = (new_book(1),) if book else ()
    kernel(rules, *books, *arguments, out)
    return float(out[0]) if shape == () else out.reshape(shape)
