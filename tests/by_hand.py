"""Scenes small enough for arithmetic by hand; both engines play each of them, and must agree."""

from __future__ import annotations

import math
from fractions import Fraction

from comparison import assert_same_bits, check_ledger, compare, engine_result
from draws import Case
from reference import Account, Market, Outcome, Tier, Venue

F = Fraction
HOUR = 3600 * 10**9
FLAT = (100, 100, 100, 100)
SIMPLE = [Tier(F(0), F(4, 1000), F(125))]
TENFOLD = Account(cash=F(1000), leverage=F(10))


def market(
    *instruments: list, marks: tuple = (), funding: tuple = (), times: list[int] | None = None, scale: F | int = 1
) -> Market:
    """Return a market from a list of (open, high, low, close) or None for each instrument, likewise its marks."""

    def table(which: int, lists: tuple) -> list:
        bars = [[bars[t] for bars in lists] for t in range(len(lists[0]))]
        return [[None if bar is None else F(str(bar[which])) * scale for bar in row] for row in bars]

    length = len(instruments[0])
    return Market(
        times or [t * HOUR for t in range(length)],
        *(table(k, instruments) for k in range(4)),
        *(table(k, marks) if marks else None for k in range(4)),
        funding_rate=[[F(str(rates[t])) for rates in funding] for t in range(length)] if funding else None,
    )


def signals(*columns: str) -> list[list[F | float | None]]:
    """Return signals from one text per instrument, a word per bar, "." where nothing new is said."""
    words = [column.split() for column in columns]
    return [[said(word) for word in row] for row in zip(*words, strict=True)]


def said(word: str) -> F | float | None:
    """Return the number that a word is, nothing for "."."""
    return {".": None, "inf": math.inf}[word] if word in (".", "inf") else F(word)


def run(
    bars: Market,
    wanted: list,
    account: Account = TENFOLD,
    tiers: list | None = None,
    columns: dict[str, list] | None = None,
    hedged: bool = False,
    **rules: object,
) -> Outcome:
    """Return the reference's replay with the same tiers for every instrument, which the engine's must equal.

    `columns` holds tables like the signals, by name; hedged signals have two texts per instrument, long leg first.
    """
    case = Case(bars, wanted, account, Venue([tiers or SIMPLE] * len(bars.open[0]), **rules), columns, hedged)
    outcome = case.replay()
    quick, full = (engine_result(case, skip) for skip in (True, False))
    assert_same_bits(quick, full)
    check_ledger(quick, float(account.cash))
    compare(case, outcome, quick)
    return outcome


def values(rows: list[dict], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]
