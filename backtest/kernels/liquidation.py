"""Liquidation: positions close at their trade price at the point of the leg at which their margin unit fails."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.booking import add_bad_debt, bar_position, empty_position, log_fill, pay_into_fund, restate
from backtest.kernels.enums import Reason
from backtest.kernels.margin import balance_at, end_of, is_isolated, maintenance_at, mark_at
from backtest.kernels.policies import choose_closings, liquidation_fill
from backtest.kernels.schema import Book, Logs, Market, Rules


@helper
def clock(market: Market, t: int, leg: int, point: float) -> int:
    """Return the time (ns) at a point of a leg: each of the three takes a third of the bar."""
    after = min(t + 1, market.time.shape[0] - 1)
    length = market.time[after] - market.time[after - 1] if after > 0 else 0
    return market.time[t] + int((leg + point) / 3.0 * length)


@helper
def liquidate(
    market: Market, book: Book, rules: Rules, logs: Logs, t: int, first: int, leg: int, point: float, gap: bool
) -> None:
    """Liquidate the margin unit that begins at position `first`, as far as the venue's policy goes."""
    last = end_of(book, rules, first)
    balance = balance_at(book, rules, first, last, point)
    maintenance = maintenance_at(book, rules, first, last, point)
    now = clock(market, t, leg, point)
    taken = choose_closings(market, book, rules, t, first, last, point, now, balance, maintenance)
    if is_isolated(rules):
        liquidate_position(book, rules, logs, t, first, point, gap, taken)
    else:
        liquidate_account(book, rules, logs, t, point, gap, taken, balance)


@helper
def liquidate_position(
    book: Book, rules: Rules, logs: Logs, t: int, i: int, point: float, gap: bool, taken: bool
) -> None:
    """Close an isolated position, or part of it: it can lose its margin, and whatever it loses beyond is bad debt."""
    position = book.positions[i]
    fill = liquidation_fill(position, rules, point)
    whole = position.closing == abs(position.quantity)
    closed = math.copysign(position.closing, position.quantity)
    margin = position.margin
    bankruptcy_price = -position.constant / position.quantity
    realised = closed * (fill - position.entry_price)
    remaining = position.constant + position.quantity * fill
    if not whole:
        remaining = margin + realised + (position.quantity - closed) * (mark_at(position, point) - position.entry_price)
    penalty = min(rules.settings.liquidation_fee * position.closing * fill, max(remaining, 0.0))
    forfeited = 0.0
    returned = 0.0
    bad_debt = 0.0
    kept = margin + realised - penalty
    if whole:
        kept = 0.0
        if remaining < 0.0:
            bad_debt = -remaining
        elif rules.settings.forfeit or taken:
            forfeited = remaining - penalty
        else:
            returned = remaining - penalty
    book.account.wallet += returned
    position.margin = kept
    close_liquidated(
        book, rules, logs, t, i, point, gap, 0, fill, bankruptcy_price, margin - kept - returned, penalty, forfeited,
        bad_debt,
    )  # fmt: skip


@helper
def symbols_held(book: Book, rules: Rules) -> int:
    """Return how many prices move the account: the two legs of a hedged symbol walk as one."""
    legs = 2 if rules.settings.hedged else 1
    count = 0
    for first in range(0, book.positions.shape[0], legs):
        held = book.positions[first].quantity != 0.0 or book.positions[first + legs - 1].quantity != 0.0
        count += 1 if held else 0
    return count


@helper
def liquidate_account(
    book: Book, rules: Rules, logs: Logs, t: int, point: float, gap: bool, taken: bool, balance: float
) -> None:
    """Close what was chosen of a cross account, each at its own price; its balance limits what penalties are paid."""
    account = book.account
    instruments = book.positions.shape[0]
    joint = 1 if symbols_held(book, rules) > 1 and not gap else 0
    notional = 0.0
    wallet = account.wallet
    left = 0.0
    held = account.held
    for i in range(instruments):
        position = book.positions[i]
        if position.quantity != 0.0:
            fill = liquidation_fill(position, rules, point)
            closed = math.copysign(position.closing, position.quantity)
            notional += position.closing * fill
            wallet += closed * (fill - position.entry_price)
            left += (position.quantity - closed) * (mark_at(position, point) - position.entry_price)
            if closed == position.quantity:
                held -= 1
    penalties = min(rules.settings.liquidation_fee * notional, max(wallet + left, 0.0))
    wallet -= penalties
    forfeited = 0.0
    bad_debt = 0.0
    if held == 0 and wallet < 0.0:
        bad_debt = -wallet
        wallet = 0.0
    elif taken:
        forfeited = wallet
        wallet = 0.0
    account.wallet = wallet
    for i in range(instruments):
        position = book.positions[i]
        if position.quantity != 0.0 and position.closing > 0.0:
            fill = liquidation_fill(position, rules, point)
            share = position.closing * fill / notional
            bankruptcy_price = mark_at(position, point) - balance / position.quantity
            close_liquidated(
                book, rules, logs, t, i, point, gap, joint, fill, bankruptcy_price, math.nan,
                penalties * share, forfeited * share, bad_debt * share,
            )  # fmt: skip


@helper
def close_liquidated(
    book: Book, rules: Rules, logs: Logs, t: int, i: int, point: float, gap: bool, joint: int, fill: float,
    bankruptcy_price: float, margin_lost: float, penalty: float, forfeited: float, bad_debt: float,
) -> None:  # fmt: skip
    """Write a liquidation and its fill, add them to the totals, and take what was closed from the position."""
    position = book.positions[i]
    closed = math.copysign(position.closing, position.quantity)
    realised = closed * (fill - position.entry_price)
    partial = closed != position.quantity
    row = logs.counts[1]
    logs.counts[1] = row + 1
    if row < logs.liquidations.shape[0]:
        liquidation = logs.liquidations[row]
        liquidation.bar = t
        liquidation.instrument = i
        liquidation.fill_row = logs.counts[0]
        liquidation.quantity = closed
        liquidation.mark_price = mark_at(position, point)
        liquidation.fill_price = fill
        liquidation.bankruptcy_price = bankruptcy_price
        liquidation.margin_lost = margin_lost
        liquidation.penalty = penalty
        liquidation.forfeited = forfeited
        liquidation.bad_debt = bad_debt
        liquidation.gap = 1 if gap else 0
        liquidation.joint = joint
        liquidation.partial = 1 if partial else 0
    pay_into_fund(book, penalty, forfeited)
    if bad_debt > 0.0:
        add_bad_debt(book, rules, bad_debt)
    if partial:
        position.quantity -= closed
        restate(book, rules, i)
    else:
        empty_position(book, rules, i)
    log_fill(book, logs, t, i, -closed, fill, 0.0, realised, 0.0, Reason.LIQUIDATION)
    bar_position(book, rules, t, i, Reason.LIQUIDATION)
