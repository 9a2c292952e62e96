"""The rules that bars must keep, and the repair of those that break them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtest.errors import DataError
from backtest.market.columns import MARKS, PRICES, Columns
from backtest.market.funding import landed
from backtest.text import moment, place

__all__ = ["RULES", "Repair", "check", "check_rising", "common_step", "faults", "repair", "sound"]

Prices = NDArray[np.float64]  # the four prices of some rows, (4, rows)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """One rule for a row's prices: which of the four break it, and how to say so."""

    name: str
    broken: Callable[[Prices], Mask]
    message: str


def _outside(prices: Prices) -> Mask:
    opens, highs, lows, closes = prices
    never = np.zeros(len(opens), dtype=np.bool_)
    return np.array([(opens > highs) | (opens < lows), never, never, (closes > highs) | (closes < lows)])


def _high_below_low(prices: Prices) -> Mask:
    never = np.zeros(prices.shape[1], dtype=np.bool_)
    return np.array([never, prices[1] < prices[2], never, never])


@dataclass(frozen=True)
class Repair:
    """One change: of row `row` (from 0) at `time` (nanoseconds) in `name`, for breaking `rule`."""

    name: str
    row: int
    time: int
    rule: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.before} -> {self.after} {place(self.name, self.row, self.time)}"


# In the order in which they are named; a row is counted under each rule that it breaks.
PRICE_RULES = (
    Rule("missing_price", np.isnan, "{name} must be a number where the row has other prices, got {value}"),
    Rule("infinite_price", np.isinf, "{name} must be finite, got {value}"),
    Rule("price_not_positive", lambda prices: prices <= 0, "{name} must be above 0, got {value}"),
    Rule("high_below_low", _high_below_low, "{name} must be at least {lowest}, got {high} < {low}"),
    Rule("outside_range", _outside, "{name} must be within [{lowest}, {highest}], got {value} outside [{low}, {high}]"),
)
AMOUNT_RULES = {"volume": "bad_volume", "funding_rate": "infinite_funding"}
RULES = (*(rule.name for rule in PRICE_RULES), *AMOUNT_RULES.values())


def check(columns: Columns, name: str, clip: str = "", first: int = 0) -> None:
    """Raise a DataError at the first time, price, volume or rate that breaks a rule; `clip` ends it where that mends.

    That is where a high or low does not enclose the traded prices, as in prices adjusted for dividends. `first` is the
    number of the first row.
    """
    time = columns.time
    check_rising(time, name, first)
    for fields in _groups(columns):
        rows, prices = _suspects(columns, fields)
        if len(rows):
            broken, complaint = _complaint(prices[:, 0], fields)
            hint = clip if broken in PRICE_RULES[3:] and fields == PRICES else ""
            raise DataError(f"{complaint} {place(name, first + int(rows[0]), int(time[rows[0]]))}{hint}")
    for field, rule, wrong in _bad_amounts(columns):
        if wrong.any():
            row = int(wrong.argmax())
            value = columns.values[field][row]
            raise DataError(f"{field} must be {rule}, got {value} {place(name, first + row, int(time[row]))}")


def check_rising(time: NDArray[np.int64], name: str, first: int = 0) -> None:
    """Raise a DataError at the first time that is not later than the one before it."""
    fallen = time[1:] <= time[:-1]
    if fallen.any():
        row = int(fallen.argmax()) + 1
        rule = "be unique" if time[row] == time[row - 1] else "rise"
        where = place(name, first + row)
        raise DataError(f"times must {rule}, got {moment(time[row])} after {moment(time[row - 1])} {where}")


def faults(columns: Columns) -> dict[str, int]:
    """Return how many rows break each rule for prices, volume and funding."""
    found = dict.fromkeys(RULES, 0)
    for fields in _groups(columns):
        _, prices = _suspects(columns, fields)
        for rule in PRICE_RULES:
            found[rule.name] += int(rule.broken(prices).any(axis=0).sum())
    for field, _, wrong in _bad_amounts(columns):
        found[AMOUNT_RULES[field]] += int(wrong.sum())
    return found


def sound(columns: Columns) -> Mask:
    """Return which rows have all four traded prices, by the rules."""
    good = ~np.isnan(columns.values["open"])
    good[_suspects(columns, PRICES)[0]] = False
    return good


def common_step(time: NDArray[np.int64]) -> int | None:
    """Return the most common step forward between neighbours, the smallest of equals; None where there is none."""
    steps = np.diff(time)
    steps = steps[steps > 0]
    if not len(steps):
        return None
    if np.count_nonzero(steps == steps[0]) * 2 > len(steps):
        return int(steps[0])
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def repair(columns: Columns, name: str) -> tuple[Columns, tuple[Repair, ...]]:
    """Return columns that keep the rules, and every change that this took, by row.

    Rows are sorted by time; of rows with the same time the last is kept. A row with a price that is missing, infinite
    or not above 0 is dropped (its funding falls to the next row); a high or low that does not enclose the row's other
    prices is set to the highest or lowest of them. A mark price that breaks a rule blanks the marks of its row, and a
    volume that does becomes NaN.

    Raises
    ------
    DataError                  if no row is left, or a funding rate is infinite: nobody knows what was paid
    """
    order = np.argsort(columns.time, kind="stable")
    changes = _sorting(columns.time, name)
    columns = Columns(columns.time[order], {field: values[order] for field, values in columns.values.items()})
    keep = np.append(np.diff(columns.time) != 0, True)
    changes += _dropped(columns, ~keep, order, "duplicate_time", name)
    columns, order = _chosen(columns, keep), order[keep]
    usable = np.ones(len(columns), dtype=np.bool_)
    for rule in PRICE_RULES[:3]:
        broken = _broken(columns, PRICES, rule) & usable
        changes += _dropped(columns, broken, order, rule.name, name)
        usable &= ~broken
    if not usable.any():
        raise DataError(f"there must be at least one row that can be kept, got none in {name}")
    if "funding_rate" in columns.values:
        due = landed(columns.time[usable], columns.time, np.nan_to_num(columns.values["funding_rate"], posinf=np.inf))
    columns, order = _chosen(columns, usable), order[usable]
    values = dict(columns.values)
    if "funding_rate" in values:
        values["funding_rate"] = due
    changes += _widened(columns, values, order, name)
    changes += _blanked(columns, values, order, name)
    mended = Columns(columns.time, values)
    check(mended, name)
    return mended, tuple(sorted(changes, key=lambda change: change.row))


