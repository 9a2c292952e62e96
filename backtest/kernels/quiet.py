"""Bars in which nothing can happen, recognised at a glance.

Between two events a position stands still. After every bar walked in full, `arm` notes for each position the mark
and trade prices between which it cannot be liquidated, stopped or change its tier; `glance` compares a bar with
them, and `pass_quiet_bars` many bars, where at most one position is held. They err on one side only: a bar that might
hold an event is walked in full, and a close that might set a record is looked at closely.
"""

import math

from backtest.kernels._jit import helper
from backtest.kernels.enums import Intrabar
from backtest.kernels.margin import ROUNDING, constant_of, is_higher, is_isolated, tier_at
from backtest.kernels.orders import RUIN
from backtest.kernels.schema import Book, Columns, Market, Record, Rules
from backtest.kernels.walk import goes_low_first, stop_price, take_profit_price


@helper
def arm(market: Market, book: Book, rules: Rules, t: int, untouched: bool) -> None:
    """Note the prices between which every position stands still, and what the account's sums have in common.

    Where `untouched`, positions that have not been ordered keep what was noted for them: in a cross account that holds
    others beside them, none of it depends on the others.
    """
    account = book.account
    account.constant = constant_of(book)
    deductions = 0.0
    stops = account.stops == 1
    isolated = is_isolated(rules)
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        quantity = position.quantity
        if quantity == 0.0:
            continue
        if untouched and position.reduction == 0.0 and position.increase == 0.0:
            deductions += position.deduction
            continue
        size = abs(quantity)
        maintenance_quantity = position.maintenance_quantity
        tiers = rules.tiers
        ladder = position.ladder
        k = tier_at(tiers, ladder, maintenance_quantity * market.mark[t, i].close)
        rate = tiers[ladder, k].rate
        deduction = tiers[ladder, k].deduction - position.fixed_maintenance
        floor = 0.0
        ceiling = math.inf
        if maintenance_quantity > 0.0:
            floor = tiers[ladder, k].floor / maintenance_quantity * (1.0 + ROUNDING)
            if k + 1 < tiers.shape[1]:
                ceiling = tiers[ladder, k + 1].floor / maintenance_quantity * (1.0 - ROUNDING)
        position.maintenance_slope = maintenance_quantity * rate
        position.deduction = deduction
        deductions += deduction
        position.surplus_slope = steepest_slope(book, rules, i, floor, ceiling)
        if isolated:
            level = position.level
            alarm = -(position.constant + level * deduction) / (quantity - level * maintenance_quantity * rate)
            slack = ROUNDING * (position.entry_price + abs(alarm))
            if quantity > 0.0:
                floor = max(floor, alarm + slack)
            else:
                ceiling = min(ceiling, alarm - slack)
        elif quantity > 0.0 and account.level * maintenance_quantity * rate >= size:
            floor = math.inf  # a rising price takes its surplus: no bar is quiet
        position.mark_floor = floor
        position.mark_ceiling = ceiling
        if stops:
            stop = stop_price(position, rules)
            profit = take_profit_price(position, rules)
            position.trade_floor = min(stop, profit)
            position.trade_ceiling = max(stop, profit)
    account.deductions = deductions


@helper
def steepest_slope(book: Book, rules: Rules, i: int, floor: float, ceiling: float) -> float:
    """Return the most surplus that a mark moving by 1 takes, between here and the nearest liquidation so far.

    A distance is a fraction of the price; of its reciprocal, a fall by d is a rise by d / (1 - d).
    """
    position = book.positions[i]
    size = abs(position.quantity)
    tiers = rules.tiers
    distance = book.account.smallest_liquidation_distance
    if position.quantity < 0.0:
        stretch = 1.0
        if rules.settings.inverse:
            stretch = 1.0 / (1.0 - distance) if distance < 1.0 else math.inf
        furthest = (
            position.maintenance_quantity * ceiling * (1.0 + distance * stretch)
            if position.maintenance_quantity > 0.0
            else 0.0
        )
        highest = tier_at(tiers, position.ladder, furthest)
        return (size + position.maintenance_quantity * tiers[position.ladder, highest].rate) * stretch
    alone = is_isolated(rules) or book.account.held == 1
    backed = position.constant if is_isolated(rules) else book.account.constant
    if alone and backed - position.fixed_maintenance >= -ROUNDING * size * position.entry_price:
        return 0.0  # paid in full: no price liquidates it
    lowest = tier_at(tiers, position.ladder, position.maintenance_quantity * floor * (1.0 - distance))
    return size - position.maintenance_quantity * tiers[position.ladder, lowest].rate


@helper
def is_between(prices: Record, floor: float, ceiling: float) -> bool:
    """Return whether a bar stays between two prices."""
    return prices.low > floor and prices.high < ceiling


@helper
def is_funded(surplus: float, constant: float, notional: float) -> bool:
    """Return whether the surplus of a cross account is above 0 by more than rounding."""
    return surplus > ROUNDING * (abs(constant) + 2.0 * notional)


@helper
def ruin_level(book: Book, rules: Rules) -> float:
    """Return the equity at or below which a bar has to be looked at, none for an account that is ruined already."""
    return -math.inf if book.account.ruined else RUIN * rules.settings.cash * (1.0 + ROUNDING)


