"""Maintenance margin, balances and surpluses: SPEC section 2.

A margin unit is a range of positions with what backs them: one position and its own margin when isolated, all
positions and the wallet in a cross account. Everything below works on such a range, `first` to `last - 1`.
"""

import math

from backtest.kernels._jit import helper
from backtest.kernels.schema import Book, MarginMode, Record, Records, Rules

ROUNDING = 1e-12  # relative; far above what rounding can move, far below what a trader can see


@helper
def is_higher(value: float, record: float) -> bool:
    """Return whether a value is above another by more than rounding."""
    return value > record * (1.0 + ROUNDING)


@helper
def tier_at(tiers: Records, i: int, notional: float) -> int:
    """Return the tier that a notional falls in."""
    k = 0
    while k + 1 < tiers.shape[1] and notional >= tiers[i, k + 1].floor:
        k += 1
    return k


@helper
def maintenance_margin(tiers: Records, i: int, notional: float) -> float:
    """Return N * rate - deduction, the continuous convex curve over the tiers."""
    tier = tiers[i, tier_at(tiers, i, notional)]
    return notional * tier.rate - tier.deduction


@helper
def is_isolated(rules: Rules) -> bool:
    """Return whether every position stands on its own margin."""
    return rules.settings.margin_mode == MarginMode.ISOLATED


@helper
def backing(book: Book, rules: Rules) -> float:
    """Return the money that stands behind a margin unit besides the margins of its positions."""
    return 0.0 if is_isolated(rules) else book.account.wallet


@helper
def between(start: float, end: float, point: float) -> float:
    """Return the price at a point of a leg, exact at both its ends."""
    return start * (1.0 - point) + end * point


@helper
def trade_at(position: Record, point: float) -> float:
    """Return the trade price at a point of the position's leg, where a stop is hit exactly the stop."""
    if point == position.trigger_point:
        return position.trigger_price
    return between(position.trade_from, position.trade_to, point)


@helper
def mark_at(position: Record, point: float) -> float:
    """Return the mark price at a point of the position's leg; where both prices walk one line, they are equal."""
    if position.mark_from == position.trade_from and position.mark_to == position.trade_to:
        return trade_at(position, point)
    return between(position.mark_from, position.mark_to, point)


@helper
def balance_at(book: Book, rules: Rules, first: int, last: int, point: float) -> float:
    """Return the balance of a margin unit at a point of the leg."""
    balance = backing(book, rules)
    for i in range(first, last):
        position = book.positions[i]
        if position.quantity != 0.0:
            balance += position.constant + position.quantity * mark_at(position, point)
    return balance


@helper
def surplus_at(book: Book, rules: Rules, first: int, last: int, point: float) -> float:
    """Return balance less maintenance margin of a margin unit at a point of the leg."""
    surplus = balance_at(book, rules, first, last, point)
    for i in range(first, last):
        position = book.positions[i]
        if position.quantity != 0.0:
            notional = abs(position.quantity) * mark_at(position, point)
            surplus -= maintenance_margin(rules.tiers, i, notional)
    return surplus


@helper
def constant_of(book: Book) -> float:
    """Return the account's equity at marks of 0, to which every position adds `quantity * mark`."""
    constant = book.account.wallet
    for i in range(book.positions.shape[0]):
        constant += book.positions[i].constant
    return constant


@helper
def equity_at(book: Book, point: float) -> float:
    """Return the account's equity at a point of the leg."""
    equity = constant_of(book)
    for i in range(book.positions.shape[0]):
        position = book.positions[i]
        if position.quantity != 0.0:
            equity += position.quantity * mark_at(position, point)
    return equity


@helper
def breach_point(book: Book, rules: Rules, first: int, last: int, start: float, end: float) -> float:
    """Return the point between `start` and `end` at which the surplus, above 0 before and not at `end`, meets 0.

    The surplus is concave and piecewise linear, so Newton from `end` over the lines of the tiers comes down on the
    root from above, and stands on it when no position changes its tier.
    """
    point = end
    while True:
        level = backing(book, rules)
        slope = 0.0
        for i in range(first, last):
            position = book.positions[i]
            quantity = position.quantity
            if quantity != 0.0:
                size = abs(quantity)
                tier = rules.tiers[i, tier_at(rules.tiers, i, size * mark_at(position, point))]
                level += position.constant + (quantity - size * tier.rate) * position.mark_from + tier.deduction
                slope += (quantity - size * tier.rate) * (position.mark_to - position.mark_from)
        if not slope < 0.0:
            return point
        following = -level / slope
        if not following < point:
            return point
        settled = True
        for i in range(first, last):
            position = book.positions[i]
            size = abs(position.quantity)
            if size != 0.0:
                before = tier_at(rules.tiers, i, size * mark_at(position, point))
                settled = settled and before == tier_at(rules.tiers, i, size * mark_at(position, following))
        point = following
        if settled or point <= start:
            return max(point, start)


@helper
def liquidation_price(tiers: Records, i: int, quantity: float, level: float) -> float:
    """Return the mark at which `level + quantity * mark - maintenance margin` is 0, NaN where no mark is.

    `level` is the surplus of the margin unit less what this position adds to it at its mark. From the far side the
    lines of the tiers lead to the root one after the other: from a notional of 0 for a long, from the last tier for
    a short.
    """
    size = abs(quantity)
    k = 0 if quantity > 0.0 else tier_at(tiers, i, math.inf)
    price = -(level + tiers[i, k].deduction) / (quantity - size * tiers[i, k].rate)
    while price > 0.0:
        reached = tier_at(tiers, i, size * price)
        if reached == k or (quantity > 0.0) == (reached < k):
            return price
        k = reached
        price = -(level + tiers[i, k].deduction) / (quantity - size * tiers[i, k].rate)
    return math.nan
