"""Liquidation policies: which positions of a breached margin unit are closed, and how much of each.

The answer is each position's `closing`. A policy is one function here, one member of `Liquidation` and one branch in
`choose_closings`; what the closing costs is settled in `liquidation`.
"""

import math

from backtest.kernels._jit import helper
from backtest.kernels.accrual import is_present
from backtest.kernels.enums import Liquidation, LiquidationOrder, MaintenanceOn
from backtest.kernels.margin import (
    ROUNDING,
    is_higher,
    is_isolated,
    mark_at,
    moved,
    required_at,
    tier_at,
    trade_at,
)
from backtest.kernels.orders import DUST
from backtest.kernels.schema import Book, Market, Record, Rules

EVERY = -1
NOTHING = 1e-9  # of the maintenance margin: a penalty that took all that was left may leave a rounding error


@helper
def choose_closings(
    market: Market, book: Book, rules: Rules, t: int, first: int, last: int, point: float, now: int,
    balance: float, maintenance: float,
) -> bool:  # fmt: skip
    """Note how much of each position is closed, and return whether the unit is taken over by the backstop.

    Source of the backstop: Hyperliquid documentation, "Liquidations": below 2/3 of the maintenance margin.
    """
    settings = rules.settings
    taken = settings.backstop > 0.0 and balance < settings.backstop * maintenance
    whole = balance <= NOTHING * maintenance or taken
    selected = EVERY
    if not (whole or is_isolated(rules) or settings.liquidation_order == LiquidationOrder.EVERYTHING):
        selected = first_to_go(market, book, rules, t, first, last, point)
    for i in range(first, last):
        position = book.positions[i]
        position.closing = abs(position.quantity) if selected in (EVERY, i) else 0.0
    if whole or settings.liquidation == Liquidation.FULL:
        return taken
    if settings.liquidation == Liquidation.STEP_DOWN:
        step_down(book, rules, first, last, point)
    elif settings.liquidation == Liquidation.SHARE:
        close_share(book, rules, first, last, point, now)
    else:
        restore(book, rules, first, last, point, balance, maintenance)
    for i in range(first, last):
        if book.positions[i].closing > 0.0:
            round_closing(book, rules, i, point)
            if settings.liquidation == Liquidation.SHARE and book.positions[i].closing < abs(
                book.positions[i].quantity
            ):
                book.account.share_time = now
    return taken


@helper
def first_to_go(market: Market, book: Book, rules: Rules, t: int, first: int, last: int, point: float) -> int:
    """Return the position of a cross account that is closed first: of those that trade, or all where none does."""
    found = EVERY
    highest = -math.inf
    for i in range(first, last):
        position = book.positions[i]
        if position.quantity != 0.0 and is_present(market, t, i):
            mark = mark_at(position, point)
            value = position.quantity * (position.entry_price - mark)
            if rules.settings.liquidation_order == LiquidationOrder.LARGEST_MAINTENANCE:
                value = required_at(rules.tiers, position, mark)
            if value > highest:
                found = i
                highest = value
    return found


@helper
def notional_at(position: Record, rules: Rules, point: float) -> float:
    """Return the notional that places a position on the venue's ladder."""
    if rules.settings.maintenance_on == MaintenanceOn.ENTRY:
        return abs(position.quantity) * position.entry_price
    return abs(position.quantity) * mark_at(position, point)


@helper
def tier_entered(rules: Rules, position: Record, notional: float) -> int:
    """Return the highest tier whose floor a notional is above by more than rounding."""
    tiers = rules.tiers
    k = 0
    while k + 1 < tiers.shape[1] and is_higher(notional, tiers[position.ladder, k + 1].floor):
        k += 1
    return k