@helper
def may_set_record(required: float, balance: float, surplus_slope: float, ratio: float, distance: float) -> bool:
    """Return whether a margin ratio or a distance to liquidation may be a record; its slope is that of a 100 % move."""
    return is_higher(required, ratio * balance) or is_higher(distance * surplus_slope, balance - required)


@helper
def glance(market: Market, book: Book, rules: Rules, t: int) -> tuple[bool, bool, float, float, float, float]:
    """Return whether the bar is quiet, whether its close may set a record, and its sums as the positions stand.

    The sums are equity at the close, the lowest equity at the ends of the legs, notional and maintenance margin.
    """
    account = book.account
    isolated = is_isolated(rules)
    settings = rules.settings
    stops = account.stops == 1
    in_turn = settings.intrabar == Intrabar.PATH or settings.intrabar == Intrabar.ALONE
    in_step = account.held > 1 and (in_turn or settings.hedged == 1)
    ratio = account.highest_margin_ratio
    distance = account.smallest_liquidation_distance
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
        surplus_slope = 0.0
        for i in range(book.positions.shape[0]):
            position = book.positions[i]
            quantity = position.quantity
            if quantity == 0.0:
                continue
            mark = market.mark[t, i]
            close = mark.close
            adverse = mark.low if quantity > 0.0 else mark.high
            quiet = quiet and is_between(mark, position.mark_floor, position.mark_ceiling)
            if stops:
                quiet = quiet and is_between(market.trade[t, i], position.trade_floor, position.trade_ceiling)
            if in_step:  # not every position meets its worst price at the end of one leg
                low_first = goes_low_first(market, book, rules, t, i)
                first += quantity * (mark.low if low_first else mark.high)
                second += quantity * (mark.high if low_first else mark.low)
            equity += quantity * close
            worst += quantity * adverse
            notional += abs(quantity) * close
            if isolated:
                balance = position.constant + quantity * close
                required = position.maintenance_slope * close - position.deduction
                maintenance += required
                record = record or may_set_record(required, balance, position.surplus_slope * close, ratio, distance)
            else:
                maintenance += position.maintenance_slope * close
                maintenance_worst += position.maintenance_slope * adverse
                surplus_slope = max(surplus_slope, position.surplus_slope * close)
        record = record or is_higher(notional, account.highest_effective_leverage * equity)
        if not isolated:
            maintenance -= account.deductions
            record = record or may_set_record(maintenance, equity, surplus_slope, ratio, distance)
            surplus_worst = worst - account.level * (maintenance_worst - account.deductions)
            quiet = quiet and is_funded(surplus_worst, account.constant, notional)
    quiet = quiet and worst > ruin_level(book, rules)
    low = min(min(first, second), equity) if in_step else min(worst, equity)
    return quiet, record, equity, low, notional, maintenance


@helper
def pass_quiet_bars(market: Market, book: Book, rules: Rules, columns: Columns, t: int, end: int) -> int:
    """Record the quiet bars from `t` on, and return the first that is not, at most `end`.

    For an account with one position or none. What stands still is kept in local variables: the outputs might, for all
    the compiler knows, lie on top of the state, which it would then load anew on every bar.
    """
    account = book.account
    start = t
    ruin = ruin_level(book, rules)
    constant = account.constant
    if account.held == 0:
        while t < end and constant > ruin:
            columns.equity[t] = constant
            columns.equity_low[t] = constant
            t += 1
        return t
    i = 0
    while book.positions[i].quantity == 0.0:
        i += 1
    position = book.positions[i]
    isolated = is_isolated(rules)
    stops = account.stops == 1
    ratio = account.highest_margin_ratio
    distance = account.smallest_liquidation_distance
    leverage = account.highest_effective_leverage
    level = account.level
    quantity = position.quantity
    size = abs(quantity)
    backed = position.constant if isolated else constant
    maintenance_slope = position.maintenance_slope
    deduction = position.deduction
    surplus_slope = position.surplus_slope
    mark_floor = position.mark_floor
    mark_ceiling = position.mark_ceiling
    trade_floor = position.trade_floor
    trade_ceiling = position.trade_ceiling
    while t < end:
        mark = market.mark[t, i]
        close = mark.close
        adverse = mark.low if quantity > 0.0 else mark.high
        equity = constant + quantity * close
        worst = constant + quantity * adverse
        notional = size * close
        quiet = is_between(mark, mark_floor, mark_ceiling) and worst > ruin
        if stops:
            quiet = quiet and is_between(market.trade[t, i], trade_floor, trade_ceiling)
        if not isolated:
            quiet = quiet and is_funded(worst - level * (maintenance_slope * adverse - deduction), constant, notional)
        balance = backed + quantity * close
        record = may_set_record(maintenance_slope * close - deduction, balance, surplus_slope * close, ratio, distance)
        if not quiet or record or is_higher(notional, leverage * equity):
            break
        columns.equity[t] = equity
        columns.equity_low[t] = min(worst, equity)
        t += 1
    account.bars_held += t - start
    return t
