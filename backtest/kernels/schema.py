"""The records that Python and the kernels share: every field with its meaning and unit.

Money is in the account's currency, quantities are signed base units (short is negative), rates are fractions,
`bar` and `instrument` are indices, choices are members of `enums`.

An inverse contract is margined and settled in the coin that it is a price of. A long of q quote units earns
q * (1 / entry_price - 1 / price) coins: it is a short of q quote units at their price in coin, 1 / price. So kernels
see the reciprocal prices, high and low exchanged, and quantities of the other sign; nothing else is different but what
moves a price by a fraction of it (`moved`) and what asks which way it went.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float64Array1D = npt.NDArray[np.float64]
Float64Array2D = npt.NDArray[np.float64]
Int64Array1D = npt.NDArray[np.int64]
Int64Array2D = npt.NDArray[np.int64]
BoolArray2D = npt.NDArray[np.bool_]
Record = np.record
Records = npt.NDArray[np.record]


def record(fields: list[tuple[str, type]]) -> np.dtype[np.record]:
    """Return a structured dtype whose elements read as `element.field`, compiled or not."""
    dtype: np.dtype[np.record] = np.dtype((np.record, fields))  # type: ignore[assignment]
    return dtype


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
        ("reserve", np.float64),  # money outside the account, for margin calls
        ("leverage", np.float64),  # notional / margin of a full signal, until a strategy changes it
        ("margin_mode", np.int64),  # MarginMode
        ("sizing", np.int64),  # Sizing
        ("rebalance", np.int64),  # Rebalance
        ("reentry", np.int64),  # Reentry
        ("on_liquidation", np.int64),  # OnLiquidation
        ("intrabar", np.int64),  # Intrabar
        ("alone", np.int64),  # the instrument (or symbol, of two legs) that ALONE means
        ("stop_loss", np.float64),  # fraction of the entry price, inf = none, until a strategy changes it
        ("take_profit", np.float64),  # likewise
        ("taker_fee", np.float64),  # fraction of traded notional
        ("slippage", np.float64),  # fraction of the price, against the trader
        ("liquidation_fee", np.float64),  # penalty, fraction of liquidated notional
        ("liquidation_slippage", np.float64),  # fraction of the price, against the trader
        ("forfeit", np.int64),  # 1: what a liquidation leaves goes to the insurance fund
        ("borrow_rate", np.float64),  # on quote debt, per year of 365 days
        ("short_borrow_rate", np.float64),  # on the base debt of shorts, likewise
        ("wallet_pays_funding", np.int64),  # 1: the wallet pays before the margin, and receives
        ("inverse", np.int64),  # 1: prices are reciprocal, sides exchanged
        ("hedged", np.int64),  # 1: positions 2 i and 2 i + 1 are the long and the short leg of a symbol
        ("breached_at_zero", np.int64),  # 1: a surplus of exactly 0 is a breach
        ("maintenance_on", np.int64),  # MaintenanceOn
        ("bankruptcy_fee", np.float64),  # held in maintenance, fraction of the notional at the bankruptcy price
        ("liquidation", np.int64),  # Liquidation
        ("liquidation_order", np.int64),  # LiquidationOrder
        ("liquidation_share", np.float64),  # of the quantity, closed by SHARE
        ("liquidation_floor", np.float64),  # notional up to which SHARE closes everything
        ("cooldown", np.float64),  # ns after a share in which a breach closes everything
        ("backstop", np.float64),  # balance / maintenance below which everything is taken over
        ("target_ratio", np.float64),  # balance / maintenance that RESTORE and deposits reach
        ("call_level", np.float64),  # balance / maintenance at which a margin call is made, 1 without calls
        ("called_level", np.float64),  # balance / maintenance at which a called position is closed at once
        ("grace", np.int64),  # bars after the one of the call in which it can be met
        ("calls", np.int64),  # 1: the venue makes margin calls
        ("deposits", np.int64),  # 1: the reserve meets margin calls
        ("insurance_fund", np.float64),  # before the first bar
        ("insurance_limited", np.int64),  # 1: what an empty fund does not bear is socialised
        ("skip_quiet_bars", np.int64),  # 0: walk every bar in full (the result is the same)
    ]
)

TIER = record(
    [
        ("floor", np.float64),  # notional from which the tier holds, inf in unused rows
        ("rate", np.float64),  # maintenance rate, with the venue's fee in maintenance
        ("deduction", np.float64),  # cum of the maintenance curve: N * rate - deduction
        ("max_leverage", np.float64),  # highest leverage that a position in it may be opened at
    ]
)

CONTRACT = record(
    [
        ("unit", np.float64),  # quantity of one contract, below 0 where inverse: frames count contracts
        ("lot", np.float64),  # quantities are whole multiples of it, 0 = any
        ("minimum_notional", np.float64),  # of an order that opens or adds
        ("cap", np.float64),  # highest notional of a target, inf = none
    ]
)

POSITION = record(
    [
        # read on every bar
        ("quantity", np.float64),  # signed base units held
        ("constant", np.float64),  # margin - quantity * entry_price: its balance at a mark of 0
        ("mark_floor", np.float64),  # a mark at or below it ends the quiet
        ("mark_ceiling", np.float64),  # a mark at or above it ends the quiet
        ("maintenance_slope", np.float64),  # maintenance margin between the mark limits: slope * mark - deduction
        ("deduction", np.float64),  # less what no mark changes
        ("surplus_slope", np.float64),  # bounds what a move of the mark by 1 takes from the surplus
        # read wherever something is ordered, and where stops are
        ("due", np.int64),  # 1: an order is due
        ("barred", np.int64),  # Barred: until when it is left flat, or as a liquidation left it
        ("reenter", np.int64),  # 1: to be ordered again at the open after exit_bar
        ("exit_bar", np.int64),  # bar of the last forced exit
        ("reduction", np.float64),  # quantity to close, unsigned
        ("increase", np.float64),  # quantity to open, signed
        ("shortfall", np.int64),  # Shortfall, or -1 while the order gets all it wanted
        ("trade_floor", np.float64),  # a trade price at or below it ends the quiet
        ("trade_ceiling", np.float64),  # a trade price at or above it ends the quiet
        # what it is
        ("entry_price", np.float64),  # average over what opened it
        ("margin", np.float64),  # its own margin, 0 in cross accounts
        ("maintenance_quantity", np.float64),  # quantity that the maintenance curve is read at, unsigned
        ("ladder", np.int64),  # row of the tiers for it
        ("fixed_maintenance", np.float64),  # maintenance margin that no mark changes
        ("previous_time", np.int64),  # ns of the open up to which it has paid interest
        ("funding", np.float64),  # paid since the position's last fill
        ("interest", np.float64),  # paid since the position's last fill
        # in force from the strategy or the settings
        ("signal", np.float64),  # in force: the last one given
        ("leverage", np.float64),  # of its orders
        ("limit", np.float64),  # largest notional that a target may have at this leverage
        ("stop_loss", np.float64),  # fraction of the entry price, inf = none
        ("take_profit", np.float64),  # fraction of the entry price, inf = none
        ("margin_add", np.float64),  # money to be moved to its margin at this open
        # of the margin unit that begins here
        ("level", np.float64),  # balance / maintenance at which it is breached
        ("called", np.int64),  # 1: a margin call is open
        ("called_bar", np.int64),  # bar of the call
        # the rest of this bar's order
        ("waiting", np.int64),  # 1: the order that waits has its row in the log
        ("wanted", np.float64),  # quantity change that the signal asks for
        ("fill_price", np.float64),  # open with slippage
        ("filled", np.float64),  # quantity traded, signed
        # this bar's walk, and its leg
        ("closing", np.float64),  # quantity that a liquidation closes, unsigned
        ("low_first", np.int64),  # 1: the bar goes to its low before its high
        ("trade_from", np.float64),  # trade price where the leg starts
        ("trade_to", np.float64),  # trade price where the leg ends
        ("mark_from", np.float64),  # mark price where the leg starts
        ("mark_to", np.float64),  # mark price where the leg ends
        ("trigger_point", np.float64),  # where on the leg a stop or take-profit is hit, above 1 = not on this leg
        ("trigger_price", np.float64),  # trade price there
        ("trigger_reason", np.int64),  # Reason
    ]
)

ACCOUNT = record(
    [
        ("wallet", np.float64),  # money not tied up in isolated margins
        ("reserve", np.float64),  # money outside the account
        ("held", np.int64),  # positions held
        ("ruined", np.int64),  # 1: equity fell to a millionth of cash, no increases any more
        ("busy", np.int64),  # 1: the next bar has to be walked in full
        ("stops", np.int64),  # 1: a traded price can close a position
        ("calls", np.int64),  # margin calls that are open
        ("refill_bar", np.int64),  # bar at whose open cash is filled up, 0 = none
        ("share_time", np.int64),  # ns of the latest share that was closed
        ("constant", np.float64),  # wallet + sum of the positions' constants: equity at marks of 0
        ("deductions", np.float64),  # sum of the positions' deductions
        ("level", np.float64),  # of the margin unit, where it is the account
        ("realised", np.float64),  # running totals of the ledger from here on
        ("fees", np.float64),
        ("funding", np.float64),
        ("interest", np.float64),
        ("penalties", np.float64),
        ("forfeited", np.float64),
        ("bad_debt", np.float64),
        ("deposits", np.float64),
        ("insurance_fund", np.float64),
        ("socialised_loss", np.float64),  # bad debt that an empty fund did not bear
        ("refills", np.int64),
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
        ("fill_row", np.int64),  # its row in the log of fills
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

CALL = record(
    [
        ("bar", np.int64),
        ("instrument", np.int64),  # -1 for the account as a whole
        ("event", np.int64),  # CallEvent
        ("balance", np.float64),  # of the margin unit before the event
        ("maintenance", np.float64),  # likewise
        ("asked", np.float64),  # money that would have been moved
        ("amount", np.float64),  # money that was
        ("reserve", np.float64),  # left after it
    ]
)

HOLDING = record(
    [
        ("bar", np.int64),
        ("instrument", np.int64),
        ("quantity", np.float64),  # held at the close, signed, 0 once it is gone
        ("entry_price", np.float64),  # NaN when flat, as all that follows
        ("margin", np.float64),  # its own, 0 in cross accounts
        ("liquidation_price", np.float64),  # mark at which its margin unit fails, other marks as they stand; NaN: none
        ("stop_price", np.float64),  # NaN without one
        ("take_profit_price", np.float64),  # NaN without one
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
    "free_margin",
    "realised",
    "fees",
    "funding",
    "interest",
    "penalties",
    "forfeited",
    "bad_debt",
    "reserve",
    "deposits",
    "insurance_fund",
    "socialised_loss",
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
    """Everything that a strategy changes, by bar, kind and instrument."""

    bar: Int64Array1D
    instrument: Int64Array1D
    kind: Int64Array1D  # Change
    value: Float64Array1D


class Rules(NamedTuple):
    """Account settings and the venue's rules."""

    settings: Record  # SETTINGS
    tiers: Records  # (2 M, K) TIER, of longs, then of shorts
    contracts: Records  # (M,) CONTRACT


