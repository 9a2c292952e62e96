"""The slow engine's liquidation policies: which positions of a unit go, and how much of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_settings import ONE, ZERO, tame

if TYPE_CHECKING:
    from fractions import Fraction

    from reference_book import Book, Unit

Sizes = dict[int, "Fraction"]  # units to close, unsigned, by row of the book


def sizes(book: Book, unit: Unit, balance: Fraction, required: Fraction) -> tuple[Sizes, bool]:
    """Return what a liquidation of the unit closes, and whether the backstop takes the account over."""
    venue, cash = book.venue, book.account.cash
    taken = False
    if venue.backstop > 0:
        book.near(balance, venue.backstop * required, cash)
        taken = balance < venue.backstop * required
    nothing = required / 10**9  # what a penalty leaves that took all there was
    book.near(balance, nothing, cash)
    if balance <= nothing or taken:
        return full(book, unit, book.members(unit)), taken
    wanted = POLICIES[venue.liquidation](book, unit, selected(book, unit))
    return {i: whole(book, i, tame(size)) for i, size in wanted.items()}, False


def selected(book: Book, unit: Unit) -> list[int]:
    """Return the positions that go first."""
    members, order = book.members(unit), book.venue.liquidation_order
    present = [i for i in members if book.positions[i].present]
    if not book.cross or order == "everything" or not present:
        return members
    marks = {i: book.positions[i].mark for i in present}
    if order == "largest_loss":
        badness = {i: -book.positions[i].profit(marks[i]) for i in present}
    else:
        badness = {i: book.requirement(i, marks[i]) for i in present}
    worst = max(present, key=lambda i: (badness[i], -i))
    for i in present:
        if i != worst:
            book.near(badness[i], badness[worst], book.account.cash)
    return [worst]


def basis(book: Book, i: int) -> Fraction:
    """Return the notional N that policies look at."""
    p = book.positions[i]
    return abs(p.quantity * (p.entry if book.venue.maintenance_on == "entry" else p.mark))


def full(book: Book, unit: Unit, chosen: list[int]) -> Sizes:  # noqa: ARG001 - every policy is called alike
    """Close all of it."""
    return {i: abs(book.positions[i].quantity) for i in chosen}


def step_down(book: Book, unit: Unit, chosen: list[int]) -> Sizes:
    """Go down to the floor of the tier; from the lowest tier close all, once no other stands in a higher one."""
    floors = {}
    for i in chosen:
        below = [tier.floor for tier in book.venue.tiers[book.positions[i].symbol]]
        floors[i] = max((floor for floor in below if book.exceeds(basis(book, i), floor)), default=ZERO)
    if not any(floors.values()):
        return full(book, unit, chosen)
    return {
        i: abs(book.positions[i].quantity) * (1 - floor / basis(book, i)) for i, floor in floors.items() if floor > 0
    }


def share(book: Book, unit: Unit, chosen: list[int]) -> Sizes:  # noqa: ARG001
    """Close a share of what is large, all of what is small, and all while the account is cooling down."""
    found, cooling = {}, is_cooling_down(book)
    for i in chosen:
        part = not cooling and book.exceeds(basis(book, i), book.venue.liquidation_floor)
        found[i] = abs(book.positions[i].quantity) * (book.venue.liquidation_share if part else ONE)
    return found


def is_cooling_down(book: Book) -> bool:
    """Return whether the account's latest partial close of a share is less than the cool-down ago."""
    if book.closed_in_part is None:
        return False
    then, on_the_way = book.closed_in_part
    passed, cooldown = book.now - then, book.venue.cooldown * 10**9
    if (on_the_way or book.on_the_way) and abs(passed - cooldown) <= 1000:
        book.outcome.closest = 0.0
    return passed < cooldown


def restore(book: Book, unit: Unit, chosen: list[int]) -> Sizes:
    """Close the least share of all chosen, the same of each, that brings balance / ΣR to the target ratio."""
    venue, (balance, _) = book.venue, book.figures(unit)
    cost = ZERO  # of closing all: what the fills are worse than the marks, and the penalty
    for i in chosen:
        p = book.positions[i]
        fill = venue.moved(p.trade, 1 - p.side * venue.liquidation_slippage)
        cost += p.quantity * (p.mark - fill) + venue.liquidation_fee * abs(p.quantity * fill)

    def required(kept: Fraction) -> Fraction:
        return sum((book.requirement(i, book.positions[i].mark, kept if i in chosen else ONE) for i in members), ZERO)

    def excess(kept: Fraction) -> Fraction:
        return balance - (1 - kept) * cost - venue.target_ratio * required(kept)

    members = book.members(unit)
    corners = {ZERO}
    for i in chosen:
        p = book.positions[i]
        notional = basis(book, i) if venue.maintenance_on == "entry" else book.size(i)[0] * abs(p.mark)
        corners |= {tier.floor / notional for tier in venue.tiers[p.symbol] if tier.floor < notional}
    best = max(corners, key=excess)
    book.near(balance - (1 - best) * cost, venue.target_ratio * required(best), book.account.cash)
    kept, right, below = ZERO, ONE, excess(ONE)
    for left in sorted(corners, reverse=True):
        above = excess(left)
        if above >= 0:
            kept = right - (right - left) * below / (below - above)
            break
        right, below = left, above
    return {i: abs(book.positions[i].quantity) * (1 - kept) for i in chosen}


def whole(book: Book, i: int, size: Fraction) -> Fraction:
    """Return the size in whole lots, upwards; all of the position where less than half a lot or dust would be left."""
    p, cash = book.positions[i], book.account.cash
    held, lot = abs(p.quantity), book.venue.lot(p.symbol)
    size = min(book.whole_lots(i, size, up=True), held)
    if size < held and lot > 0:
        book.near(held - size, lot / 2)
    if held - size < lot / 2:
        return held
    dust = cash / 10**9
    book.near((held - size) * abs(p.mark), dust, cash)
    return held if (held - size) * abs(p.mark) <= dust else size


POLICIES = {"full": full, "step_down": step_down, "share": share, "restore": restore}
