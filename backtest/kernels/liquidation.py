"""Liquidation: SPEC section 4. Positions close at their trade price at the point of the leg at which they fail."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.booking import bar_position, empty_position, log_fill
from backtest.kernels.margin import balance_at, is_isolated, mark_at, trade_at
from backtest.kernels.schema import Book, Logs, Reason, Record, Rules


@helper
def liquidate(book: Book, rules: Rules, logs: Logs, t: int, first: int, point: float, gap: bool) -> None:
    """Liquidate in full the margin unit that begins at position `first`."""
    if is_isolated(rules):
        liquidate_position(book, rules, logs, t, first, point, gap)
    else:
        liquidate_account(book, rules, logs, t, point, gap)


@helper
def liquidation_fill(position: Record, rules: Rules, point: float) -> float:
    """Return the price at which a liquidated position is closed."""
    side = math.copysign(1.0, position.quantity)
    return trade_at(position, point) * (1.0 - side * rules.settings.liquidation_slippage)


@helper
def liquidate_position(book: Book, rules: Rules, logs: Logs, t: int, i: int, point: float, gap: bool) -> None:
    """Close an isolated position: it can lose its margin, and whatever it loses beyond is bad debt."""
    position = book.positions[i]
    account = book.account
    fill = liquidation_fill(position, rules, point)
    margin = position.margin
    remaining = position.constant + position.quantity * fill
    penalty = 0.0
    forfeited = 0.0
    returned = 0.0
    bad_debt = 0.0
    if remaining >= 0.0:
        penalty = min(rules.settings.liquidation_fee * abs(position.quantity) * fill, remaining)
        rest = remaining - penalty
        if rules.settings.forfeit:
            forfeited = rest
        else:
            returned = rest
    else:
        bad_debt = -remaining
    account.wallet += returned
    bankruptcy_price = -position.constant / position.quantity
    close_liquidated(
        book, rules, logs, t, i, point, gap, 0, fill, bankruptcy_price, margin - returned, penalty, forfeited, bad_debt
    )


@helper
def liquidate_account(book: Book, rules: Rules, logs: Logs, t: int, point: float, gap: bool) -> None:
    """Close every position of a cross account at its own price; penalties are paid as far as the wallet goes."""
    account = book.account
    instruments = book.positions.shape[0]
    balance = balance_at(book, rules, 0, instruments, point)
    joint = 1 if account.held > 1 and not gap else 0
    notional = 0.0
    wallet = account.wallet
    for i in range(instruments):
        position = book.positions[i]
        if position.quantity != 0.0:
            fill = liquidation_fill(position, rules, point)
            notional += abs(position.quantity) * fill
            wallet += position.constant + position.quantity * fill
    penalties = min(rules.settings.liquidation_fee * notional, max(wallet, 0.0))
    wallet -= penalties
    bad_debt = 0.0
    if wallet < 0.0:
        bad_debt = -wallet
        wallet = 0.0
    account.wallet = wallet
    for i in range(instruments):
        position = book.positions[i]
        if position.quantity != 0.0:
            fill = liquidation_fill(position, rules, point)
            share = abs(position.quantity) * fill / notional
            bankruptcy_price = mark_at(position, point) - balance / position.quantity
            close_liquidated(
                book, rules, logs, t, i, point, gap, joint, fill, bankruptcy_price, math.nan,
                penalties * share, 0.0, bad_debt * share,
            )  # fmt: skip


@helper
def close_liquidated(
    book: Book, rules: Rules, logs: Logs, t: int, i: int, point: float, gap: bool, joint: int, fill: float,
    bankruptcy_price: float, margin_lost: float, penalty: float, forfeited: float, bad_debt: float,
) -> None:  # fmt: skip
    """Write a liquidation and its fill, add them to the totals, and leave the position flat."""
    position = book.positions[i]
    account = book.account
    quantity = position.quantity
    row = logs.counts[1]
    logs.counts[1] = row + 1
    if row < logs.liquidations.shape[0]:
        liquidation = logs.liquidations[row]
        liquidation.bar = t
        liquidation.instrument = i
        liquidation.fill = logs.counts[0]
        liquidation.quantity = quantity
        liquidation.mark_price = mark_at(position, point)
        liquidation.fill_price = fill
        liquidation.bankruptcy_price = bankruptcy_price
        liquidation.margin_lost = margin_lost
        liquidation.penalty = penalty
        liquidation.forfeited = forfeited
        liquidation.bad_debt = bad_debt
        liquidation.gap = 1 if gap else 0
        liquidation.joint = joint
        liquidation.partial = 0
    account.penalties += penalty
    account.forfeited += forfeited
    account.bad_debt += bad_debt
    realised = quantity * (fill - position.entry_price)
    empty_position(book, i)
    log_fill(book, logs, t, i, -quantity, fill, 0.0, realised, 0.0, Reason.LIQUIDATION)
    bar_position(book, rules, t, i, Reason.LIQUIDATION)