class Book(NamedTuple):
    """The state that travels from bar to bar."""

    account: Record  # ACCOUNT
    positions: Records  # (M,) POSITION


class Logs(NamedTuple):
    """What happened; a count may exceed its log's capacity, whose rows are then complete only in a larger log."""

    fills: Records  # FILL
    liquidations: Records  # LIQUIDATION
    orders: Records  # ORDER
    calls: Records  # CALL
    counts: Int64Array1D  # (4,) rows of fills, liquidations, orders, calls


class Track(NamedTuple):
    """How positions change from close to close; there may be more changes than rows, which a longer one has all of.

    Where it is not wanted, `latest` is empty.
    """

    holdings: Records  # HOLDING, a row for every change
    latest: Records  # (M,) HOLDING, of each position the last row
    changes: Int64Array1D  # (1,) their number


NO_TRACK = Track(np.empty(0, HOLDING), np.empty(0, HOLDING), np.zeros(1, np.int64))


class Columns(NamedTuple):
    """What every bar leaves."""

    equity: Float64Array1D  # (T,) at the close
    equity_low: Float64Array1D  # (T,) lowest inside the bar
    detail: Float64Array2D  # (len(DETAIL), T), or (len(DETAIL), 0) where it is not wanted
    track: Track = NO_TRACK
