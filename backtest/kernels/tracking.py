"""How positions change from close to close: what is held, at what price, and the prices that would end it."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.closing import account_surplus, failing_price, legs_that_fail_together
from backtest.kernels.margin import is_isolated
from backtest.kernels.schema import Book, Market, Record, Rules, Track
from backtest.kernels.walk import stop_price, take_profit_price

OUT_OF_REACH = 1e-9  # of a mark


@helper
def note_holdings(market: Market, book: Book, rules: Rules, track: Track, t: int) -> None:
    """Write a row for every position of which something is not what it was at the close before."""
    surplus = 0.0 if is_isolated(rules) else account_surplus(market, book, rules, t)
    legs = legs_that_fail_together(rules)
    for first in range(0, book.positions.shape[0], legs):
        failing = failing_price(market, book, rules, t, first, first + legs, surplus)
        for i in range(first, first + legs):
            latest = track.latest[i]
            price = reachable(failing, market.mark[t, i].close)
            if is_other(book.positions[i], rules, latest, price):
                set_holding(book.positions[i], rules, latest, price)
                latest.bar = t
                latest.instrument = i
                row = track.changes[0]
                if row < track.holdings.shape[0]:
                    track.holdings[row] = latest
                track.changes[0] = row + 1


@helper
def is_other(position: Record, rules: Rules, latest: Record, liquidation: float) -> bool:
    """Return whether a position is not what its latest row says."""
    if position.quantity == 0.0 and latest.quantity == 0.0:
        return False
    return not (
        position.quantity == latest.quantity
        and position.entry_price == latest.entry_price
        and position.margin == latest.margin
        and is_same(liquidation, latest.liquidation_price)
        and is_same(stop_in_force(position, rules), latest.stop_price)
        and is_same(take_profit_in_force(position, rules), latest.take_profit_price)
    )


@helper
def set_holding(position: Record, rules: Rules, latest: Record, liquidation: float) -> None:
    """Let a row say what a position is."""
    held = position.quantity != 0.0
    latest.quantity = position.quantity
    latest.entry_price = position.entry_price if held else math.nan
    latest.margin = position.margin if held else math.nan
    latest.liquidation_price = liquidation if held else math.nan
    latest.stop_price = stop_in_force(position, rules) if held else math.nan
    latest.take_profit_price = take_profit_in_force(position, rules) if held else math.nan


@helper
def is_same(one: float, other: float) -> bool:
    """Return whether two prices are equal, or both are none."""
    return one == other or (math.isnan(one) and math.isnan(other))


@helper
def stop_in_force(position: Record, rules: Rules) -> float:
    """Return the price of the stop-loss, NaN without one."""
    if position.stop_loss == math.inf:
        return math.nan
    return reachable(stop_price(position, rules), position.entry_price)


@helper
def take_profit_in_force(position: Record, rules: Rules) -> float:
    """Return the price of the take-profit, NaN without one."""
    if position.take_profit == math.inf:
        return math.nan
    return reachable(take_profit_price(position, rules), position.entry_price)


@helper
def reachable(price: float, usual: float) -> float:
    """Return a price, NaN for one that no market reaches: 0, or what rounding makes of it, or infinite."""
    return price if usual * OUT_OF_REACH < price < math.inf else math.nan
