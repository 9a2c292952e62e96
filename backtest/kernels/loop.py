"""The bar loop: bars and signals in, equity and the logs of everything that happened out."""

from backtest.kernels._jit import entry, helper
from backtest.kernels.accrual import accrue, owes_interest
from backtest.kernels.calls import add_margins
from backtest.kernels.changes import apply_change, open_account
from backtest.kernels.closing import note_detail, set_records
from backtest.kernels.enums import Change, Rebalance
from backtest.kernels.margin import is_isolated, nets_legs
from backtest.kernels.orders import trade
from backtest.kernels.quiet import arm, glance, pass_quiet_bars
from backtest.kernels.schema import Book, Columns, Logs, Market, Rules, Schedule
from backtest.kernels.tracking import note_holdings
from backtest.kernels.walk import survive_open, walk


@entry
def replay(
    market: Market, schedule: Schedule, rules: Rules, book: Book, logs: Logs, columns: Columns, start: int, stop: int
) -> None:
    """Replay the bars from `start` up to `stop`, in this order.

    1. Accrue: funding and interest on what was carried in.
    2. Survive the open: breaches in the gap, answers to margin calls, stops and take-profits that the open has passed,
       shortfalls, a refill.
    3. Trade: margin that the strategy adds, then the orders that are due, at the open.
    4. Walk the bar: three legs, every liquidation, stop and take-profit where it happens.
    5. Close: mark everything and record it.

    What the strategy changed at the close before is in force from the beginning of the bar.

    A bar whose prices stay where nothing can happen to what was carried in needs steps 1 and 2 only for an appointment
    (a funding payment, an instrument back from absence), step 3 only for an order, and step 4 only where something can
    happen to what the orders left.

    The book carries everything from one call to the next: a replay in pieces is the replay in one, to the bit. A piece
    that does not begin a history has the bar before it in its market, at `start - 1`, and one that does not end it the
    bar after it, at `stop`.
    """
    account = book.account
    detailed = columns.detail.shape[1] > 0
    tracked = columns.track.latest.shape[0] > 0
    every_bar = rules.settings.rebalance == Rebalance.BAR
    always = walks_every_bar(rules)
    if start == 0:
        open_account(book, rules)
    change, appointment = first_after(market, schedule, start)
    t = max(start, 0)  # said so that the compiler need not look for indices below 0
    while t < stop:
        if account.held <= 1 and not (account.busy or every_bar or always or detailed or tracked):
            end = min(next_appointment(market, schedule, change, appointment), stop)
            t = pass_quiet_bars(market, book, rules, columns, t, end)
            if t == stop:
                break
        change, appointment, equity, low, notional, maintenance = replay_bar(
            market, schedule, rules, book, logs, t, change, appointment, every_bar, always
        )
        columns.equity[t] = equity
        columns.equity_low[t] = low
        if detailed:
            note_detail(market, book, rules, columns, t, equity, notional, maintenance)
        if tracked:
            note_holdings(market, book, rules, columns.track, t)
        t += 1


@helper
def replay_bar(
    market: Market, schedule: Schedule, rules: Rules, book: Book, logs: Logs, t: int, change: int, appointment: int,
    every_bar: bool, always: bool,
) -> tuple[int, int, float, float, float, float]:  # fmt: skip
    """Replay one bar; return the next change, the next appointment, and the bar's sums as `glance` gives them."""
    account = book.account
    owing = always or account.busy == 1
    due = owing or every_bar
    adding = False
    changed = False
    while change < schedule.bar.shape[0] and schedule.bar[change] == t - 1:
        kind = apply_change(book, rules, schedule, change)
        change += 1
        due = due or kind == Change.SIGNAL
        changed = changed or kind > Change.LEVERAGE
        adding = adding or kind == Change.MARGIN_ADD
    if appointment < market.appointments.shape[0] and market.appointments[appointment] == t:
        appointment += 1
        owing = True
    owing = owing or changed
    quiet, record, equity, low, notional, maintenance = glance(market, book, rules, t)
    if due or owing or not quiet:
        account.busy = 0
        # what an isolated position owes changes when it fails; that of a cross account its wallet pays
        untouched = quiet and not changed and (not owing if is_isolated(rules) else account.held > 1)
        events = logs.counts[0] + logs.counts[3]
        if owing or not quiet:
            accrue(market, book, rules, t)
            survive_open(market, book, rules, logs, t)
        untouched = untouched and events == logs.counts[0] + logs.counts[3]
        if adding:
            add_margins(market, book, rules, logs, t)
        trade(market, book, rules, logs, t)
        arm(market, book, rules, t, untouched)
        quiet, record, equity, low, notional, maintenance = glance(market, book, rules, t)
        if always or not quiet:
            low = walk(market, book, rules, logs, t)
            arm(market, book, rules, t, False)
            quiet, record, equity, _, notional, maintenance = glance(market, book, rules, t)
        if account.calls > 0:
            account.busy = 1
    if account.held > 0:
        account.bars_held += 1
        if record:
            set_records(market, book, rules, t, equity, notional)
            if rules.settings.inverse:  # how steep the surplus may be depends on the distance
                arm(market, book, rules, t, False)
    return change, appointment, equity, low, notional, maintenance


@helper
def walks_every_bar(rules: Rules) -> bool:
    """Return whether no bar is quiet: interest accrues on each, and legs that are netted are not looked at alone."""
    return rules.settings.skip_quiet_bars == 0 or owes_interest(rules) or nets_legs(rules)


@helper
def first_after(market: Market, schedule: Schedule, start: int) -> tuple[int, int]:
    """Return the first change that bar `start` or a later one puts into force, and the first appointment from it on."""
    change = 0
    while change < schedule.bar.shape[0] and schedule.bar[change] < start - 1:
        change += 1
    appointment = 0
    while appointment < market.appointments.shape[0] and market.appointments[appointment] < start:
        appointment += 1
    return change, appointment


@helper
def next_appointment(market: Market, schedule: Schedule, change: int, appointment: int) -> int:
    """Return the next bar that has an appointment, the number of bars where none is left."""
    bar = market.time.shape[0]
    if change < schedule.bar.shape[0]:
        bar = min(bar, schedule.bar[change] + 1)
    if appointment < market.appointments.shape[0]:
        bar = min(bar, market.appointments[appointment])
    return bar
