"""The door to the engine: bars, signals and settings in, a result out."""

from collections.abc import Mapping
from os import PathLike

from backtest.advice import warn_of_idle_reserve, warn_of_late_stop
from backtest.errors import DataError
from backtest.inputs import account_at, check_params
from backtest.market.bars import Bars
from backtest.market.streams import Stream, open_stream
from backtest.outcome.results import Result
from backtest.outcome.sources import Replayed
from backtest.outcome.streamed import streamed
from backtest.replaying.engine import inputs_of, replay
from backtest.replaying.records import rules_of
from backtest.signalling.feeds import feed_of, least_bars
from backtest.signalling.signals import as_signals
from backtest.signalling.strategies import Strategy
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue


def run(
    bars: Bars | str | PathLike[str],
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
           path                of a history that may be larger than memory: a Parquet file, a folder of files of one
        symbol, or a folder partitioned by `symbol=`. It is read, checked and replayed in pieces, and comes to the very
        same result; `equity` and `history` are replayed once more when they are looked at, and hold every bar then
    signals : Series, DataFrame by symbol, array (T, M), table or dict of tables by symbol, or a Strategy
        the fraction of full leverage wanted, in [-1, 1], known at each close and traded at the next open; NaN keeps
        the last. A table has a column `target`, or `target_long` and `target_short` (hedge mode), or entries and
        exits, and any of `leverage`, `stop_loss`, `take_profit` and `margin_add`, in force from the next open. Beside
        the path of a history also the path of such tables with the same times, in the same layouts; a strategy must say
        how many earlier bars a signal depends on (LOOKBACK)
    venue : Venue              tiers, fees and liquidation rules
    account : Account          cash, leverage, margin mode; default: 10 000 at 1x, isolated
    params : dict              parameters of the strategy, in place of its defaults

    Raises
    ------
    DataError                  for signals that do not fit the bars
    ConfigError                for settings that do not fit each other, or a symbol that the venue does not list
    MarginError                for a leverage that the venue does not offer
    """
    if not isinstance(bars, (Bars, str, PathLike)):
        raise DataError(
            "bars must be Bars, from read_bars or Bars.from_frames, or the path of a history, "
            f"got {type(bars).__name__}"
        )
    account = account_at(venue, account)
    check_params(signals, params)
    market = bars if isinstance(bars, Bars) else open_stream(bars, least_bars(signals, params))
    rules = rules_of(account, venue, market.symbols)
    strategy: dict[str, object] | None = None
    if isinstance(signals, Strategy):
        strategy = {"name": signals.name, "source": signals.source_hash, "params": signals.settings(params)}
    warn_of_idle_reserve(account, venue)
    warn_of_late_stop(account, venue, rules, market.symbols)
    if isinstance(market, Stream):
        return Result(streamed(market, feed_of(signals, params, market), account, venue, strategy))
    wanted = signals.signals(market, params) if isinstance(signals, Strategy) else as_signals(signals, market)
    inputs = inputs_of(market, wanted, rules)
    return Result(Replayed(market, account, venue, strategy, inputs, replay(inputs)))
