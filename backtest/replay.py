"""The door to the engine: bars, signals and settings in, a result out."""

from collections.abc import Mapping

from backtest.accounts import Account
from backtest.advice import warn_of_idle_reserve, warn_of_late_stop
from backtest.bars import Bars
from backtest.engine import inputs_of, replay
from backtest.errors import ConfigError, DataError
from backtest.records import rules_of
from backtest.results import Result
from backtest.signals import as_signals
from backtest.sources import Replayed
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
    signals : Series, DataFrame by symbol, array (T, M), table or dict of tables by symbol, or a Strategy
        the fraction of full leverage wanted, in [-1, 1], known at each close and traded at the next open; NaN keeps
        the last. A table has a column `target`, or `target_long` and `target_short` (hedge mode), or entries and
        exits, and any of `leverage`, `stop_loss`, `take_profit` and `margin_add`, in force from the next open
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
    if params is not None and not isinstance(params, Mapping):
        raise ConfigError(f"params must be a dict of values by name, got {type(params).__name__}")
    strategy: dict[str, object] | None = None
    if isinstance(signals, Strategy):
        wanted = signals.signals(bars, params)
        strategy = {"name": signals.name, "source": signals.source_hash, "params": signals.settings(params)}
    elif params is not None:
        raise ConfigError(f"params need a Strategy to take them, got signals of type {type(signals).__name__}")
    else:
        wanted = as_signals(signals, bars)
    warn_of_idle_reserve(account, venue)
    warn_of_late_stop(account, venue, rules, bars.symbols)
    inputs = inputs_of(bars, wanted, rules)
    return Result(Replayed(bars, account, venue, strategy, inputs, replay(inputs)))
