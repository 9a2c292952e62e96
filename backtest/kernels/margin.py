"""Maintenance margin, balances and surpluses.

A margin unit is a range of positions with what backs them: one position and its own margin when isolated, all
positions and the wallet in a cross account. Everything below works on such a range, `first` to `last - 1`.

What a position requires is the maintenance curve at `maintenance_quantity * mark`, and `fixed_maintenance`, which no
mark changes. The unit is breached where its balance is down to `level` times what its positions require: 1 but for
margin calls.
"""

import math

from backtest.kernels._jit import helper
from backtest.kernels.enums import MaintenanceOn, MarginMode
from backtest.kernels.schema import Book, Record, Records, Rules

ROUNDING = 1e-12  # relative; far above what rounding can move, far below what a trader can see


@helper
def is_higher(value: float, record: float) -> bool:
    """Return whether a value is above another by more than rounding."""
    return value > record * (1.0 + ROUNDING)


@helper
def tier_at(tiers: Records, ladder: int, notional: float) -> int:
    """Return the tier that a notional falls in."""
    k = 0
    while k + 1 < tiers.shape[1] and notional >= tiers[ladder, k + 1].floor:
        k += 1
    return k


@helper
def maintenance_margin(tiers: Records, ladder: int, notional: float) -> float:
    """Return N * rate - deduction, the continuous convex curve over the tiers."""
    tier = tiers[ladder, tier_at(tiers, ladder, notional)]
    return notional * tier.rate - tier.deduction


@helper
def ladder_of(rules: Rules, i: int, quantity: float) -> int:
    """Return the row of the tiers that a position's side falls under."""
    return i if quantity > 0.0 else i + rules.contracts.shape[0]


@helper
def required_at(tiers: Records, position: Record, mark: float) -> float:
    """Return the maintenance margin of a position at a mark."""
    return maintenance_margin(tiers, position.ladder, position.maintenance_quantity * mark) + position.fixed_maintenance


@helper
def moved(rules: Rules, price: float, fraction: float) -> float:
    """Return a price further up by a fraction of it; the reciprocal of a price, by the same fraction of the price."""
    if rules.settings.inverse:
        return price / (1.0 - fraction) if fraction < 1.0 else math.inf
    return price * (1.0 + fraction)


@helper
def is_breached(rules: Rules, surplus: float) -> bool:
    """Return whether a surplus is none."""
    return surplus < 0.0 or (surplus == 0.0 and rules.settings.breached_at_zero == 1)


@helper
def is_isolated(rules: Rules) -> bool:
    """Return whether every position stands on its own margin."""
    return rules.settings.margin_mode == MarginMode.ISOLATED


@helper
def nets_legs(rules: Rules) -> bool:
    """Return whether the maintenance curve sees the two legs of a symbol as one position."""
    settings = rules.settings
    return settings.hedged == 1 and settings.maintenance_on == MaintenanceOn.NET and not is_isolated(rules)


@helper
def end_of(book: Book, rules: Rules, first: int) -> int:
    """Return the position after the last one of a margin unit."""
    return first + 1 if is_isolated(rules) else book.positions.shape[0]


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
def maintenance_at(book: Book, rules: Rules, first: int, last: int, point: float) -> float:
    """Return what the positions of a margin unit require at a point of the leg."""
    required = 0.0
    for i in range(first, last):
        position = book.positions[i]
        if position.quantity != 0.0:
            required += required_at(rules.tiers, position, mark_at(position, point))
    return required


@helper
def surplus_at(book: Book, rules: Rules, first: int, last: int, point: float) -> float:
    """Return what a margin unit has above the level of a breach at a point of the leg."""
    balance = balance_at(book, rules, first, last, point)
    return balance - book.positions[first].level * maintenance_at(book, rules, first, last, point)


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
    """Return the last point between `start` and `end` at which the surplus, breached at `end`, meets 0.

    The surplus is concave and piecewise linear, so Newton from `end` over the lines of the tiers comes down on the
    root from above, and stands on it when no position changes its tier.
    """
    factor = book.positions[first].level
    point = end
    while True:
        level = backing(book, rules)
        slope = 0.0
        for i in range(first, last):
            position = book.positions[i]
            quantity = position.quantity
            if quantity != 0.0:
                maintenance_quantity = position.maintenance_quantity
                k = tier_at(rules.tiers, position.ladder, maintenance_quantity * mark_at(position, point))
                tier = rules.tiers[position.ladder, k]
                steepness = quantity - factor * maintenance_quantity * tier.rate
                level += position.constant - factor * (position.fixed_maintenance - tier.deduction)
                level += steepness * position.mark_from
                slope += steepness * (position.mark_to - position.mark_from)
        if not slope < 0.0:
            return point
        following = -level / slope
        if not following < point:
            return point
        settled = True
        for i in range(first, last):
            position = book.positions[i]
            if position.quantity != 0.0:
                before = tier_at(rules.tiers, position.ladder, position.maintenance_quantity * mark_at(position, point))
                after = tier_at(
                    rules.tiers, position.ladder, position.maintenance_quantity * mark_at(position, following)
                )
                settled = settled and before == after
        point = following
        if settled or point <= start:
            return max(point, start)


@helper
def liquidation_price(tiers: Records, positions: Records, first: int, last: int, level: float, rising: bool) -> float:
    """Return the mark at which `level` and what positions of one symbol add to it is 0, NaN where no mark is.

    `level` is the surplus of the margin unit but for what the marks of these positions add. A surplus is concave, so
    from a mark of 0 (or, where prices rise to the liquidation, from the last tiers) the lines of the tiers lead to the
    root one after the other, without passing it.
    """
    price = math.inf if rising else 0.0
    while True:
        slope = 0.0
        constant = level
        for i in range(first, last):
            position = positions[i]
            maintenance_quantity = position.maintenance_quantity
            k = tier_at(tiers, position.ladder, maintenance_quantity * price if maintenance_quantity > 0.0 else 0.0)
            slope += position.quantity - maintenance_quantity * tiers[position.ladder, k].rate
            constant += tiers[position.ladder, k].deduction
        if rising != (slope < 0.0) or slope == 0.0:
            return math.nan
        following = -constant / slope
        if not following > 0.0:
            return math.nan
        settled = following >= price if rising else following <= price
        if settled:
            return price
        unchanged = True
        for i in range(first, last):
            position = positions[i]
            maintenance_quantity = position.maintenance_quantity
            before = tier_at(
                tiers, position.ladder, maintenance_quantity * price if maintenance_quantity > 0.0 else 0.0
            )
            unchanged = unchanged and before == tier_at(tiers, position.ladder, maintenance_quantity * following)
        price = following
        if unchanged:
            return price
