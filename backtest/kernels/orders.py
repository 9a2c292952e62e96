"""Step 3 of a bar: orders become fills; reductions first, then increases as far as margin allows.

Where the specification leaves a choice:

- No order is due at the first bar. Any order that is sent ends what a forced exit had barred.
- An order that waits is logged once, at the first bar without prices, unless signal and position are both 0.
- An order is logged with the first reason that applies of ruined, refused, margin, tier and fees. `wanted` is the
  change to the target before the tiers cut it. An order's target is cut even below a holding that drifted higher.
- A shortage of margin is one of fees where this bar's taker fees and slippage, and the dust limit, account for it.
- A shortage within rounding is none: an order for all there is must not be cut by the last bit. So are whole lots.
- Where a liquidated instrument is not ordered again, a signal that changes at the open of the liquidation is lost too.
"""

import math

from backtest.kernels._jit import helper
from backtest.kernels.accrual import is_present, owes_interest
from backtest.kernels.booking import book_shortfall, increase_position, log_order, reduce_position
from backtest.kernels.enums import Barred, Reason, Rebalance, Shortfall, Sizing
from backtest.kernels.margin import ROUNDING, constant_of, is_higher, is_isolated, moved
from backtest.kernels.schema import Book, Logs, Market, Record, Rules

RUIN = 1e-6  # of cash
DUST = 1e-9  # of cash or equity
NONE = -1  # the order gets all it wants


@helper
def equity_at_open(market: Market, book: Book, t: int) -> float:
    """Return the account's equity at the marks at which the bar opens."""
    equity = constant_of(book)
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            equity += position.quantity * market.mark[t, i].open
    return equity


@helper
def trade(market: Market, book: Book, rules: Rules, logs: Logs, t: int) -> None:
    """Order what is due at the open of bar `t`."""
    account = book.account
    equity = equity_at_open(market, book, t)
    if equity <= RUIN * rules.settings.cash:
        account.ruined = 1
    dust = DUST * max(rules.settings.cash, equity)
    base = rules.settings.cash if rules.settings.sizing == Sizing.CASH else max(equity, 0.0)
    first = book.positions.shape[0]
    last = 0  # orders stand between these two
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        position.reduction = 0.0
        position.increase = 0.0
        position.shortfall = NONE
        if is_ordered(market, book, rules, t, i):
            plan_order(market, book, rules, t, i, base, dust)
        elif position.shortfall == NONE:
            continue
        first = min(first, i)
        last = i + 1
    if first < last:
        costs = fill_reductions(market, book, rules, logs, t, first, last)
        fill_increases(market, book, rules, logs, t, first, last, dust, costs)
        log_shortfalls(book, logs, t, first, last)


@helper
def is_ordered(market: Market, book: Book, rules: Rules, t: int, i: int) -> bool:
    """Return whether an order is spent on the instrument at this open; one that is due on a missing bar waits."""
    position = book.positions[i]
    if t > 0 and rules.settings.rebalance == Rebalance.BAR and position.barred == Barred.NO:
        position.due = 1
    if position.reenter and t > position.exit_bar:
        position.due = 1
    if not position.due or position.barred == Barred.FOREVER:
        return False
    if not is_present(market, t, i):
        if not position.waiting and (position.signal != 0.0 or position.quantity != 0.0):
            position.waiting = 1
            position.wanted = math.nan
            position.filled = 0.0
            position.shortfall = Shortfall.WAITING
        return False
    position.due = 0
    position.waiting = 0
    position.reenter = 0
    position.barred = Barred.NO
    return True


@helper
def plan_order(market: Market, book: Book, rules: Rules, t: int, i: int, base: float, dust: float) -> None:
    """Work out what the order wants: the part that closes, the part that opens, and the fill price of both."""
    position = book.positions[i]
    quantity = position.quantity
    price = market.trade[t, i].open
    asked = position.signal * position.leverage * base
    target_notional = max(-position.limit, min(asked, position.limit))
    gap = target_notional / price - quantity
    side = 0.0 if gap == 0.0 else math.copysign(1.0, gap)
    fill = moved(rules, price, side * rules.settings.slippage)
    target = whole_lots(rules, i, target_notional / fill)
    change = target - quantity
    position.fill_price = fill
    position.wanted = asked / fill - quantity
    position.filled = 0.0
    if target_notional != asked:
        position.shortfall = Shortfall.TIER
    unrounded = increase_towards(quantity, target_notional / fill, side)
    if change * side > 0.0:
        if quantity * side < 0.0:
            position.reduction = min(abs(change), abs(quantity))
            if position.reduction * fill <= dust and position.reduction != abs(quantity):
                position.reduction = 0.0
        position.increase = increase_towards(quantity, target, side)
    if is_too_small(rules, i, position.increase, fill, dust):
        position.increase = 0.0
        if abs(unrounded) * fill > dust and position.shortfall == NONE:
            position.shortfall = Shortfall.MINIMUM
    elif book.account.ruined:
        position.increase = 0.0
        position.shortfall = Shortfall.RUINED


