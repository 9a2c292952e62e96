"""Breaches, margin calls and the money that answers them: deposits from the reserve, refills, margin added.

A venue that calls lets a margin unit stand below the call's level for some bars. While it is called, only a second,
lower level closes it at once; at each open the reserve may put the missing margin in, and at the first open after the
grace it is closed.
"""

from backtest.kernels._jit import helper
from backtest.kernels.accrual import is_present
from backtest.kernels.booking import add_margin
from backtest.kernels.enums import CallEvent
from backtest.kernels.liquidation import liquidate
from backtest.kernels.margin import balance_at, end_of, equity_at, is_breached, is_isolated, maintenance_at, surplus_at
from backtest.kernels.schema import Book, Logs, Market, Rules

ACCOUNT = -1


@helper
def fail(
    market: Market, book: Book, rules: Rules, logs: Logs, t: int, first: int, leg: int, point: float, gap: bool
) -> None:
    """Act on the breach of a margin unit: call for margin where there is grace, else liquidate."""
    if rules.settings.calls:
        if rules.settings.grace > 0 and not book.positions[first].called:
            call(book, rules, logs, t, first, point)
            return
        note_call(book, rules, logs, t, first, point, CallEvent.FORCED, 0.0, 0.0)
    liquidate(market, book, rules, logs, t, first, leg, point, gap)


@helper
def holds(book: Book, rules: Rules, first: int) -> bool:
    """Return whether a margin unit holds anything."""
    return book.positions[first].quantity != 0.0 if is_isolated(rules) else book.account.held > 0


@helper
def fails_at(book: Book, rules: Rules, first: int, point: float) -> bool:
    """Return whether a margin unit holds something and is breached at a point of the leg."""
    if not holds(book, rules, first):
        return False
    return is_breached(rules, surplus_at(book, rules, first, end_of(book, rules, first), point))


@helper
def note(
    book: Book, logs: Logs, t: int, instrument: int, event: int, balance: float, maintenance: float, asked: float,
    amount: float,
) -> None:  # fmt: skip
    """Write a row of the log of calls; what it moved has left the reserve."""
    row = logs.counts[3]
    logs.counts[3] = row + 1
    if row < logs.calls.shape[0]:
        entry = logs.calls[row]
        entry.bar = t
        entry.instrument = instrument
        entry.event = event
        entry.balance = balance
        entry.maintenance = maintenance
        entry.asked = asked
        entry.amount = amount
        entry.reserve = book.account.reserve


@helper
def note_call(
    book: Book, rules: Rules, logs: Logs, t: int, first: int, point: float, event: int, asked: float, amount: float
) -> None:
    """Write what happens to a margin unit, with how it stood before."""
    end = end_of(book, rules, first)
    balance = balance_at(book, rules, first, end, point)
    maintenance = maintenance_at(book, rules, first, end, point)
    note(book, logs, t, first if is_isolated(rules) else ACCOUNT, event, balance, maintenance, asked, amount)


@helper
def set_level(book: Book, first: int, level: float) -> None:
    """Set the level at which a margin unit is breached."""
    book.positions[first].level = level
    book.account.level = level


@helper
def missing(book: Book, rules: Rules, first: int, point: float) -> float:
    """Return what a called margin unit lacks: to the target ratio, or where there is none to the level of the call."""
    end = end_of(book, rules, first)
    ratio = max(rules.settings.target_ratio, rules.settings.call_level)
    return ratio * maintenance_at(book, rules, first, end, point) - balance_at(book, rules, first, end, point)


@helper
def call(book: Book, rules: Rules, logs: Logs, t: int, first: int, point: float) -> None:
    """Make a margin call."""
    position = book.positions[first]
    asked = missing(book, rules, first, point)
    note_call(book, rules, logs, t, first, point, CallEvent.CALL, asked, 0.0)
    position.called = 1
    position.called_bar = t
    book.account.calls += 1
    set_level(book, first, rules.settings.called_level)


@helper
def end_call(book: Book, first: int) -> None:
    """Close a margin call, after the level has been set to that of the next."""
    book.positions[first].called = 0
    book.account.calls -= 1


@helper
def answer_calls(market: Market, book: Book, rules: Rules, logs: Logs, t: int) -> None:
    """Look at every call of an earlier bar at the open: met, answered with a deposit, or out of time."""
    isolated = is_isolated(rules)
    units = book.positions.shape[0] if isolated else 1
    for first in range(units):
        position = book.positions[first]
        if position.called and position.called_bar < t and (not isolated or is_present(market, t, first)):
            set_level(book, first, rules.settings.call_level)
            if fails_at(book, rules, first, 0.0) and rules.settings.deposits:
                deposit(book, rules, logs, t, first)
            if not fails_at(book, rules, first, 0.0):
                note_call(book, rules, logs, t, first, 0.0, CallEvent.CURE, 0.0, 0.0)
                end_call(book, first)
            elif t - position.called_bar > rules.settings.grace:
                note_call(book, rules, logs, t, first, 0.0, CallEvent.FORCED, 0.0, 0.0)
                while fails_at(book, rules, first, 0.0):
                    liquidate(market, book, rules, logs, t, first, 0, 0.0, True)
                end_call(book, first)
            else:
                set_level(book, first, rules.settings.called_level)


@helper
def deposit(book: Book, rules: Rules, logs: Logs, t: int, first: int) -> None:
    """Put what is missing to the target ratio into a margin unit, as far as the reserve goes."""
    account = book.account
    asked = missing(book, rules, first, 0.0)
    amount = min(account.reserve, asked)
    if amount <= 0.0:
        return
    account.reserve -= amount
    note_call(book, rules, logs, t, first, 0.0, CallEvent.DEPOSIT, asked, amount)
    account.deposits += amount
    if is_isolated(rules):
        add_margin(book.positions[first], amount)
    else:
        account.wallet += amount


@helper
def refill(book: Book, rules: Rules, logs: Logs, t: int) -> None:
    """Fill the account up to its first cash from outside."""
    account = book.account
    equity = equity_at(book, 0.0)
    amount = rules.settings.cash - equity
    if amount <= 0.0:
        return
    note(book, logs, t, ACCOUNT, CallEvent.REFILL, equity, 0.0, amount, amount)
    account.wallet += amount
    account.deposits += amount
    account.refills += 1
    account.ruined = 0


@helper
def add_margins(market: Market, book: Book, rules: Rules, logs: Logs, t: int) -> None:
    """Move what the strategy adds to isolated positions out of the wallet, as far as it goes."""
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        asked = position.margin_add
        if asked > 0.0:
            position.margin_add = 0.0
            amount = 0.0
            if position.quantity != 0.0 and is_present(market, t, i):
                amount = min(asked, max(book.account.wallet, 0.0))
            note_call(book, rules, logs, t, i, 0.0, CallEvent.MARGIN_ADD, asked, amount)
            book.account.wallet -= amount
            add_margin(position, amount)
