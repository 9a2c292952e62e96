"""What a breach does in the slow engine: a margin call, or a liquidation and how its money is divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_policies import sizes
from reference_settings import ZERO

if TYPE_CHECKING:
    from fractions import Fraction

    from reference_book import Book, Unit


def breach(book: Book, unit: Unit, gap: bool) -> None:
    """Call a unit that may still answer, or liquidate it."""
    call = book.venue.call
    if call is not None and call.grace > 0 and unit.called is None:
        balance, required = book.figures(unit)
        write(book, unit, "call", asked=(book.venue.target_ratio or call.level) * required - balance)
        unit.called = book.t
        return
    if call is not None:
        write(book, unit, "forced")
    liquidate(book, unit, gap)


def breaches_at_open(book: Book) -> None:
    """Look at every unit at mark_open until it is not breached or holds nothing."""
    for unit in book.live_units():
        while book.members(unit) and book.breached(unit):
            breach(book, unit, gap=True)


def answer_calls(book: Book) -> None:
    """Answer every call of an earlier bar: cure it, pay in from the reserve, or force it when grace has passed."""
    for unit in book.units:
        waits = unit.called is not None and unit.called < book.t
        if waits and (unit.instrument is None or book.positions[unit.instrument].present):
            answer(book, unit)


def answer(book: Book, unit: Unit) -> None:
    """Answer the call of one unit."""
    call = book.venue.call
    if not book.members(unit) or not book.breached(unit, call.level):
        cure(book, unit)
        return
    if call.deposit == "reserve":
        balance, required = book.figures(unit)
        asked = book.venue.target_ratio * required - balance
        amount = min(book.reserve, asked)
        if amount > 0:
            book.reserve -= amount
            write(book, unit, "deposit", asked=asked, amount=amount)
            book.deposit(unit, amount)
        if not book.breached(unit, call.level):
            cure(book, unit)
            return
    if book.t - unit.called > call.grace:
        write(book, unit, "forced")
        while book.members(unit) and book.breached(unit, call.level):
            liquidate(book, unit, gap=True)
        unit.called = None


def cure(book: Book, unit: Unit) -> None:
    """End a call."""
    write(book, unit, "cure")
    unit.called = None


def write(book: Book, unit: Unit, event: str, asked: Fraction = ZERO, amount: Fraction = ZERO) -> None:
    """Write a row of calls, with balance and ΣR as they stand; the reserve is what the event leaves."""
    balance, required = book.figures(unit)
    money = {"balance": balance, "maintenance": required, "asked": asked, "amount": amount, "reserve": book.reserve}
    book.outcome.calls.append(book.row(unit.instrument, event=event, **money))


def liquidate(book: Book, unit: Unit, gap: bool) -> None:
    """Close what the policy says where the walk stands, divide the money, and write a row for each position."""
    venue, members = book.venue, book.members(unit)
    balance, required = book.figures(unit)
    closed, taken = sizes(book, unit, balance, required)
    joint = book.cross and not gap and len({book.positions[i].symbol for i in members}) > 1
    rows, fills = [], []
    for i, size in closed.items():
        p = book.positions[i]
        fill = venue.moved(p.trade, 1 - p.side * venue.liquidation_slippage)
        fills.append(fill)
        row = book.row(i, quantity=p.side * size, mark_price=venue.price(p.mark), fill_price=venue.price(fill))
        row["bankruptcy_price"] = venue.price(p.mark - balance / p.quantity)
        rows.append(row | {"gap": gap, "joint": joint, "partial": size < abs(p.quantity)})
    margins = [book.positions[row["instrument"]].margin for row in rows]
    profits = [close(book, row, fill) for row, fill in zip(rows, fills, strict=True)]
    penalties = [venue.liquidation_fee * abs(row["quantity"] * fill) for row, fill in zip(rows, fills, strict=True)]
    if book.cross:
        settle_cross(book, rows, fills, sum(profits), penalties, taken)
    elif rows[0]["partial"]:
        settle_part(book, rows[0], margins[0], profits[0], penalties[0])
    else:
        settle_isolated(book, rows[0], margins[0], profits[0], penalties[0], taken)
    if venue.liquidation == "share" and any(row["partial"] for row in rows):
        book.closed_in_part = (book.now, book.on_the_way)
    for row, fill in zip(rows, fills, strict=True):
        book.take_in(row["penalty"], row["forfeited"])
        book.bear(row["bad_debt"])
        book.write_fill(row["instrument"], -row["quantity"], fill, ZERO, "liquidation")
        row["quantity"] = book.contracts(row["instrument"], row["quantity"])
    book.outcome.liquidations += rows


def close(book: Book, row: dict, fill: Fraction) -> Fraction:
    """Take what is closed off the position, hold it back from now on, and return the realised profit."""
    p = book.positions[row["instrument"]]
    profit = row["quantity"] * (fill - p.entry)
    p.quantity -= row["quantity"]
    book.totals["realised"] += profit
    book.liquidated.add(book.t)
    p.exited = book.t
    p.reentry = "bar" if book.account.on_liquidation == "reenter" else "signal"
    p.barred = p.barred or (book.account.on_liquidation == "stop" and not row["partial"])
    return profit


def settle_part(book: Book, row: dict, margin: Fraction, profit: Fraction, asked: Fraction) -> None:
    """Let the margin of an isolated position of which part is left bear profit and penalty."""
    p = book.positions[row["instrument"]]
    paid = min(asked, max(ZERO, margin + profit + p.profit(p.mark)))
    p.margin = margin + profit - paid
    row |= {"margin_lost": paid - profit, "penalty": paid, "forfeited": ZERO, "bad_debt": ZERO}


def settle_isolated(book: Book, row: dict, margin: Fraction, profit: Fraction, asked: Fraction, taken: bool) -> None:
    """Divide what remains of the margin; the insurance fund bears what is missing."""
    remaining = margin + profit
    paid = min(asked, max(ZERO, remaining))
    left = max(ZERO, remaining) - paid
    returned = left if book.venue.residual == "return" and not taken else ZERO
    book.wallet += returned
    book.positions[row["instrument"]].margin = ZERO
    row |= {"margin_lost": margin - returned, "penalty": paid, "forfeited": left - returned}
    row["bad_debt"] = max(ZERO, -remaining)


def settle_cross(
    book: Book, rows: list[dict], fills: list[Fraction], profit: Fraction, penalties: list[Fraction], taken: bool
) -> None:
    """Let the wallet take the profits and pay the penalties as far as there is a balance; share out what is lost."""
    book.wallet += profit
    asked = sum(penalties)
    paid = min(asked, max(ZERO, book.equity()))
    book.wallet -= paid
    debt = forfeited = ZERO
    if not book.held():
        debt = max(ZERO, -book.wallet)
        forfeited = max(ZERO, book.wallet) if taken else ZERO
        book.wallet += debt - forfeited
    notionals = [abs(row["quantity"] * fill) for row, fill in zip(rows, fills, strict=True)]
    for row, penalty, notional in zip(rows, penalties, notionals, strict=True):
        part = notional / sum(notionals)
        row |= {"margin_lost": None, "penalty": paid * penalty / asked if asked else ZERO}
        row |= {"forfeited": forfeited * part, "bad_debt": debt * part}
