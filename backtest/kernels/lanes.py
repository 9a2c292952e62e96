"""Many settings over the same bars and signals of one instrument: the same bar, but quiet stretches passed at once.

A lane is one setting. Every bar in which something can happen is replayed by the very functions of `loop`; what lies
between is passed a segment at a time, where the segment's extremes are quiet for the lane. The books come out equal to
those of `loop.replay` to the bit, records at the closes and falls of the curve to rounding; equity is not written bar
by bar, only at the end of every day.
"""

from backtest.kernels._jit import entry, helper
from backtest.kernels.changes import open_account
from backtest.kernels.closing import set_records
from backtest.kernels.curves import Falls, after_bar, first_falls, settled
from backtest.kernels.loop import replay_bar
from backtest.kernels.margin import is_higher, is_isolated
from backtest.kernels.quiet import arm, is_funded, may_set_record, ruin_level
from backtest.kernels.schema import (
    Book,
    Float64Array1D,
    Float64Array2D,
    Int64Array1D,
    Logs,
    Market,
    Record,
    Records,
    Rules,
    Schedule,
)
from backtest.kernels.segments import Index, after_segment
from backtest.kernels.trips import settle_trips, tally


@entry
def replay_lanes(
    market: Market, schedule: Schedule, settings: Records, tiers: Records, contracts: Records, index: Index, logs: Logs,
    trips: Records, latest: Int64Array1D, accounts: Records, positions: Records, totals: Records, daily: Float64Array2D,
) -> int:  # fmt: skip
    """Replay lanes one after the other, and return how many are done: one whose logs do not fit ends the call.

    `settings`, `accounts`, `positions` (L, 1), `totals` and `daily` (L, D) have a row per lane, the middle two are
    zeros; logs, `trips` (as many as fills) and `latest` are room that every lane uses anew.
    """
    for lane in range(settings.shape[0]):
        rules = Rules(settings[lane], tiers, contracts)
        book = Book(accounts[lane], positions[lane])
        for log in range(logs.counts.shape[0]):
            logs.counts[log] = 0
        falls = replay_lane(market, schedule, rules, book, logs, index, daily[lane])
        if not all_logged(logs):
            return lane
        bars = market.time.shape[0]
        fills = logs.fills[: logs.counts[0]]
        liquidations = logs.liquidations[: logs.counts[1]]
        count = settle_trips(fills, liquidations, book.positions, bars, latest, trips)
        falls = settled(falls, market.time[bars - 1])
        tally(logs, trips[:count], falls, daily[lane, daily.shape[1] - 1], totals[lane])
    return settings.shape[0]


@helper
def all_logged(logs: Logs) -> bool:
    """Return whether every event has its row."""
    return (
        logs.counts[0] <= logs.fills.shape[0]
        and logs.counts[1] <= logs.liquidations.shape[0]
        and logs.counts[2] <= logs.orders.shape[0]
        and logs.counts[3] <= logs.calls.shape[0]
    )


@helper
def replay_lane(
    market: Market, schedule: Schedule, rules: Rules, book: Book, logs: Logs, index: Index, daily: Float64Array1D
) -> Falls:
    """Replay all bars of one lane, write the last equity of every day, and return the falls of its equity."""
    account = book.account
    bars = market.time.shape[0]
    open_account(book, rules)
    falls = first_falls(rules.settings.cash, market.time[0])
    change = 0
    appointment = 0
    s = 0
    day = 0
    t = 0
    while t < bars:
        while index.segments[s].first < t:
            s += 1
        if index.segments[s].first == t and not account.busy and is_quiet(market, book, rules, index.segments[s]):
            end = index.segments[s].end
            falls, day = pass_segment(market, book, index, s, falls, daily, day)
            t = end
            continue
        change, appointment, equity, low, _, _ = replay_bar(
            market, schedule, rules, book, logs, t, change, appointment, False, False
        )
        falls = after_bar(falls, market.time[t], equity, low)
        if index.day_ends[day] == t:
            daily[day] = equity
            day += 1
        t += 1
    return falls


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
) -> tuple[Falls, int]:
    """Pass a quiet segment; return the falls after it, and the next day whose end is to be written."""
    account = book.account
    segment = index.segments[s]
    first = segment.first
    end = segment.end
    constant = account.constant
    if account.held == 0:
        falls = after_bar(falls, market.time[first], constant, constant)
        if end - first > 1:
            falls = after_bar(falls, market.time[end - 1], constant, constant)
        while index.day_ends[day] < end:
            daily[day] = constant
            day += 1
        return falls, day
    quantity = book.positions[0].quantity
    account.bars_held += end - first
    falls = after_segment(falls, market.time, index, s, constant, quantity)
    while index.day_ends[day] < end:
        daily[day] = constant + quantity * market.mark[index.day_ends[day], 0].close
        day += 1
    return falls, day
