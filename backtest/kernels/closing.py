"""Step 5 of a bar: what is known at the close, and the records that it sets."""

import math

from backtest.kernels._jit import helper
from backtest.kernels.margin import is_higher, is_isolated, liquidation_price, maintenance_margin
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
    surplus = account.wallet
    for i in range(book.positions.shape[0]):
        surplus += own_surplus(market, book, rules, t, i)
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            mark = market.mark[t, i].close
            level = position.constant
            if not is_isolated(rules):
                level = surplus - own_surplus(market, book, rules, t, i) + position.constant
            price = liquidation_price(rules.tiers, i, position.quantity, level)
            distance = math.copysign(1.0, position.quantity) * (mark - price) / mark
            if is_higher(account.smallest_liquidation_distance, distance):
                account.smallest_liquidation_distance = distance


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
    required = maintenance_margin(rules.tiers, i, abs(position.quantity) * mark)
    return position.constant + position.quantity * mark - required


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
            required += maintenance_margin(rules.tiers, i, abs(position.quantity) * mark)
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
    for i in range(book.positions.shape[0]):
        margin += book.positions[i].margin
    detail[0, t] = account.wallet
    detail[1, t] = margin
    detail[2, t] = notional / rules.settings.leverage
    detail[3, t] = maintenance
    detail[4, t] = margin_ratio(market, book, rules, t) if account.held > 0 else 0.0
    detail[5, t] = notional
    detail[6, t] = effective_leverage(notional, equity)
    detail[7, t] = account.realised
    detail[8, t] = account.fees
    detail[9, t] = account.funding
    detail[10, t] = account.interest
    detail[11, t] = account.penalties
    detail[12, t] = account.forfeited
    detail[13, t] = account.bad_debt
