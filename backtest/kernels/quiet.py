"""Bars in which nothing can happen, recognised at a glance, and the records that a close may set.

Between two events a position stands still. After every bar walked in full, `arm` notes for each position the mark
and trade prices between which it cannot be liquidated, stopped or change its tier; `glance` compares a bar with
them. It errs on one side only: a bar that might hold an event is walked in full.
"""

import math

from backtest.kernels._jit import helper
from backtest.kernels.margin import constant_of, is_isolated, liquidation_price, maintenance_margin, tier_at
from backtest.kernels.orders import RUIN
from backtest.kernels.schema import Book, Intrabar, Market, Rules
from backtest.kernels.walk import stop_price, take_profit_price

ROUNDING = 1e-12  # relative; far above what rounding can move, far below what a trader can see


@helper
def arm(market: Market, book: Book, rules: Rules, t: int) -> None:
    """Note the prices between which every position stands still, and what the account's sums have in common."""
    account = book.account
    account.constant = constant_of(book)
    account.deductions = 0.0
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        quantity = position.quantity
        if quantity == 0.0:
            continue
        size = abs(quantity)
        side = math.copysign(1.0, quantity)
        tiers = rules.tiers
        k = tier_at(tiers, i, size * market.mark[t, i].close)
        rate = tiers[i, k].rate
        deduction = tiers[i, k].deduction
        floor = tiers[i, k].floor / size
        ceiling = tiers[i, k + 1].floor / size if k + 1 < tiers.shape[1] else math.inf
        position.requirement = size * rate
        position.deduction = deduction
        account.deductions += deduction
        position.reach = steepest_slope(book, rules, i, floor, ceiling)
        if is_isolated(rules):
            alarm = -(position.constant + deduction) / (quantity - size * rate)
            slack = ROUNDING * (position.entry_price + abs(alarm))
            if quantity > 0.0:
                floor = max(floor, alarm + slack)
            else:
                ceiling = min(ceiling, alarm - slack)
        position.mark_floor = floor
        position.mark_ceiling = ceiling
        stop = stop_price(position.entry_price, side, rules)
        profit = take_profit_price(position.entry_price, side, rules)
        position.trade_floor = min(stop, profit)
        position.trade_ceiling = max(stop, profit)


@helper
def steepest_slope(book: Book, rules: Rules, i: int, floor: float, ceiling: float) -> float:
    """Return the most surplus that a mark moving by 1 takes, between here and the nearest liquidation so far."""
    size = abs(book.positions[i].quantity)
    distance = book.account.smallest_liquidation_distance
    if book.positions[i].quantity > 0.0:
        lowest = tier_at(rules.tiers, i, size * floor * (1.0 - distance))
        return size * (1.0 - rules.tiers[i, lowest].rate) * (1.0 - ROUNDING)
    highest = tier_at(rules.tiers, i, size * ceiling * (1.0 + distance))
    return size * (1.0 + rules.tiers[i, highest].rate) * (1.0 - ROUNDING)


@helper
def glance(market: Market, book: Book, rules: Rules, t: int) -> tuple[bool, bool, float, float, float, float]:
    """Return whether the bar is quiet, whether its close may set a record, and its sums as the positions stand.

    The sums are equity at the close, the lowest equity at the ends of the legs, notional and maintenance margin.
    """
    account = book.account
    isolated = is_isolated(rules)
    settings = rules.settings
    stops = settings.stop_loss < math.inf or settings.take_profit < math.inf
    path = settings.intrabar == Intrabar.PATH and account.held > 1
    quiet = True
    record = False
    equity = account.constant
    worst = account.constant
    first = account.constant
    second = account.constant
    notional = 0.0
    maintenance = 0.0
    if account.held > 0:
        maintenance_worst = 0.0
        reach = 0.0
        for i in range(book.positions.shape[0]):
            position = book.positions[i]
            quantity = position.quantity
            if quantity == 0.0:
                continue
            mark = market.mark[t, i]
            close = mark.close
            adverse = mark.low if quantity > 0.0 else mark.high
            quiet = quiet and mark.low > position.mark_floor and mark.high < position.mark_ceiling
            if stops:
                traded = market.trade[t, i]
                quiet = quiet and traded.low > position.trade_floor and traded.high < position.trade_ceiling
            if path:
                rising = market.trade[t, i].close >= market.trade[t, i].open
                first += quantity * (mark.low if rising else mark.high)
                second += quantity * (mark.high if rising else mark.low)
            equity += quantity * close
            worst += quantity * adverse
            notional += abs(quantity) * close
            maintenance += position.requirement * close
            maintenance_worst += position.requirement * adverse
            if isolated:
                balance = position.constant + quantity * close
                required = position.requirement * close - position.deduction
                record = record or required > account.highest_margin_ratio * balance
                distance = account.smallest_liquidation_distance
                record = record or balance - required < distance * position.reach * close
            else:
                reach = max(reach, position.reach * close)
        maintenance -= account.deductions
        record = record or notional > account.highest_effective_leverage * equity
        if not isolated:
            record = record or maintenance > account.highest_margin_ratio * equity
            record = record or equity - maintenance < account.smallest_liquidation_distance * reach
            surplus_worst = worst - (maintenance_worst - account.deductions)
            quiet = quiet and surplus_worst > ROUNDING * (abs(account.constant) + 2.0 * notional)
    quiet = quiet and (worst > RUIN * settings.cash * (1.0 + ROUNDING) or account.ruined != 0)
    low = min(min(first, second), equity) if path else min(worst, equity)
    return quiet, record, equity, low, notional, maintenance


@helper
def set_records(market: Market, book: Book, rules: Rules, t: int, equity: float, notional: float) -> None:
    """Keep the highest margin ratio and leverage, and the smallest distance to a liquidation, seen at a close."""
    account = book.account
    leverage = effective_leverage(notional, equity)
    account.highest_effective_leverage = max(account.highest_effective_leverage, leverage)
    account.highest_margin_ratio = max(account.highest_margin_ratio, margin_ratio(market, book, rules, t))
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
            if distance < account.smallest_liquidation_distance:
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
