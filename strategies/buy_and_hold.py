"""Buy and hold: one constant target from the first bar to the last.

The yardstick for every other strategy: what the same leverage earns, or loses to a liquidation, without a decision.

Parameters
----------
target : fraction of full leverage, from -1 (short and hold) to 1 (long)
"""

import pandas as pd

PARAMS = {"target": 1.0}
LOOKBACK = 0


def signals(data: pd.DataFrame, target: float) -> pd.Series:
    """Return the same target on every bar."""
    return pd.Series(target, index=data.index)
