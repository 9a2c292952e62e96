"""Step 5 of a bar: what is known at the close, and the records that it sets."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.margin import is_higher, is_isolated, liquidation_price, required_at
from backtest.kernels.schema import Book, Columns, Market, Rules


@helper
def set_records(market: Market, book: Book, rules: Rules, t: int, equity: float, notional: float) -> None:
    """Keep the highest margin ratio and leverage, and the smallest distance to a liquidation, seen at a close."""
    account = book.account
    leverage = effective_leverage(notional, equity)
    if is_higher(leverage, account.highest_effective_leverage):
        account.highest_effective_leverage = leverage
    ratio = margin_ratio(market, book, rules, t)
    if is_higher(ratio, account.highest_margin_ratio):
        account.highest_margin_ratio = ratio
    surplus = account_surplus(market, book, rules, t)
    legs = legs_that_fail_together(rules)
    for first in range(0, book.positions.shape[0], legs):
        price = failing_price(market, book, rules, t, first, first + legs, surplus)
        if not math.isnan(price):
            distance = distance_to(market, rules, t, first, price)
            if is_higher(account.smallest_liquidation_distance, distance):
                account.smallest_liquidation_distance = distance


@helper
def legs_that_fail_together(rules: Rules) -> int:
    """Return how many positions in a row are of one symbol and one margin unit."""
    return 2 if rules.settings.hedged and not is_isolated(rules) else 1


@helper
def account_surplus(market: Market, book: Book, rules: Rules, t: int) -> float:
    """Return what a cross account has above its maintenance margin at the close."""
    surplus = book.account.wallet
    for i in range(book.positions.shape[0]):
        surplus += own_surplus(market, book, rules, t, i)
    return surplus


@helper
def failing_price(market: Market, book: Book, rules: Rules, t: int, first: int, last: int, surplus: float) -> float:
    """Return the mark of a symbol at which its margin unit fails, other marks as they close; NaN where none is.

    `surplus` is the account's, where the margin unit is the account. Hedged legs may fail on both sides: it is the
    nearer one.
    """
    level = 0.0 if is_isolated(rules) else surplus
    quantity = 0.0
    held = False
    for i in range(first, last):
        position = book.positions[i]
        if position.quantity != 0.0:
            held = True
            quantity += position.quantity
            level += position.constant - position.fixed_maintenance
            if not is_isolated(rules):
                level -= own_surplus(market, book, rules, t, i)
    if not held:
        return math.nan
    price = liquidation_price(rules.tiers, book.positions, first, last, level, quantity < 0.0)
    if last - first > 1:
        other = liquidation_price(rules.tiers, book.positions, first, last, level, quantity >= 0.0)
        distance = distance_to(market, rules, t, first, price)
        if distance_to(market, rules, t, first, other) < distance or math.isnan(distance):
            price = other
    return price


@helper
def distance_to(market: Market, rules: Rules, t: int, i: int, price: float) -> float:
    """Return how far a mark is from where it closes, a fraction of the close as people see it."""
    mark = market.mark[t, i].close
    return abs(mark - price) / (price if rules.settings.inverse else mark)


@helper
def effective_leverage(notional: float, equity: float) -> float:
    """Return notional / equity, 0 when flat, infinite without equity."""
    if notional == 0.0:
        return 0.0
    return notional / equity if equity > 0.0 else math.inf


@helper
def own_surplus(market: Market, book: Book, rules: Rules, t: int, i: int) -> float:
    """Return what a position adds to the surplus of its margin unit at the close."""
    position = book.positions[i]
    if position.quantity == 0.0:
        return 0.0
    mark = market.mark[t, i].close
    return position.constant + position.quantity * mark - required_at(rules.tiers, position, mark)


@helper
def margin_ratio(market: Market, book: Book, rules: Rules, t: int) -> float:
    """Return maintenance margin / balance at the close: the account's when cross, else the worst position's."""
    isolated = is_isolated(rules)
    ratio = 0.0
    balance = book.account.wallet
    required = 0.0
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            mark = market.mark[t, i].close
            if isolated:
                balance = 0.0
                required = 0.0
            balance += position.constant + position.quantity * mark
            required += required_at(rules.tiers, position, mark)
            if isolated:
                ratio = max(ratio, required / balance if balance > 0.0 else math.inf)
    if not isolated and book.account.held > 0:
        ratio = required / balance if balance > 0.0 else math.inf
    return ratio


@helper
def note_detail(
    market: Market, book: Book, rules: Rules, columns: Columns, t: int, equity: float, notional: float,
    maintenance: float,
) -> None:  # fmt: skip
    """Write what else is known at the close, in the order of DETAIL."""
    account = book.account
    detail = columns.detail
    margin = 0.0
    initial_margin = 0.0
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            margin += position.margin
            initial_margin += abs(position.quantity) * market.mark[t, i].close / position.leverage
    detail[0, t] = account.wallet
    detail[1, t] = margin
    detail[2, t] = initial_margin
    detail[3, t] = maintenance
    detail[4, t] = margin_ratio(market, book, rules, t) if account.held > 0 else 0.0
    detail[5, t] = notional
    detail[6, t] = effective_leverage(notional, equity)
    detail[7, t] = account.wallet if is_isolated(rules) else equity - initial_margin
    detail[8, t] = account.realised
    detail[9, t] = account.fees
    detail[10, t] = account.funding
    detail[11, t] = account.interest
    detail[12, t] = account.penalties
    detail[13, t] = account.forfeited
    detail[14, t] = account.bad_debt
    detail[15, t] = account.reserve
    detail[16, t] = account.deposits
    detail[17, t] = account.insurance_fund
    detail[18, t] = account.socialised_loss
