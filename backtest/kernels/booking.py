"""What a fill does to positions, margins, the wallet and the logs."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.margin import is_isolated
from backtest.kernels.schema import Barred, Book, Logs, Reason, Reentry, Rules


@helper
def log_fill(
    book: Book,
    logs: Logs,
    t: int,
    i: int,
    quantity: float,
    price: float,
    fee: float,
    realised: float,
    margin: float,
    reason: int,
) -> None:
    """Write a fill, after the position has been changed, with what the position paid since the last one."""
    position = book.positions[i]
    row = logs.counts[0]
    logs.counts[0] = row + 1
    if row < logs.fills.shape[0]:
        fill = logs.fills[row]
        fill.bar = t
        fill.instrument = i
        fill.quantity = quantity
        fill.price = price
        fill.fee = fee
        fill.reason = reason
        fill.position = position.quantity
        fill.realised = realised
        fill.margin = margin
        fill.funding = position.funding
        fill.interest = position.interest
    position.funding = 0.0
    position.interest = 0.0
    book.account.realised += realised
    book.account.fees += fee


@helper
def log_order(logs: Logs, t: int, i: int, wanted: float, filled: float, reason: int) -> None:
    """Write an order that got less than it wanted."""
    row = logs.counts[2]
    logs.counts[2] = row + 1
    if row < logs.orders.shape[0]:
        order = logs.orders[row]
        order.bar = t
        order.instrument = i
        order.wanted = wanted
        order.filled = filled
        order.reason = reason


@helper
def reduce_position(
    book: Book, rules: Rules, logs: Logs, t: int, i: int, amount: float, price: float, reason: int
) -> None:
    """Close `amount` of a position, unsigned; its share of the margin and the profit go to the wallet."""
    position = book.positions[i]
    quantity = position.quantity
    size = abs(quantity)
    traded = -math.copysign(amount, quantity)
    realised = -traded * (price - position.entry_price)
    fee = rules.settings.taker_fee * amount * price
    if amount == size:
        released = position.margin
        empty_position(book, i)
    else:
        released = position.margin * (amount / size)
        position.quantity = quantity + traded
        position.margin -= released
        position.constant = position.margin - position.quantity * position.entry_price
    book.account.wallet += released + realised - fee
    log_fill(book, logs, t, i, traded, price, fee, realised, 0.0, reason)


@helper
def increase_position(book: Book, rules: Rules, logs: Logs, t: int, i: int, traded: float, price: float) -> None:
    """Open or add to a position by a signed quantity; its initial margin comes from the wallet when isolated."""
    position = book.positions[i]
    notional = abs(traded) * price
    margin = notional / rules.settings.leverage
    fee = rules.settings.taker_fee * notional
    if position.quantity == 0.0:
        book.account.held += 1
        position.entry_price = price
        position.quantity = traded
        position.previous_bar = t
    else:
        cost = position.quantity * position.entry_price + traded * price
        position.quantity += traded
        position.entry_price = cost / position.quantity
    if is_isolated(rules):
        position.margin += margin
        # what is asked was cut to fit the wallet, so only rounding could overdraw it
        book.account.wallet = max(book.account.wallet - margin - fee, 0.0)
    else:
        book.account.wallet -= fee
    position.constant = position.margin - position.quantity * position.entry_price
    log_fill(book, logs, t, i, traded, price, fee, 0.0, margin, Reason.SIGNAL)


@helper
def empty_position(book: Book, i: int) -> None:
    """Leave a position flat."""
    position = book.positions[i]
    position.quantity = 0.0
    position.entry_price = 0.0
    position.margin = 0.0
    position.constant = 0.0
    book.account.held -= 1


@helper
def bar_position(book: Book, rules: Rules, t: int, i: int, reason: int) -> None:
    """Keep an instrument flat after a forced exit, until the settings let it be ordered again."""
    position = book.positions[i]
    position.exit_bar = t
    if rules.settings.reentry == Reentry.NEVER and reason == Reason.LIQUIDATION:
        position.barred = Barred.FOREVER
        position.due = 0
    else:
        position.barred = Barred.UNTIL_SIGNAL
        if rules.settings.reentry == Reentry.BAR:
            position.reenter = 1
            book.account.busy = 1


@helper
def book_shortfall(book: Book, rules: Rules) -> None:
    """Turn a wallet below 0 into bad debt, unless a cross account still holds something that may carry it."""
    account = book.account
    if account.wallet < 0.0 and (is_isolated(rules) or account.held == 0):
        account.bad_debt -= account.wallet
        account.wallet = 0.0
