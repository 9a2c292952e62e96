"""What a strategy changes at the close of a bar, in force from the next open: signals, leverage, stops, margin."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.enums import Change
from backtest.kernels.schema import Book, Record, Rules, Schedule

LONG_AGO = -(2**62)  # ns


@helper
def open_account(book: Book, rules: Rules) -> None:
    """Fill empty books: cash, and for every position the terms of the settings, until the strategy changes them."""
    settings = rules.settings
    account = book.account
    account.wallet = settings.cash
    account.constant = settings.cash
    account.reserve = settings.reserve
    account.insurance_fund = settings.insurance_fund
    account.smallest_liquidation_distance = 1.0
    account.share_time = LONG_AGO
    account.level = settings.call_level
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        position.leverage = settings.leverage
        position.limit = highest_notional(rules, i, settings.leverage)
        position.stop_loss = settings.stop_loss
        position.take_profit = settings.take_profit
        position.level = settings.call_level
        note_stops(book, position)


@helper
def note_stops(book: Book, position: Record) -> None:
    """Remember that a traded price can close a position."""
    if position.stop_loss < math.inf or position.take_profit < math.inf:
        book.account.stops = 1


@helper
def highest_notional(rules: Rules, i: int, leverage: float) -> float:
    """Return the largest notional that a target may have: up to the first tier that does not allow the leverage."""
    for k in range(rules.tiers.shape[1]):
        if rules.tiers[i, k].max_leverage < leverage:
            return min(rules.tiers[i, k].floor, rules.contracts[i].cap)
    return rules.contracts[i].cap


@helper
def apply_change(book: Book, rules: Rules, schedule: Schedule, row: int) -> int:
    """Put one change into force, and return its kind."""
    i = schedule.instrument[row]
    kind = schedule.kind[row]
    value = schedule.value[row]
    position = book.positions[i]
    if kind == Change.SIGNAL:
        position.signal = value
        position.due = 1
    elif kind == Change.LEVERAGE:
        position.leverage = value
        position.limit = highest_notional(rules, i, value)
    elif kind == Change.STOP_LOSS:
        position.stop_loss = value
        note_stops(book, position)
    elif kind == Change.TAKE_PROFIT:
        position.take_profit = value
        note_stops(book, position)
    else:
        position.margin_add = value
    return kind
