"""Steps 2 and 4 of a bar: survive the open, then walk three straight legs and stop at every event on them.

A position that slippage has opened beyond its own stop is stopped where it stands. An isolated position whose
instrument is missing is left alone; a cross account is checked on every bar, with its missing instruments at their
last marks. The legs of a hedged symbol walk as one, the way that is worst (or best) for what they hold together.
"""

import math

from backtest.kernels._jit import helper
from backtest.kernels.accrual import is_present
from backtest.kernels.booking import bar_position, book_shortfall, reduce_position
from backtest.kernels.calls import answer_calls, fail, fails_at, refill
from backtest.kernels.enums import Intrabar, Reason
from backtest.kernels.margin import (
    between,
    breach_point,
    end_of,
    equity_at,
    is_breached,
    is_isolated,
    moved,
    surplus_at,
    trade_at,
)
from backtest.kernels.schema import Book, Logs, Market, Record, Rules

NOT_ON_LEG = 2.0
RECIPROCAL = 1e-15  # relative; what rounding can do to a reciprocal and to a multiple of one


@helper
def stop_price(position: Record, rules: Rules) -> float:
    """Return the price at which the stop-loss sits."""
    level = moved(rules, position.entry_price, -math.copysign(position.stop_loss, position.quantity))
    return touched(rules, level, math.copysign(1.0, position.quantity))


@helper
def take_profit_price(position: Record, rules: Rules) -> float:
    """Return the price at which the take-profit sits."""
    level = moved(rules, position.entry_price, math.copysign(position.take_profit, position.quantity))
    return touched(rules, level, -math.copysign(1.0, position.quantity))


@helper
def touched(rules: Rules, level: float, side: float) -> float:
    """Return a level that a price which is equal to it meets, though both have been rounded as reciprocals."""
    return level * (1.0 + side * RECIPROCAL) if rules.settings.inverse else level


@helper
def stand_at_open(market: Market, book: Book, t: int) -> None:
    """Make the leg of no length at which the bar opens."""
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            position.trade_from = position.trade_to = market.trade[t, i].open
            position.mark_from = position.mark_to = market.mark[t, i].open
            position.trigger_point = NOT_ON_LEG


@helper
def set_course(market: Market, book: Book, rules: Rules, t: int) -> None:
    """Decide for every position whether the bar goes to its low first."""
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            position.low_first = 1 if goes_low_first(market, book, rules, t, i) else 0


