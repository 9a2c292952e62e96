"""What a fill does to positions, margins, the wallet and the logs."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.enums import Barred, MaintenanceOn, OnLiquidation, Reason, Reentry
from backtest.kernels.margin import is_breached, is_isolated, ladder_of, maintenance_margin, nets_legs, required_at
from backtest.kernels.schema import Book, Logs, Record, Rules


@helper
def add_margin(position: Record, amount: float) -> None:
    """Add money to an isolated position's margin; nothing that it requires depends on it."""
    position.margin += amount
    position.constant = position.margin - position.quantity * position.entry_price


@helper
def restate(book: Book, rules: Rules, i: int) -> None:
    """Bring up to date what follows from a position's quantity, entry price and margin."""
    position = book.positions[i]
    settings = rules.settings
    quantity = position.quantity
    position.constant = position.margin - quantity * position.entry_price
    position.ladder = ladder_of(rules, i, quantity)
    position.maintenance_quantity = abs(quantity)
    position.fixed_maintenance = 0.0
    if nets_legs(rules):
        net_legs(book, rules, i - i % 2)
    elif settings.maintenance_on == MaintenanceOn.ENTRY:
        position.maintenance_quantity = 0.0
        position.fixed_maintenance = maintenance_margin(
            rules.tiers, position.ladder, abs(quantity) * position.entry_price
        )
    if settings.bankruptcy_fee > 0.0 and not is_isolated(rules):
        position.fixed_maintenance += settings.bankruptcy_fee * bankruptcy_notional(position)


@helper
def bankruptcy_notional(position: Record) -> float:
    """Return the notional of a position of a cross account at the price that uses up its initial margin.

    The fee to close it there is part of what the account must maintain. An isolated position's margin holds that fee
    besides its initial margin, so that there the two cancel.
    Source: Bybit, "Liquidation Price Calculation under Isolated Mode (Unified Trading Account)": fee to close =
    quantity * entry price * (1 -/+ 1 / leverage) * taker fee, in the position's margin and in the requirement.
    """
    cost = position.quantity * position.entry_price
    return abs(abs(cost) / position.leverage - cost)


@helper
def net_legs(book: Book, rules: Rules, first: int) -> None:
    """Let the maintenance curve see the legs of a symbol as one position: through the first that is held."""
    net = book.positions[first].quantity + book.positions[first + 1].quantity
    second_alone = book.positions[first].quantity == 0.0
    for leg in range(2):
        position = book.positions[first + leg]
        position.ladder = ladder_of(rules, first + leg, net)
        position.maintenance_quantity = abs(net) if (leg == 1) == second_alone else 0.0


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
        empty_position(book, rules, i)
    else:
        released = position.margin * (amount / size)
        position.quantity = quantity + traded
        position.margin -= released
        restate(book, rules, i)
    book.account.wallet += released + realised - fee
    log_fill(book, logs, t, i, traded, price, fee, realised, 0.0, reason)


@helper
def increase_position(
    book: Book, rules: Rules, logs: Logs, t: int, i: int, traded: float, price: float, mark: float
) -> bool:
    """Open or add to a position by a signed quantity; its initial margin comes from the wallet when isolated.

    An isolated position that would then be breached at the mark stays as it is, and False comes back.
    """
    position = book.positions[i]
    notional = abs(traded) * price
    margin = notional / position.leverage
    fee = rules.settings.taker_fee * notional
    quantity = position.quantity
    entry_price = position.entry_price
    position.quantity = quantity + traded
    position.entry_price = price
    if quantity != 0.0:
        position.entry_price = (quantity * entry_price + traded * price) / position.quantity
    if is_isolated(rules):
        position.margin += margin
        restate(book, rules, i)
        balance = position.constant + position.quantity * mark
        if is_breached(rules, balance - position.level * required_at(rules.tiers, position, mark)):
            position.quantity = quantity
            position.entry_price = entry_price
            position.margin -= margin
            restate(book, rules, i)
            return False
        # what is asked was cut to fit the wallet, so only rounding could overdraw it
        book.account.wallet = max(book.account.wallet - margin - fee, 0.0)
    else:
        restate(book, rules, i)
        book.account.wallet -= fee
    if quantity == 0.0:
        book.account.held += 1
    log_fill(book, logs, t, i, traded, price, fee, 0.0, margin, Reason.SIGNAL)
    return True


@helper
def empty_position(book: Book, rules: Rules, i: int) -> None:
    """Leave a position flat."""
    position = book.positions[i]
    position.quantity = 0.0
    position.entry_price = 0.0
    position.margin = 0.0
    restate(book, rules, i)
    book.account.held -= 1


@helper
def bar_position(book: Book, rules: Rules, t: int, i: int, reason: int) -> None:
    """Leave an instrument alone after a forced exit, until the settings let it be ordered again."""
    position = book.positions[i]
    account = book.account
    settings = rules.settings
    liquidated = reason == Reason.LIQUIDATION
    position.exit_bar = t
    position.barred = Barred.UNTIL_SIGNAL
    if liquidated and settings.on_liquidation == OnLiquidation.STOP and position.quantity == 0.0:
        position.barred = Barred.FOREVER
        position.due = 0
    if liquidated and settings.on_liquidation == OnLiquidation.REFILL:
        account.refill_bar = t + 1
        account.busy = 1
    again = settings.on_liquidation == OnLiquidation.REENTER if liquidated else settings.reentry == Reentry.BAR
    position.reenter = 1 if again else 0
    if again:
        account.busy = 1


@helper
def book_shortfall(book: Book, rules: Rules) -> None:
    """Turn a wallet below 0 into bad debt, unless a cross account still holds something that may carry it."""
    account = book.account
    if account.wallet < 0.0 and (is_isolated(rules) or account.held == 0):
        add_bad_debt(book, rules, -account.wallet)
        account.wallet = 0.0


@helper
def pay_into_fund(book: Book, penalty: float, forfeited: float) -> None:
    """Let the insurance fund take penalties and forfeited margin."""
    account = book.account
    account.penalties += penalty
    account.forfeited += forfeited
    account.insurance_fund += penalty + forfeited


@helper
def add_bad_debt(book: Book, rules: Rules, amount: float) -> None:
    """Let the insurance fund bear a loss beyond the margin, and others what it cannot."""
    account = book.account
    account.bad_debt += amount
    left = account.insurance_fund - amount
    if rules.settings.insurance_limited and left < 0.0:
        account.socialised_loss -= left
        left = 0.0
    account.insurance_fund = left
