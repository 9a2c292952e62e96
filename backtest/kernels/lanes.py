"""Many settings over the same bars and signals of one instrument: the same bar, but quiet stretches passed at once.

A lane is one setting. Every bar in which something can happen is replayed by the very functions of `loop`; what lies
between is passed a segment at a time, where the segment's extremes are quiet for the lane. The books come out equal to
those of `loop.replay` to the bit, records at the closes and falls of the curve to rounding; equity is not written bar
by bar, only at the end of every day.
"""

from typing import NamedTuple

from backtest.kernels._jit import entry, helper
from backtest.kernels.changes import open_account
from backtest.kernels.closing import set_records
from backtest.kernels.curves import Falls, after_bar, first_falls, loaded, settled, store
from backtest.kernels.loop import replay_bar
from backtest.kernels.margin import is_higher, is_isolated
from backtest.kernels.quiet import arm, is_funded, may_set_record, ruin_level
from backtest.kernels.schema import (
    Book,
    Float64Array1D,
    Float64Array2D,
    Int64Array2D,
    Logs,
    Market,
    Record,
    Records,
    Rules,
    Schedule,
)
from backtest.kernels.segments import Index, after_segment
from backtest.kernels.trips import OPEN, absorb, clear, count_trip, finish, leave_open, note_curve


class Rooms(NamedTuple):
    """Room for W lanes that go through the bars together: what one bar logs, and what travels from bar to bar."""

    fills: Records  # (W, fills) FILL
    liquidations: Records  # (W, liquidations) LIQUIDATION
    orders: Records  # (W, orders) ORDER
    calls: Records  # (W, calls) CALL
    counts: Int64Array2D  # (W, 4) rows of fills, liquidations, orders, calls
    most: Int64Array2D  # (W, 4) the most of a bar, which may exceed the room
    falls: Records  # (W,) FALLS
    trips: Records  # (W,) TRIP, the one that is open, if its reason says so


class Batch(NamedTuple):
    """L lanes that share tiers and contracts: their settings, and what becomes of them."""

    settings: Records  # (L,) SETTINGS
    tiers: Records
    contracts: Records
    accounts: Records  # (L,) ACCOUNT, zeros before
    positions: Records  # (L, 1) POSITION, zeros before
    totals: Records  # (L,) TOTALS
    daily: Float64Array2D  # (L, D) the last equity of every day


class Ahead(NamedTuple):
    """What comes next, for all lanes alike."""

    change: int
    appointment: int
    day: int  # whose end is to be written


@entry
def replay_lanes(market: Market, schedule: Schedule, index: Index, batch: Batch, rooms: Rooms) -> int:
    """Replay lanes, and return how many are done: a block of lanes whose logs do not fit ends the call.

    A block goes through the bars together, so that what all of them look at is fetched once; every bar's logs are
    counted at once, so that they are small.
    """
    lanes = batch.settings.shape[0]
    width = rooms.counts.shape[0]
    for first in range(0, lanes, width):
        last = min(first + width, lanes)
        replay_block(market, schedule, index, batch, rooms, first, last)
        for row in range(last - first):
            if not has_room(rooms, row):
                return first
        for row in range(last - first):
            lane = first + row
            close_lane(market, rooms, row, batch.positions[lane, 0], batch.daily[lane], batch.totals[lane])
    return lanes


@helper
def logs_of(rooms: Rooms, row: int) -> Logs:
    """Return the logs of a lane of the block."""
    return Logs(rooms.fills[row], rooms.liquidations[row], rooms.orders[row], rooms.calls[row], rooms.counts[row])


@helper
def has_room(rooms: Rooms, row: int) -> bool:
    """Return whether every event of a lane had its row."""
    most = rooms.most[row]
    return (
        most[0] <= rooms.fills.shape[1]
        and most[1] <= rooms.liquidations.shape[1]
        and most[2] <= rooms.orders.shape[1]
        and most[3] <= rooms.calls.shape[1]
    )


@helper
def open_lane(market: Market, rules: Rules, book: Book, rooms: Rooms, row: int, totals: Record) -> None:
    """Fill in what a lane begins with."""
    open_account(book, rules)
    store(first_falls(rules.settings.cash, market.time[0]), rooms.falls[row])
    rooms.trips[row].reason = OPEN + 1
    clear(totals)
    for log in range(rooms.counts.shape[1]):
        rooms.counts[row, log] = 0
        rooms.most[row, log] = 0


@helper
def close_lane(market: Market, rooms: Rooms, row: int, position: Record, daily: Float64Array1D, totals: Record) -> None:
    """Fill in what is known of a lane when it is done."""
    trip = rooms.trips[row]
    if trip.reason == OPEN:
        leave_open(trip, position)
        finish(trip)
        count_trip(trip, totals)
    falls = settled(loaded(rooms.falls[row]), market.time[market.time.shape[0] - 1])
    note_curve(falls, daily[daily.shape[0] - 1], totals)


