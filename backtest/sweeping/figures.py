"""The figures of a summary as columns of a table: their names, in order, and their types."""

from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa

from backtest.market.bars import Bars
from backtest.outcome.sources import Replayed
from backtest.replaying.engine import inputs_of, replay
from backtest.replaying.records import rules_of
from backtest.signalling.signals import as_signals
from backtest.terms.accounts import Account
from backtest.terms.ladders import Tier
from backtest.terms.venues import Venue

__all__ = ["figure_types"]

TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    pd.Timedelta: pa.duration("ns"),
}


@cache
def figure_types() -> dict[str, pa.DataType]:
    """Return the Arrow type of every figure of a summary, by name, as an account that does nothing shows them."""
    time = pd.date_range("2020-01-01", periods=2, freq="D", tz="UTC")
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 1.0), index=time)
    bars, account = Bars.from_frames({"X": frame}), Account()
    venue = Venue(tiers=(Tier(floor=0.0, maintenance_rate=0.1, max_leverage=1.0),))
    inputs = inputs_of(bars, as_signals(np.zeros(2), bars), rules_of(account, venue, bars.symbols))
    summary = Replayed(bars, account, venue, None, inputs, replay(inputs)).summary()
    return {str(name): TYPES[type(value)] for name, value in summary.items()}
