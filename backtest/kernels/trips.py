"""Round trips from the logs, from flat to flat, and what the summary counts of them."""

import math

from backtest.kernels._jit import entry, helper
from backtest.kernels.curves import Falls
from backtest.kernels.enums import CallEvent, Reason, Shortfall
from backtest.kernels.schema import Int64Array1D, Logs, Record, Records

OPEN = 4  # the reason of a trip that is still open: one more than the last Reason


@entry
def settle_trips(
    fills: Records, liquidations: Records, positions: Records, bars: int, latest: Int64Array1D, trips: Records
) -> int:
    """Write the round trips in the order of their first fills, and return their number, at most that of the fills.

    A flip ends one trip and starts another. `latest` (M,) is room for the trip of every instrument.
    """
    count = 0
    liquidation = 0
    for i in range(latest.shape[0]):
        latest[i] = -1
    for row in range(fills.shape[0]):
        fill = fills[row]
        i = fill.instrument
        if latest[i] < 0:
            latest[i] = count
            count += 1
            begin(trips[latest[i]], fill, bars)
        trip = trips[latest[i]]
        liquidation = take(trip, fill, row, liquidations, liquidations.shape[0], liquidation)
        if fill.position == 0.0:
            end(trip, fill)
            latest[i] = -1
    for i in range(latest.shape[0]):
        if latest[i] >= 0:
            leave_open(trips[latest[i]], positions[i])
    for row in range(count):
        finish(trips[row])
    return count


@helper
def begin(trip: Record, fill: Record, bars: int) -> None:
    """Begin a round trip."""
    trip.instrument = fill.instrument
    trip.short = 1 if fill.quantity < 0.0 else 0
    trip.entry_bar = fill.bar
    trip.exit_bar = bars
    trip.reason = OPEN
    trip.liquidated = 0
    trip.quantity = 0.0
    trip.opened = 0.0
    trip.closed = 0.0
    trip.entry_price = 0.0
    trip.exit_price = 0.0
    trip.margin = 0.0
    trip.realised = 0.0
    trip.fees = 0.0
    trip.funding = 0.0
    trip.interest = 0.0
    trip.penalty = 0.0
    trip.forfeited = 0.0
    trip.bad_debt = 0.0


@helper
def take(trip: Record, fill: Record, row: int, liquidations: Records, count: int, liquidation: int) -> int:
    """Add the fill in a row of its log, and the liquidation that it is of, if any; return the next liquidation."""
    add_fill(trip, fill)
    if liquidation < count and liquidations[liquidation].fill_row == row:
        add_liquidation(trip, liquidations[liquidation])
        liquidation += 1
    return liquidation


@helper
def add_fill(trip: Record, fill: Record) -> None:
    """Add a fill; until the end of the trip its prices are sums of quantity * price."""
    size = abs(fill.quantity)
    if fill.position != 0.0 and (fill.quantity > 0.0) == (fill.position > 0.0):
        trip.opened += size
        trip.entry_price += size * fill.price
    else:
        trip.closed += size
        trip.exit_price += size * fill.price
    trip.quantity = max(trip.quantity, abs(fill.position))
    trip.margin += fill.margin
    trip.realised += fill.realised
    trip.fees += fill.fee
    trip.funding += fill.funding
    trip.interest += fill.interest
    if fill.reason == Reason.LIQUIDATION:
        trip.liquidated = 1


@helper
def add_liquidation(trip: Record, liquidation: Record) -> None:
    """Add what a liquidation cost besides its fill."""
    trip.penalty += liquidation.penalty
    trip.forfeited += liquidation.forfeited
    trip.bad_debt += liquidation.bad_debt


@helper
def finish(trip: Record) -> None:
    """Take the averages of a trip's prices, NaN where nothing closed, and its profit."""
    trip.entry_price = trip.entry_price / trip.opened if trip.opened > 0.0 else math.nan
    trip.exit_price = trip.exit_price / trip.closed if trip.closed > 0.0 else math.nan
    costs = trip.fees + trip.funding + trip.interest + trip.penalty + trip.forfeited
    trip.pnl = trip.realised - costs + trip.bad_debt