@helper
def replay_block(
    market: Market, schedule: Schedule, index: Index, batch: Batch, rooms: Rooms, first: int, last: int
) -> None:
    """Replay all bars of the lanes from `first` up to `last`."""
    bars = market.time.shape[0]
    for lane in range(first, last):
        rules = Rules(batch.settings[lane], batch.tiers, batch.contracts)
        open_lane(
            market, rules, Book(batch.accounts[lane], batch.positions[lane]), rooms, lane - first, batch.totals[lane]
        )
    ahead = Ahead(0, 0, 0)
    s = 0
    t = 0
    while t < bars:
        passing = index.segments[s].first == t
        end = index.segments[s].end if passing else t + 1
        following = ahead
        for lane in range(first, last):
            row = lane - first
            rules = Rules(batch.settings[lane], batch.tiers, batch.contracts)
            book = Book(batch.accounts[lane], batch.positions[lane])
            falls = loaded(rooms.falls[row])
            if passing and not book.account.busy and is_quiet(market, book, rules, index.segments[s]):
                falls = pass_segment(market, book, index, s, falls, batch.daily[lane], ahead.day)
            else:
                falls, following = walk_segment(
                    market, schedule, index, t, end, rules, book, rooms, row, falls, batch.totals[lane],
                    batch.daily[lane], ahead,
                )  # fmt: skip
            store(falls, rooms.falls[row])
        day = ahead.day
        while index.day_ends[day] < end:
            day += 1
        ahead = Ahead(following.change, following.appointment, day)
        s += 1 if passing else 0
        t = end


@helper
def walk_segment(
    market: Market, schedule: Schedule, index: Index, start: int, end: int, rules: Rules, book: Book, rooms: Rooms,
    row: int, falls: Falls, totals: Record, daily: Float64Array1D, ahead: Ahead,
) -> tuple[Falls, Ahead]:  # fmt: skip
    """Replay bar by bar; return the falls afterwards, and what comes next."""
    change, appointment, day = ahead
    logs = logs_of(rooms, row)
    for t in range(start, end):
        change, appointment, equity, low, _, _ = replay_bar(
            market, schedule, rules, book, logs, t, change, appointment, False, False
        )
        if logs.counts[0] + logs.counts[2] + logs.counts[3] > 0:
            for log in range(logs.counts.shape[0]):
                rooms.most[row, log] = max(rooms.most[row, log], logs.counts[log])
            absorb(logs, rooms.trips[row], market.time.shape[0], totals)
        falls = after_bar(falls, market.time, t, equity, low)
        if index.day_ends[day] == t:
            daily[day] = equity
            day += 1
    return falls, Ahead(change, appointment, day)


@helper
def is_quiet(market: Market, book: Book, rules: Rules, segment: Record) -> bool:
    """Return whether nothing can happen to a lane in a segment, after noting the records that its closes set.

    Every test of `quiet.pass_quiet_bars` is monotone in the price, so the extremes of the segment decide for all bars.
    """
    account = book.account
    constant = account.constant
    ruin = ruin_level(book, rules)
    if account.held == 0:
        return constant > ruin
    position = book.positions[0]
    quantity = position.quantity
    if not (segment.low > position.mark_floor and segment.high < position.mark_ceiling):
        return False
    if account.stops == 1 and not (
        segment.trade_low > position.trade_floor and segment.trade_high < position.trade_ceiling
    ):
        return False
    adverse = segment.low if quantity > 0.0 else segment.high
    worst = constant + quantity * adverse
    if not worst > ruin:
        return False
    slope = position.maintenance_slope
    deduction = position.deduction
    if not is_isolated(rules):
        surplus = worst - account.level * (slope * adverse - deduction)
        if not is_funded(surplus, constant, abs(quantity) * segment.highest_close):
            return False
    if may_set_any(book, rules, segment.lowest_close) or may_set_any(book, rules, segment.highest_close):
        set_record_at(market, book, rules, segment.lowest_bar)
        set_record_at(market, book, rules, segment.highest_bar)
        if rules.settings.inverse:
            arm(market, book, rules, segment.first, False)
    return True


@helper
def may_set_any(book: Book, rules: Rules, close: float) -> bool:
    """Return whether a close may set a record for the one position held."""
    account = book.account
    position = book.positions[0]
    quantity = position.quantity
    equity = account.constant + quantity * close
    backed = position.constant if is_isolated(rules) else account.constant
    required = position.maintenance_slope * close - position.deduction
    return may_set_record(
        required,
        backed + quantity * close,
        position.surplus_slope * close,
        account.highest_margin_ratio,
        account.smallest_liquidation_distance,
    ) or is_higher(abs(quantity) * close, account.highest_effective_leverage * equity)


@helper
def set_record_at(market: Market, book: Book, rules: Rules, t: int) -> None:
    """Note the records that a close sets for the one position held."""
    quantity = book.positions[0].quantity
    close = market.mark[t, 0].close
    set_records(market, book, rules, t, book.account.constant + quantity * close, abs(quantity) * close)


@helper
def pass_segment(
    market: Market, book: Book, index: Index, s: int, falls: Falls, daily: Float64Array1D, day: int
) -> Falls:
    """Pass a quiet segment, write the last equity of its days from `day` on, and return the falls after it."""
    account = book.account
    segment = index.segments[s]
    end = segment.end
    constant = account.constant
    if account.held == 0:
        falls = after_bar(falls, market.time, segment.first, constant, constant)
        if end - segment.first > 1:
            falls = after_bar(falls, market.time, end - 1, constant, constant)
        while index.day_ends[day] < end:
            daily[day] = constant
            day += 1
        return falls
    quantity = book.positions[0].quantity
    account.bars_held += end - segment.first
    while index.day_ends[day] < end:
        daily[day] = constant + quantity * market.mark[index.day_ends[day], 0].close
        day += 1
    return after_segment(falls, market.time, index, s, constant, quantity)
