"""Step 1 of a bar: funding, then interest on what is owed after it."""

from backtest.kernels._jit import helper
from backtest.kernels.booking import add_margin
from backtest.kernels.margin import is_isolated
from backtest.kernels.schema import Book, Market, Rules

NANOSECONDS_PER_YEAR = 365.0 * 24.0 * 3600.0 * 1e9


@helper
def is_present(market: Market, t: int, i: int) -> bool:
    """Return whether instrument `i` has a bar at `t`."""
    return market.present.shape[0] == 0 or market.present[t, i]


@helper
def pay(book: Book, rules: Rules, i: int, amount: float) -> None:
    """Take money from the position's margin when isolated, else from the wallet."""
    if is_isolated(rules):
        add_margin(book.positions[i], -amount)
    else:
        book.account.wallet -= amount


@helper
def pay_funding(book: Book, rules: Rules, i: int, amount: float) -> None:
    """Pay or receive funding; on some venues an isolated position's margin pays only what the wallet cannot."""
    if rules.settings.wallet_pays_funding and is_isolated(rules):
        from_wallet = min(amount, max(book.account.wallet, 0.0))
        book.account.wallet -= from_wallet
        amount -= from_wallet
    pay(book, rules, i, amount)


@helper
def owes_interest(rules: Rules) -> bool:
    """Return whether the venue lends at a price."""
    return rules.settings.borrow_rate > 0.0 or rules.settings.short_borrow_rate > 0.0


@helper
def accrue(market: Market, book: Book, rules: Rules, t: int) -> None:
    """Charge what every position carried into the bar owes at its open."""
    if market.funding.shape[0] > 0:
        settle_funding(market, book, rules, t)
    if owes_interest(rules):
        charge_interest(market, book, rules, t)


@helper
def settle_funding(market: Market, book: Book, rules: Rules, t: int) -> None:
    """Pay `quantity * mark_open * funding_rate`; longs pay a positive rate and shorts receive it."""
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0 and is_present(market, t, i):
            amount = position.quantity * market.mark[t, i].open * market.funding[t, i]
            pay_funding(book, rules, i, amount)
            position.funding += amount
            book.account.funding += amount


@helper
def charge_interest(market: Market, book: Book, rules: Rules, t: int) -> None:
    """Charge quote debt `max(0, sum of quantity * entry_price - margin)`, and base debt for every short."""
    per_nanosecond = rules.settings.borrow_rate / NANOSECONDS_PER_YEAR
    short_per_nanosecond = rules.settings.short_borrow_rate / NANOSECONDS_PER_YEAR
    account = book.account
    if not is_isolated(rules) and account.held > 0:
        debt = -account.wallet
        for i in range(book.positions.shape[0]):
            debt -= book.positions[i].constant
        interest = max(0.0, debt) * per_nanosecond * (market.time[t] - market.time[t - 1])
        account.wallet -= interest
        account.interest += interest
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0 and is_present(market, t, i):
            debt = max(0.0, -position.constant) if is_isolated(rules) else 0.0
            base_debt = max(0.0, -position.quantity) * market.mark[t, i].open
            elapsed = market.time[t] - position.previous_time
            interest = (debt * per_nanosecond + base_debt * short_per_nanosecond) * elapsed
            pay(book, rules, i, interest)
            position.interest += interest
            account.interest += interest
            position.previous_time = market.time[t]
