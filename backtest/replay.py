"""The door to the engine: bars, signals and settings in, a result out."""

from collections.abc import Mapping

import numpy as np

from backtest.accounts import Account
from backtest.advice import warn_of_late_stop
from backtest.bars import Bars
from backtest.errors import ConfigError, DataError
from backtest.kernels import loop
from backtest.kernels.schedule import fill_schedule
from backtest.kernels.schema import DETAIL, Book, Columns, Float64Array2D, Logs, Market, Rules, Schedule
from backtest.records import new_book, new_logs, rules_of
from backtest.results import Replayed, Result
from backtest.signals import as_target_array
from backtest.strategies import Strategy
from backtest.venues import Venue


def run(
    bars: Bars,
    signals: object,
    *,
    venue: Venue,
    account: Account | None = None,
    params: Mapping[str, object] | None = None,
) -> Result:
    """Replay signals on bars through a margin account, and return everything that happened.

    Parameters
    ----------
    bars : Bars                T bars x M instruments
    signals : Series, DataFrame by symbol, array (T, M), entry and exit columns, or a Strategy
        the fraction of full leverage wanted, in [-1, 1], known at each close and traded at the next open; NaN keeps
        the last
    venue : Venue              tiers, fees and liquidation rules
    account : Account          cash, leverage, margin mode; default: 10 000 at 1x, isolated
    params : dict              parameters of the strategy, in place of its defaults

    Raises
    ------
    DataError                  for signals that do not fit the bars
    ConfigError                for settings that do not fit each other, or a symbol that the venue does not list
    MarginError                for a leverage that the venue does not offer
    """
    if not isinstance(bars, Bars):
        raise DataError(f"bars must be Bars, from read_bars or Bars.from_frames, got {type(bars).__name__}")
    if not isinstance(venue, Venue):
        raise ConfigError(f"venue must be a Venue, such as venue('binance_usdm'), got {type(venue).__name__}")
    account = Account() if account is None else account
    if not isinstance(account, Account):
        raise ConfigError(f"account must be an Account, got {type(account).__name__}")
    rules = rules_of(account, venue, bars.symbols)
    description: dict[str, object] = {"strategy": None, "params": {}}
    if isinstance(signals, Strategy):
        targets = signals.signals(bars, params)
        description = {
            "strategy": {"name": signals.name, "sha256": signals.source_hash},
            "params": signals.settings(params),
        }
    elif params is not None:
        raise ConfigError(f"params need a Strategy to take them, got signals of type {type(signals).__name__}")
    else:
        targets = as_target_array(signals, bars)
    warn_of_late_stop(account, rules, bars.symbols)
    return Result(replay(bars, targets, account, venue, rules, description))


def replay(
    bars: Bars, targets: Float64Array2D, account: Account, venue: Venue, rules: Rules, description: dict[str, object]
) -> Replayed:
    """Run the kernel, with logs that are enlarged until everything fits."""
    market = market_of(bars)
    schedule = schedule_of(targets)
    equity = np.empty(len(bars))
    equity_low = np.empty(len(bars))

    def once(logs: Logs, detail: Float64Array2D) -> Book:
        book = new_book(account.cash, len(bars.symbols))
        loop.replay(market, schedule, rules, book, logs, Columns(equity, equity_low, detail))
        return book

    orders = len(schedule.bar)
    logs = new_logs(4 * orders + 1024, 256, orders + 256)
    book = once(logs, no_detail())
    if (logs.counts > [len(logs.fills), len(logs.liquidations), len(logs.orders)]).any():
        logs = new_logs(*logs.counts.tolist())
        book = once(logs, no_detail())

    def detail() -> Float64Array2D:
        columns = np.empty((len(DETAIL), len(bars)))
        once(new_logs(0, 0, 0), columns)
        return columns

    fills, liquidations, rows = logs.counts.tolist()
    return Replayed(
        bars=bars,
        account=account,
        venue=venue,
        inputs=description,
        equity=equity,
        equity_low=equity_low,
        logs=logs._replace(
            fills=logs.fills[:fills], liquidations=logs.liquidations[:liquidations], orders=logs.orders[:rows]
        ),
        book=book,
        detail=detail,
    )


def no_detail() -> Float64Array2D:
    """Return the columns of a replay that records equity alone."""
    return np.empty((len(DETAIL), 0))


def market_of(bars: Bars) -> Market:
    """Return the bars as the kernel reads them."""
    return Market(bars.nanoseconds, bars.trade, bars.mark, bars.funding, bars.present, bars.appointments)


def schedule_of(targets: Float64Array2D) -> Schedule:
    """Return every change of a target."""
    capacity = len(targets) // 64 + 64
    while True:
        schedule = Schedule(
            np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity), np.zeros(targets.shape[1])
        )
        count = fill_schedule(targets, schedule)
        if count <= capacity:
            return Schedule(schedule.bar[:count], schedule.instrument[:count], schedule.signal[:count], schedule.latest)
        capacity = count