@helper
def step_down(book: Book, rules: Rules, first: int, last: int, point: float) -> None:
    """Close down to the top of the next lower tier; from the first tier, everything.

    Where several are closed together, those in the first tier stay until the others have come down to it.
    Source: Bybit, "Liquidation Process (Unified Trading Account)"; OKX, "Liquidation": tier by tier until healthy.
    """
    stepping = False
    for i in range(first, last):
        position = book.positions[i]
        if position.closing > 0.0 and tier_entered(rules, position, notional_at(position, rules, point)) > 0:
            stepping = True
    for i in range(first, last):
        position = book.positions[i]
        if position.closing > 0.0:
            notional = notional_at(position, rules, point)
            k = tier_entered(rules, position, notional)
            if k > 0:
                position.closing *= 1.0 - rules.tiers[position.ladder, k].floor / notional
            elif stepping:
                position.closing = 0.0


@helper
def close_share(book: Book, rules: Rules, first: int, last: int, point: float, now: int) -> None:
    """Close a share of what is above the floor, unless a share was closed just before.

    Source: Hyperliquid documentation, "Liquidations": 20 % of positions above 100 000 USDC, then 30 s in which an
    order closes the whole position.
    """
    settings = rules.settings
    if now - book.account.share_time < settings.cooldown:
        return
    for i in range(first, last):
        position = book.positions[i]
        if is_higher(notional_at(position, rules, point), settings.liquidation_floor):
            position.closing *= settings.liquidation_share


@helper
def restore(book: Book, rules: Rules, first: int, last: int, point: float, balance: float, maintenance: float) -> None:
    """Close just enough for the balance to be `target_ratio` times the maintenance margin; all where nothing is enough.

    Of every position that is to be closed a share y stays. Closing the rest costs the way from the mark to the fill
    and the penalty, so y solves B - (1 - y) * C = target_ratio * R(y). What is missing is concave in y: Newton from
    y = 1 comes down on the largest root, over the lines of the tiers.
    Source: with one position and one tier this is (k * m * N - E) / (N * (k * m - f)), the share to close.
    """
    target = rules.settings.target_ratio
    entry_based = rules.settings.maintenance_on == MaintenanceOn.ENTRY
    cost = 0.0
    for i in range(first, last):
        position = book.positions[i]
        if position.closing > 0.0:
            cost += closing_cost(position, rules, point)
            maintenance -= required_at(rules.tiers, position, mark_at(position, point))
    share = 1.0
    while True:
        gap = balance - (1.0 - share) * cost - target * maintenance
        slope = cost
        for i in range(first, last):
            position = book.positions[i]
            if position.closing > 0.0:
                size = abs(position.quantity) if entry_based else position.maintenance_quantity
                notional = size * (position.entry_price if entry_based else mark_at(position, point))
                tier = rules.tiers[position.ladder, tier_at(rules.tiers, position.ladder, share * notional)]
                gap -= target * (share * notional * tier.rate - tier.deduction)
                slope -= target * notional * tier.rate
        following = share - gap / slope if slope < 0.0 else 0.0
        if not following > 0.0:
            return
        if not following < share:
            break
        share = following
    for i in range(first, last):
        book.positions[i].closing *= 1.0 - share


@helper
def closing_cost(position: Record, rules: Rules, point: float) -> float:
    """Return what closing a whole position takes from the balance at its mark: the way to the fill, and the penalty."""
    fill = liquidation_fill(position, rules, point)
    way = position.quantity * (mark_at(position, point) - fill)
    return way + rules.settings.liquidation_fee * abs(position.quantity) * fill


@helper
def liquidation_fill(position: Record, rules: Rules, point: float) -> float:
    """Return the price at which a liquidated position is closed."""
    side = math.copysign(1.0, position.quantity)
    return moved(rules, trade_at(position, point), -side * rules.settings.liquidation_slippage)


@helper
def round_closing(book: Book, rules: Rules, i: int, point: float) -> None:
    """Round what is closed up to whole lots, and to everything where only dust would be left."""
    position = book.positions[i]
    size = abs(position.quantity)
    lot = rules.contracts[i].lot
    if lot > 0.0:
        position.closing = math.ceil(position.closing / lot * (1.0 - ROUNDING)) * lot
    if (size - position.closing) * mark_at(position, point) <= DUST * rules.settings.cash:
        position.closing = size