@entry
def tally(logs: Logs, trips: Records, falls: Falls, equity: float, totals: Record) -> None:
    """Fill in what the summary needs besides the account's own totals; `equity` is the last close's."""
    clear(totals)
    for row in range(trips.shape[0]):
        count_trip(trips[row], totals)
    count_events(logs, totals)
    note_curve(falls, equity, totals)


@helper
def clear(totals: Record) -> None:
    """Set to nothing what is counted and added up."""
    totals.liquidations = 0
    totals.trades = 0
    totals.closed = 0
    totals.wins = 0
    totals.won = 0.0
    totals.lost = 0.0
    totals.liquidation_loss = 0.0
    totals.cut_orders = 0
    totals.refused_orders = 0
    totals.margin_calls = 0
    totals.forced_closes = 0
    totals.deposits = 0.0
    totals.refilled = 0.0


@helper
def note_curve(falls: Falls, equity: float, totals: Record) -> None:
    """Note what a curve came to."""
    totals.equity = equity
    totals.max_drawdown = falls.max_drawdown
    totals.max_drawdown_low = falls.max_drawdown_low
    totals.longest = falls.longest
    totals.longest_first = falls.longest_first


@helper
def count_trip(trip: Record, totals: Record) -> None:
    """Count a round trip, and add up what it earned or lost."""
    totals.trades += 1
    if trip.reason != OPEN:
        totals.closed += 1
        if trip.pnl > 0.0:
            totals.wins += 1
            totals.won += trip.pnl
        else:
            totals.lost -= trip.pnl
    if trip.liquidated:
        totals.liquidation_loss -= trip.pnl


@helper
def count_events(logs: Logs, totals: Record) -> None:
    """Count liquidations, orders that got less than they wanted, and margin calls, and add up the money moved."""
    totals.liquidations += logs.counts[1]
    for row in range(min(logs.counts[2], logs.orders.shape[0])):
        reason = logs.orders[row].reason
        if reason == Shortfall.TIER or reason == Shortfall.MARGIN:
            totals.cut_orders += 1
        elif reason == Shortfall.REFUSED or reason == Shortfall.RUINED:
            totals.refused_orders += 1
    for row in range(min(logs.counts[3], logs.calls.shape[0])):
        call = logs.calls[row]
        if call.event == CallEvent.CALL:
            totals.margin_calls += 1
        elif call.event == CallEvent.FORCED:
            totals.forced_closes += 1
        elif call.event == CallEvent.DEPOSIT:
            totals.deposits += call.amount
        elif call.event == CallEvent.REFILL:
            totals.refilled += call.amount


@helper
def absorb(logs: Logs, trip: Record, bars: int, totals: Record) -> None:
    """Count what the logs hold of an account with one position, and empty them; its round trip goes on in `trip`."""
    liquidation = 0
    liquidations = min(logs.counts[1], logs.liquidations.shape[0])
    for row in range(min(logs.counts[0], logs.fills.shape[0])):
        fill = logs.fills[row]
        if trip.reason != OPEN:
            begin(trip, fill, bars)
        liquidation = take(trip, fill, row, logs.liquidations, liquidations, liquidation)
        if fill.position == 0.0:
            end(trip, fill)
            finish(trip)
            count_trip(trip, totals)
    count_events(logs, totals)
    for log in range(logs.counts.shape[0]):
        logs.counts[log] = 0


@helper
def end(trip: Record, fill: Record) -> None:
    """Note how a round trip ended."""
    trip.exit_bar = fill.bar
    trip.reason = fill.reason


@helper
def leave_open(trip: Record, position: Record) -> None:
    """Add what a position has paid since its last fill, for it is still with the position."""
    trip.funding += position.funding
    trip.interest += position.interest
