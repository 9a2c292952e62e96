"""The engine's own margin functions, one row after the other, for calculators that replay nothing."""

from backtest.kernels._jit import entry, helper
from backtest.kernels.booking import restate
from backtest.kernels.changes import highest_notional
from backtest.kernels.margin import (
    is_breached,
    ladder_of,
    liquidation_price,
    maintenance_margin,
    moved,
    required_at,
)
from backtest.kernels.orders import is_too_small, margin_of_unit, whole_lots
from backtest.kernels.schema import Book, Float64Array1D, Rules


@entry
def fill_maintenance(rules: Rules, notional: Float64Array1D, out: Float64Array1D) -> None:
    """Write the maintenance margin of every notional; below 0 it is a short's."""
    for row in range(notional.shape[0]):
        ladder = ladder_of(rules, 0, notional[row])
        out[row] = maintenance_margin(rules.tiers, ladder, abs(notional[row]))


@helper
def hold(book: Book, rules: Rules, quantity: float, entry_price: float, margin: float) -> None:
    """Let the only position of the book be this one."""
    position = book.positions[0]
    position.quantity = quantity
    position.entry_price = entry_price
    position.margin = margin
    restate(book, rules, 0)


@entry
def fill_liquidation_price(
    rules: Rules, book: Book, quantity: Float64Array1D, entry_price: Float64Array1D, margin: Float64Array1D,
    other: Float64Array1D, out: Float64Array1D,
) -> None:  # fmt: skip
    """Write the mark at which every position is liquidated; `other` is what the rest of its account adds to surplus."""
    position = book.positions[0]
    for row in range(quantity.shape[0]):
        hold(book, rules, quantity[row], entry_price[row], margin[row])
        level = position.constant - position.fixed_maintenance + other[row]
        out[row] = liquidation_price(rules.tiers, book.positions, 0, 1, level, quantity[row] < 0.0)


@entry
def fill_bankruptcy_price(
    rules: Rules, book: Book, quantity: Float64Array1D, entry_price: Float64Array1D, margin: Float64Array1D,
    out: Float64Array1D,
) -> None:  # fmt: skip
    """Write the mark at which every position has used up its margin."""
    for row in range(quantity.shape[0]):
        hold(book, rules, quantity[row], entry_price[row], margin[row])
        out[row] = -book.positions[0].constant / quantity[row]


@entry
def fill_max_quantity(
    rules: Rules, book: Book, side: float, price: Float64Array1D, margin: Float64Array1D, leverage: Float64Array1D,
    out: Float64Array1D,
) -> None:  # fmt: skip
    """Write the largest quantity that every amount of money opens, after fee and slippage, within tiers and lots."""
    for row in range(price.shape[0]):
        fill = moved(rules, price[row], side * rules.settings.slippage)
        affordable = margin[row] / margin_of_unit(rules, fill, leverage[row])
        quantity = whole_lots(rules, 0, min(affordable, highest_notional(rules, 0, leverage[row]) / fill))
        out[row] = 0.0
        if not is_too_small(rules, 0, quantity, fill, 0.0):
            hold(book, rules, side * quantity, fill, quantity * fill / leverage[row])
            position = book.positions[0]
            balance = position.constant + position.quantity * price[row]
            level = rules.settings.call_level * required_at(rules.tiers, position, price[row])
            out[row] = 0.0 if is_breached(rules, balance - level) else quantity