@helper
def whole_lots(rules: Rules, i: int, quantity: float) -> float:
    """Return a quantity rounded towards 0 to whole lots."""
    lot = rules.contracts[i].lot
    if lot == 0.0:
        return quantity
    return math.copysign(math.floor(abs(quantity) / lot * (1.0 + ROUNDING)) * lot, quantity)


@helper
def increase_towards(quantity: float, target: float, side: float) -> float:
    """Return the signed quantity that a trade towards a target opens, after it has closed what stands against it."""
    opened = target if quantity * side < 0.0 else target - quantity
    return opened if opened * side > 0.0 else 0.0


@helper
def is_too_small(rules: Rules, i: int, increase: float, fill: float, dust: float) -> bool:
    """Return whether the venue takes no such order, or it is dust."""
    notional = abs(increase) * fill
    return notional <= dust or notional < rules.contracts[i].minimum_notional


@helper
def slippage_cost(market: Market, book: Book, t: int, i: int, quantity: float) -> float:
    """Return what slippage takes from a trade of `quantity`."""
    return abs(quantity) * abs(book.positions[i].fill_price - market.trade[t, i].open)


@helper
def fill_reductions(market: Market, book: Book, rules: Rules, logs: Logs, t: int, first: int, last: int) -> float:
    """Fill what closes, in instrument order, and return what it paid in fees and slippage."""
    costs = 0.0
    for i in range(first, last):
        position = book.positions[i]
        if position.reduction > 0.0:
            costs += rules.settings.taker_fee * position.reduction * position.fill_price
            costs += slippage_cost(market, book, t, i, position.reduction)
            position.filled -= math.copysign(position.reduction, position.quantity)
            reduce_position(book, rules, logs, t, i, position.reduction, position.fill_price, Reason.SIGNAL)
    book_shortfall(book, rules)
    return costs


@helper
def margin_of_unit(rules: Rules, fill: float, leverage: float) -> float:
    """Return what one unit of an increase takes: its initial margin and the taker fee."""
    return fill * (1.0 / leverage + rules.settings.taker_fee)


@helper
def margin_price(market: Market, position: Record, rules: Rules, t: int, i: int) -> float:
    """Return what one unit of an increase takes from the margin available: initial margin, fee and instant loss."""
    fill = position.fill_price
    price = margin_of_unit(rules, fill, position.leverage)
    if not is_isolated(rules):
        side = math.copysign(1.0, position.increase)
        price += max(0.0, side * (fill - market.mark[t, i].open))
    return price


@helper
def margin_available(market: Market, book: Book, rules: Rules, t: int) -> float:
    """Return what increases may cost together: the wallet, or the equity that initial margins leave free."""
    if is_isolated(rules):
        return book.account.wallet
    available = equity_at_open(market, book, t)
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            available -= abs(position.quantity) * market.mark[t, i].open / position.leverage
    return available


@helper
def fill_increases(
    market: Market, book: Book, rules: Rules, logs: Logs, t: int, first: int, last: int, dust: float, costs: float
) -> None:
    """Fill what opens, cut by one factor to the margin available; `costs` is what the reductions paid."""
    asked = 0.0
    for i in range(first, last):
        position = book.positions[i]
        if position.increase != 0.0:
            size = abs(position.increase)
            asked += size * margin_price(market, position, rules, t, i)
            costs += rules.settings.taker_fee * size * position.fill_price
            costs += slippage_cost(market, book, t, i, size)
    if asked == 0.0:
        return
    available = margin_available(market, book, rules, t)
    if available <= dust:
        available = 0.0
    factor = available / asked if is_higher(asked, available) else 1.0
    reason = Shortfall.FEES if asked - available <= costs + dust else Shortfall.MARGIN
    for i in range(first, last):
        position = book.positions[i]
        if position.increase != 0.0:
            traded = position.increase if factor == 1.0 else whole_lots(rules, i, position.increase * factor)
            if factor < 1.0 and (position.shortfall == NONE or reason == Shortfall.MARGIN):
                position.shortfall = reason
            if is_too_small(rules, i, traded, position.fill_price, dust):
                continue
            mark = market.mark[t, i].open
            if increase_position(book, rules, logs, t, i, traded, position.fill_price, mark):
                position.filled += traded
                if owes_interest(rules):  # asked first: the time of a bar lies far from its prices
                    position.previous_time = market.time[t]
            else:
                position.shortfall = Shortfall.REFUSED
    book_shortfall(book, rules)


@helper
def log_shortfalls(book: Book, logs: Logs, t: int, first: int, last: int) -> None:
    """Write every order of this bar that got less than it wanted."""
    for i in range(first, last):
        position = book.positions[i]
        if position.shortfall != NONE:
            log_order(logs, t, i, position.wanted, position.filled, position.shortfall)