def _groups(columns: Columns) -> list[tuple[str, ...]]:
    return [PRICES, MARKS] if MARKS[0] in columns.values else [PRICES]


def _suspects(columns: Columns, fields: tuple[str, ...]) -> tuple[NDArray[np.int64], Prices]:
    """Return the rows whose prices break a rule, and those prices."""
    opens, highs, lows, closes = (columns.values[field] for field in fields)
    good = (lows > 0) & (highs < np.inf) & (opens <= highs) & (opens >= lows) & (closes <= highs) & (closes >= lows)
    rows = np.flatnonzero(~good) if not good.all() else np.empty(0, dtype=np.int64)
    prices = np.array([columns.values[field][rows] for field in fields])
    some = ~np.isnan(prices).all(axis=0)
    return rows[some], prices[:, some]


def _complaint(prices: Prices, fields: tuple[str, ...]) -> tuple[Rule, str]:
    """Return the first rule that one row's prices break, and what is wrong with them."""
    rule = next(rule for rule in PRICE_RULES if rule.broken(prices[:, None]).any())
    which = int(rule.broken(prices[:, None])[:, 0].argmax())
    names = {"name": fields[which], "highest": fields[1], "lowest": fields[2]}
    return rule, rule.message.format(**names, value=prices[which], high=prices[1], low=prices[2])


def _bad_amounts(columns: Columns) -> list[tuple[str, str, Mask]]:
    bad = []
    if "volume" in columns.values:
        volume = columns.values["volume"]
        bad.append(("volume", "at least 0 and finite", (volume < 0) | np.isinf(volume)))
    if "funding_rate" in columns.values:
        bad.append(("funding_rate", "finite", np.isinf(columns.values["funding_rate"])))
    return bad


def _broken(columns: Columns, fields: tuple[str, ...], rule: Rule) -> Mask:
    rows, prices = _suspects(columns, fields)
    broken = np.zeros(len(columns), dtype=np.bool_)
    broken[rows] = rule.broken(prices).any(axis=0)
    return broken


def _chosen(columns: Columns, keep: Mask) -> Columns:
    return Columns(columns.time[keep], {field: values[keep] for field, values in columns.values.items()})


def _prices(columns: Columns, row: int, fields: tuple[str, ...] = PRICES) -> str:
    return " ".join(f"{field} {columns.values[field][row]}" for field in fields)


def _sorting(time: NDArray[np.int64], name: str) -> list[Repair]:
    fallen = np.flatnonzero(time[1:] < time[:-1]) + 1
    if not len(fallen):
        return []
    before = f"{len(fallen)} rows earlier than the row above them"
    return [Repair(name, int(fallen[0]), int(time[fallen[0]]), "unsorted_time", before, "all rows sorted by time")]


def _dropped(columns: Columns, which: Mask, order: NDArray[np.int64], rule: str, name: str) -> list[Repair]:
    return [
        Repair(name, int(order[row]), int(columns.time[row]), rule, _prices(columns, row), "dropped")
        for row in np.flatnonzero(which).tolist()
    ]


def _widened(
    columns: Columns, values: dict[str, NDArray[np.float64]], order: NDArray[np.int64], name: str
) -> list[Repair]:
    """Widen high and low in `values` where they do not enclose the row."""
    rows, prices = _suspects(columns, PRICES)
    if not len(rows):
        return []
    values["high"], values["low"] = values["high"].copy(), values["low"].copy()
    values["high"][rows], values["low"][rows] = prices.max(axis=0), prices.min(axis=0)
    wide = Columns(columns.time, values)
    crossed = rows[_high_below_low(prices).any(axis=0)]
    return [
        Repair(
            name,
            int(order[row]),
            int(columns.time[row]),
            "high_below_low" if row in crossed else "outside_range",
            _prices(columns, row),
            _prices(wide, row, ("high", "low")),
        )
        for row in rows.tolist()
    ]


def _blanked(
    columns: Columns, values: dict[str, NDArray[np.float64]], order: NDArray[np.int64], name: str
) -> list[Repair]:
    """Blank bad marks and volumes in `values`."""
    bad: list[tuple[int, str, tuple[str, ...]]] = []
    if MARKS[0] in values:
        rows, _ = _suspects(columns, MARKS)
        bad += [(row, "bad_mark", MARKS) for row in rows.tolist()]
    for field, _, wrong in _bad_amounts(columns):
        if field == "volume":
            bad += [(row, AMOUNT_RULES[field], (field,)) for row in np.flatnonzero(wrong).tolist()]
    for field in {field for _, _, fields in bad for field in fields}:
        values[field] = values[field].copy()
        values[field][[row for row, _, fields in bad if field in fields]] = np.nan
    return [
        Repair(name, int(order[row]), int(columns.time[row]), rule, _prices(columns, row, fields), "blank")
        for row, rule, fields in bad
    ]
