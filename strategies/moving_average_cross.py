"""Moving average cross: long while the fast mean of the close is above the slow one, short while it is below.

The idea is that trends last. The means are simple ones, as in Brock, Lakonishok and LeBaron, "Simple Technical
Trading Rules and the Stochastic Properties of Stock Returns", Journal of Finance 47 (1992).

Parameters
----------
fast : bars in the fast mean
slow : bars in the slow mean, more than `fast`
"""

import numpy as np
import pandas as pd

PARAMS = {"fast": 20, "slow": 50}


def lookback(fast: int, slow: int) -> int:
    """Return the earlier bars that the slow mean covers."""
    return max(fast, slow)


LOOKBACK = lookback


def signals(data: pd.DataFrame, fast: int, slow: int) -> pd.Series:
    """Return 1 (long) or -1 (short), and NaN (keep what you hold) while there is no slow mean and on missing bars."""
    if not 0 < fast < slow:
        raise ValueError(f"fast must be above 0 and below slow, got fast={fast} and slow={slow}")
    close = data["close"].dropna()  # a missing bar is not a price: the means run over the bars that exist
    distance = close.rolling(fast).mean() - close.rolling(slow).mean()
    return np.sign(distance).reindex(data.index)
