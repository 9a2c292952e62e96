"""The records that Python and the kernels share: every field with its meaning and unit.

Money is in the quote currency, quantities are signed base units (short is negative), rates are fractions,
`bar` and `instrument` are indices. The enums are stored as integers and compared as such.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float64Array1D = npt.NDArray[np.float64]
Float64Array2D = npt.NDArray[np.float64]
Int64Array1D = npt.NDArray[np.int64]
BoolArray2D = npt.NDArray[np.bool_]
Record = np.record
Records = npt.NDArray[np.record]


def record(fields: list[tuple[str, type]]) -> np.dtype[np.record]:
    """Return a structured dtype whose elements read as `element.field`, compiled or not."""
    dtype: np.dtype[np.record] = np.dtype((np.record, fields))  # type: ignore[assignment]
    return dtype


class MarginMode(IntEnum):
    """What backs a position: its own margin, or the whole wallet."""

    ISOLATED = 0
    CROSS = 1


class Sizing(IntEnum):
    """What a signal is a fraction of."""

    EQUITY = 0
    CASH = 1


class Rebalance(IntEnum):
    """When an instrument is ordered: when its signal changes, or on every bar."""

    SIGNAL = 0
    BAR = 1


class Reentry(IntEnum):
    """When a position is opened again after a forced exit."""

    SIGNAL = 0
    BAR = 1
    NEVER = 2


class Intrabar(IntEnum):
    """The order in which a bar reaches its extremes."""

    WORST = 0
    PATH = 1
    BEST = 2


class Reason(IntEnum):
    """Why a fill happened."""

    SIGNAL = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2
    LIQUIDATION = 3


class Shortfall(IntEnum):
    """Why an order got less than it wanted."""

    TIER = 0
    FEES = 1
    MARGIN = 2
    REFUSED = 3
    WAITING = 4
    RUINED = 5


class Barred(IntEnum):
    """Until when a forced exit keeps an instrument flat."""

    NO = 0
    UNTIL_SIGNAL = 1
    FOREVER = 2


PRICES = record(
    [
        ("open", np.float64),  # price at the bar's open time
        ("high", np.float64),  # highest price inside the bar
        ("low", np.float64),  # lowest price inside the bar
        ("close", np.float64),  # price at the bar's end
    ]
)

SETTINGS = record(
    [
        ("cash", np.float64),  # equity before the first bar
        ("leverage", np.float64),  # notional / margin of a full signal
        ("margin_mode", np.int64),  # MarginMode
        ("sizing", np.int64),  # Sizing
        ("rebalance", np.int64),  # Rebalance
        ("reentry", np.int64),  # Reentry
        ("intrabar", np.int64),  # Intrabar
        ("stop_loss", np.float64),  # fraction of the entry price, inf = none
        ("take_profit", np.float64),  # fraction of the entry price, inf = none
        ("taker_fee", np.float64),  # fraction of traded notional
        ("slippage", np.float64),  # fraction of the price, against the trader
        ("liquidation_fee", np.float64),  # penalty, fraction of liquidated notional
        ("liquidation_slippage", np.float64),  # fraction of the price, against the trader
        ("forfeit", np.int64),  # 1: what a liquidation leaves goes to the insurance fund
        ("borrow_rate", np.float64),  # per year of 365 days
        ("skip_quiet_bars", np.int64),  # 0: walk every bar in full (the result is the same)
    ]
)

TIER = record(
    [
        ("floor", np.float64),  # notional from which the tier holds, inf in unused rows
        ("rate", np.float64),  # maintenance rate, with the venue's fee in maintenance
        ("deduction", np.float64),  # cum of the maintenance curve: N * rate - deduction
    ]
)

POSITION = record(
    [
        ("quantity", np.float64),  # signed base units held
        ("entry_price", np.float64),  # average over what opened it
        ("margin", np.float64),  # its own margin, 0 in cross accounts
        ("constant", np.float64),  # margin - quantity * entry_price: its balance at a mark of 0
        ("signal", np.float64),  # in force: the last one given
        ("due", np.int64),  # 1: an order is due
        ("waiting", np.int64),  # 1: the order that waits has its row in the log
        ("reenter", np.int64),  # 1: to be ordered again at the open after exit_bar
        ("barred", np.int64),  # Barred
        ("exit_bar", np.int64),  # bar of the last forced exit
        ("previous_bar", np.int64),  # last bar in which the instrument was present
        ("funding", np.float64),  # paid since the position's last fill
        ("interest", np.float64),  # paid since the position's last fill
        # this bar's order
        ("wanted", np.float64),  # quantity change that the signal asks for
        ("fill_price", np.float64),  # open with slippage
        ("reduction", np.float64),  # quantity to close, unsigned
        ("increase", np.float64),  # quantity to open, signed
        ("filled", np.float64),  # quantity traded, signed
        ("shortfall", np.int64),  # Shortfall, or -1 while the order gets all it wanted
        # this bar's leg
        ("trade_from", np.float64),  # trade price where the leg starts
        ("trade_to", np.float64),  # trade price where the leg ends
        ("mark_from", np.float64),  # mark price where the leg starts
        ("mark_to", np.float64),  # mark price where the leg ends
        ("trigger_point", np.float64),  # where on the leg a stop or take-profit is hit, above 1 = not on this leg
        ("trigger_price", np.float64),  # trade price there
        ("trigger_reason", np.int64),  # Reason
        # while nothing happens
        ("mark_floor", np.float64),  # a mark at or below it ends the quiet
        ("mark_ceiling", np.float64),  # a mark at or above it ends the quiet
        ("trade_floor", np.float64),  # a trade price at or below it ends the quiet
        ("trade_ceiling", np.float64),  # a trade price at or above it ends the quiet
        ("requirement", np.float64),  # maintenance margin between the two mark limits: requirement * mark - deduction
        ("deduction", np.float64),
        ("reach", np.float64),  # bounds what a move of the mark by 1 takes from the surplus
    ]
)

ACCOUNT = record(
    [
        ("wallet", np.float64),  # money not tied up in isolated margins
        ("held", np.int64),  # instruments held
        ("ruined", np.int64),  # 1: equity fell to a millionth of cash, no increases any more
        ("busy", np.int64),  # 1: the next bar has to be walked in full
        ("constant", np.float64),  # wallet + sum of the positions' constants: equity at marks of 0
        ("deductions", np.float64),  # sum of the positions' deductions
        ("realised", np.float64),  # running totals of the ledger from here on
        ("fees", np.float64),
        ("funding", np.float64),
        ("interest", np.float64),
        ("penalties", np.float64),
        ("forfeited", np.float64),
        ("bad_debt", np.float64),
        ("highest_margin_ratio", np.float64),  # records at the closes from here on
        ("smallest_liquidation_distance", np.float64),  # fraction of the mark, 1 = none below 1
        ("highest_effective_leverage", np.float64),
        ("bars_held", np.int64),  # bars at whose close something is held
    ]
)

FILL = record(
    [
        ("bar", np.int64),
        ("instrument", np.int64),
        ("quantity", np.float64),  # as traded, signed
        ("price", np.float64),
        ("fee", np.float64),  # taker fee, 0 when liquidated
        ("reason", np.int64),  # Reason
        ("position", np.float64),  # quantity held after the fill, signed
        ("realised", np.float64),  # profit at the fill price of what it closed
        ("margin", np.float64),  # initial margin that it took: notional / leverage of what it opened, else 0
        ("funding", np.float64),  # paid by the position since its previous fill
        ("interest", np.float64),  # likewise; an isolated position's, or the base debt's in cross
    ]
)

LIQUIDATION = record(
    [
        ("bar", np.int64),
        ("instrument", np.int64),
        ("fill", np.int64),  # its row in the log of fills
        ("quantity", np.float64),  # the position closed, signed
        ("mark_price", np.float64),
        ("fill_price", np.float64),
        ("bankruptcy_price", np.float64),  # mark at which the balance is 0, other marks as they stand
        ("margin_lost", np.float64),  # margin less what went back to the wallet, NaN in cross
        ("penalty", np.float64),
        ("forfeited", np.float64),
        ("bad_debt", np.float64),
        ("gap", np.int64),  # 1: found at the open
        ("joint", np.int64),  # 1: several instruments stood at their joint price
        ("partial", np.int64),  # 1: part of the position was left
    ]
)

ORDER = record(
    [
        ("bar", np.int64),
        ("instrument", np.int64),
        ("wanted", np.float64),  # signed quantity, NaN while waiting
        ("filled", np.float64),  # signed quantity
        ("reason", np.int64),  # Shortfall
    ]
)

DETAIL = (
    "wallet",
    "margin",
    "initial_margin",
    "maintenance_margin",
    "margin_ratio",
    "notional",
    "effective_leverage",
    "realised",
    "fees",
    "funding",
    "interest",
    "penalties",
    "forfeited",
    "bad_debt",
)


class Market(NamedTuple):
    """T bars of M instruments; `mark` is `trade` itself where no marks are given."""

    time: Int64Array1D  # (T,) open times, ns
    trade: Records  # (T, M) PRICES
    mark: Records  # (T, M) PRICES
    funding: Float64Array2D  # (T, M), or (0, M) where there is none
    present: BoolArray2D  # (T, M), or (0, M) where nothing is ever missing
    appointments: Int64Array1D  # bars with funding due or an instrument back from absence


class Schedule(NamedTuple):
    """Every change of a signal, by bar and instrument."""

    bar: Int64Array1D
    instrument: Int64Array1D
    signal: Float64Array1D
    latest: Float64Array1D  # (M,) the signals in force after the last change


class Rules(NamedTuple):
    """Account settings and the venue's margin rules."""

    settings: Record  # SETTINGS
    tiers: Records  # (M, K) TIER
    limits: Float64Array1D  # (M,) largest notional a target may have at the leverage chosen


class Book(NamedTuple):
    """The state that travels from bar to bar."""

    account: Record  # ACCOUNT
    positions: Records  # (M,) POSITION


class Logs(NamedTuple):
    """What happened; a count may exceed its log's capacity, whose rows are then complete only in a larger log."""

    fills: Records  # FILL
    liquidations: Records  # LIQUIDATION
    orders: Records  # ORDER
    counts: Int64Array1D  # (3,) rows of fills, liquidations, orders


class Columns(NamedTuple):
    """What every bar leaves."""

    equity: Float64Array1D  # (T,) at the close
    equity_low: Float64Array1D  # (T,) lowest inside the bar
    detail: Float64Array2D  # (len(DETAIL), T), or (len(DETAIL), 0) where it is not wanted