@helper
def goes_low_first(market: Market, book: Book, rules: Rules, t: int, i: int) -> bool:
    """Return whether a bar goes to its low before its high, in prices as kernels see them.

    On a path, a rising bar does; the reciprocals of a rising bar fall. Else it is what is worst, or best, for the
    position, or for both legs of a hedged symbol together; of one instrument alone, what is worst for it and best for
    the others.
    """
    settings = rules.settings
    if settings.intrabar == Intrabar.PATH:
        trade = market.trade[t, i]
        return trade.close > trade.open or (trade.close == trade.open and not settings.inverse)
    worst = settings.intrabar == Intrabar.WORST
    if settings.intrabar == Intrabar.ALONE:
        worst = settings.alone == (i // 2 if settings.hedged else i)
    quantity = book.positions[i].quantity
    if settings.hedged:
        quantity = book.positions[i - i % 2].quantity + book.positions[i - i % 2 + 1].quantity
    long = quantity > 0.0 or (quantity == 0.0 and not settings.inverse)
    return worst == long


@helper
def set_leg(market: Market, book: Book, t: int, leg: int) -> None:
    """Point every position from where it stands to where the leg ends; a missing instrument stands still."""
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            trade = market.trade[t, i]
            mark = market.mark[t, i]
            position.trade_from = trade.open if leg == 0 else position.trade_to
            position.mark_from = mark.open if leg == 0 else position.mark_to
            if leg == 2:
                position.trade_to = trade.close
                position.mark_to = mark.close
            elif (leg == 0) == (position.low_first == 1):
                position.trade_to = trade.low
                position.mark_to = mark.low
            else:
                position.trade_to = trade.high
                position.mark_to = mark.high


@helper
def set_trigger(position: Record, rules: Rules, start: float) -> None:
    """Find where on the rest of the leg the trade price meets the stop or the take-profit."""
    side = math.copysign(1.0, position.quantity)
    stop = stop_price(position, rules)
    profit = take_profit_price(position, rules)
    position.trigger_point = NOT_ON_LEG
    here = between(position.trade_from, position.trade_to, start)
    length = position.trade_to - position.trade_from
    if side * (here - stop) <= 0.0:  # opened beyond its own stop
        position.trigger_point = start
        position.trigger_price = here
        position.trigger_reason = Reason.STOP_LOSS
    elif side * (here - profit) >= 0.0:
        position.trigger_point = start
        position.trigger_price = here
        position.trigger_reason = Reason.TAKE_PROFIT
    elif side * (position.trade_to - stop) <= 0.0:
        position.trigger_point = min(max((stop - position.trade_from) / length, start), 1.0)
        position.trigger_price = stop
        position.trigger_reason = Reason.STOP_LOSS
    elif side * (position.trade_to - profit) >= 0.0:
        position.trigger_point = min(max((profit - position.trade_from) / length, start), 1.0)
        position.trigger_price = profit
        position.trigger_reason = Reason.TAKE_PROFIT


@helper
def exit_position(book: Book, rules: Rules, logs: Logs, t: int, i: int, price: float, reason: int) -> None:
    """Close a position at its stop, which slips, or at its take-profit, which does not."""
    position = book.positions[i]
    side = math.copysign(1.0, position.quantity)
    fill = moved(rules, price, -side * rules.settings.slippage) if reason == Reason.STOP_LOSS else price
    reduce_position(book, rules, logs, t, i, abs(position.quantity), fill, reason)
    bar_position(book, rules, t, i, reason)


@helper
def fail_at_open(market: Market, book: Book, rules: Rules, logs: Logs, t: int) -> None:
    """Act on what the open finds breached: each isolated position that trades, or the cross account."""
    isolated = is_isolated(rules)
    units = book.positions.shape[0] if isolated else 1
    for first in range(units):
        if not isolated or is_present(market, t, first):
            while fails_at(book, rules, first, 0.0):
                fail(market, book, rules, logs, t, first, 0, 0.0, True)


@helper
def survive_open(market: Market, book: Book, rules: Rules, logs: Logs, t: int) -> None:
    """Check what was carried in at the open, answer margin calls, and leave by the stops that the open has reached."""
    refilling = t > 0 and book.account.refill_bar == t  # a liquidation at this open asks for the next one
    stand_at_open(market, book, t)
    fail_at_open(market, book, rules, logs, t)
    if book.account.calls > 0:
        answer_calls(market, book, rules, logs, t)
    exits = False
    for i in range(book.positions.shape[0] if book.account.stops else 0):
        position = book.positions[i]
        if position.quantity != 0.0 and is_present(market, t, i):
            side = math.copysign(1.0, position.quantity)
            price = position.trade_from
            if side * (price - stop_price(position, rules)) <= 0.0:
                exit_position(book, rules, logs, t, i, price, Reason.STOP_LOSS)
                exits = True
            elif side * (price - take_profit_price(position, rules)) >= 0.0:
                exit_position(book, rules, logs, t, i, price, Reason.TAKE_PROFIT)
                exits = True
    if exits and not is_isolated(rules):
        fail_at_open(market, book, rules, logs, t)
    book_shortfall(book, rules)
    if refilling:
        refill(book, rules, logs, t)


@helper
def next_trigger(market: Market, book: Book, rules: Rules, t: int, start: float) -> int:
    """Return the position whose stop or take-profit is hit first on the rest of the leg, -1 for none."""
    nearest = -1
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            position.trigger_point = NOT_ON_LEG
            if book.account.stops and is_present(market, t, i):
                set_trigger(position, rules, start)
                if position.trigger_point < (book.positions[nearest].trigger_point if nearest >= 0 else NOT_ON_LEG):
                    nearest = i
    return nearest


@helper
def next_breach(market: Market, book: Book, rules: Rules, t: int, start: float, end: float) -> tuple[int, float]:
    """Return the first position of the margin unit that fails first between `start` and `end`, and where it fails."""
    instruments = book.positions.shape[0]
    isolated = is_isolated(rules)
    units = instruments if isolated else min(book.account.held, 1)
    found = -1
    nearest = NOT_ON_LEG
    for unit in range(units):
        if isolated and (book.positions[unit].quantity == 0.0 or not is_present(market, t, unit)):
            continue
        last = end_of(book, rules, unit)
        point = NOT_ON_LEG
        if is_breached(rules, surplus_at(book, rules, unit, last, start)):
            point = start
        elif is_breached(rules, surplus_at(book, rules, unit, last, end)):
            point = breach_point(book, rules, unit, last, start, end)
        if point < nearest:
            found = unit
            nearest = point
    return found, nearest


@helper
def walk(market: Market, book: Book, rules: Rules, logs: Logs, t: int) -> float:
    """Walk the legs of a bar from event to event, and return the lowest equity on the way."""
    lowest = math.inf
    set_course(market, book, rules, t)
    for leg in range(3):
        set_leg(market, book, t, leg)
        point = 0.0
        while book.account.held > 0:
            trigger = next_trigger(market, book, rules, t, point)
            end = book.positions[trigger].trigger_point if trigger >= 0 else 1.0
            unit, breach = next_breach(market, book, rules, t, point, end)
            if unit >= 0:
                fail(market, book, rules, logs, t, unit, leg, breach, False)
                point = breach
            elif trigger >= 0:
                position = book.positions[trigger]
                price = trade_at(position, end)
                exit_position(book, rules, logs, t, trigger, price, position.trigger_reason)
                point = end
            else:
                break
            book_shortfall(book, rules)
            lowest = min(lowest, equity_at(book, point))
        lowest = min(lowest, equity_at(book, 1.0))
    return lowest
