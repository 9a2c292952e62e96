"""Made-up bars for tests that care about times and signals more than about prices."""

import numpy as np
import pandas as pd


def frame_of(close):
    """Return hourly bars that never leave their closes."""
    close = np.asarray(close, float)
    time = pd.date_range("2020-01-01", periods=len(close), freq="h", tz="UTC").as_unit("ns")
    return pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, time)


def walk(length=600, seed=0):
    """Return hourly bars whose close moves by 2 % at random."""
    return frame_of(100 * np.exp(np.random.default_rng(seed).normal(0, 0.02, length).cumsum()))
