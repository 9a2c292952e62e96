"""The bar loop: bars and signals in, equity and the logs of everything that happened out."""

from backtest.kernels._jit import entry, helper
from backtest.kernels.accrual import accrue
from backtest.kernels.orders import trade
from backtest.kernels.quiet import arm, effective_leverage, glance, margin_ratio, set_records
from backtest.kernels.schema import Book, Columns, Logs, Market, Rebalance, Rules, Schedule
from backtest.kernels.walk import survive_open, walk


@entry
def replay(market: Market, schedule: Schedule, rules: Rules, book: Book, logs: Logs, columns: Columns) -> None:
    """Replay every bar, in this order.

    1. Accrue: funding and interest on what was carried in.
    2. Survive the open: liquidations in the gap, stops and take-profits that the open has passed.
    3. Trade: the orders that are due, at the open.
    4. Walk the bar: three legs, every liquidation, stop and take-profit where it happens.
    5. Close: mark everything and record it.

    A bar without an appointment (an order, a funding payment, an instrument back from absence), whose prices stay
    where nothing can happen, has only step 5.
    """
    account = book.account
    order = 0
    appointment = 0
    always = is_never_quiet(rules)
    for t in range(market.time.shape[0]):
        due = False
        while order < schedule.bar.shape[0] and schedule.bar[order] == t - 1:
            position = book.positions[schedule.instrument[order]]
            position.signal = schedule.signal[order]
            position.due = 1
            order += 1
            due = True
        if appointment < market.appointments.shape[0] and market.appointments[appointment] == t:
            appointment += 1
            due = True
        quiet, record, equity, low, notional, maintenance = glance(market, book, rules, t)
        if due or not quiet or always or account.busy:
            account.busy = 0
            accrue(market, book, rules, t)
            survive_open(market, book, rules, logs, t)
            trade(market, book, rules, logs, t)
            low = walk(market, book, rules, logs, t)
            arm(market, book, rules, t)
            quiet, record, equity, _, notional, maintenance = glance(market, book, rules, t)
        if account.held > 0:
            account.bars_held += 1
            if record:
                set_records(market, book, rules, t, equity, notional)
        columns.equity[t] = equity
        columns.equity_low[t] = low
        if columns.detail.shape[1] > 0:
            note_detail(market, book, rules, columns, t, equity, notional, maintenance)


@helper
def is_never_quiet(rules: Rules) -> bool:
    """Return whether every bar has something to do, by the settings alone."""
    settings = rules.settings
    return settings.skip_quiet_bars == 0 or settings.rebalance == Rebalance.BAR or settings.borrow_rate > 0.0


@helper
def note_detail(
    market: Market, book: Book, rules: Rules, columns: Columns, t: int, equity: float, notional: float,
    maintenance: float,
) -> None:  # fmt: skip
    """Write what else is known at the close, in the order of DETAIL."""
    account = book.account
    detail = columns.detail
    margin = 0.0
    for i in range(book.positions.shape[0]):
        margin += book.positions[i].margin
    detail[0, t] = account.wallet
    detail[1, t] = margin
    detail[2, t] = notional / rules.settings.leverage
    detail[3, t] = maintenance
    detail[4, t] = margin_ratio(market, book, rules, t) if account.held > 0 else 0.0
    detail[5, t] = notional
    detail[6, t] = effective_leverage(notional, equity)
    detail[7, t] = account.realised
    detail[8, t] = account.fees
    detail[9, t] = account.funding
    detail[10, t] = account.interest
    detail[11, t] = account.penalties
    detail[12, t] = account.forfeited
    detail[13, t] = account.bad_debt
