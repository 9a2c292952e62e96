"""Wild markets and signals, seeded, on which liquidations are frequent."""

import numpy as np
import pandas as pd


def market_of(seed, instruments, bars=250):
    """Return frames of wild prices with marks and funding."""
    random = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=bars, freq="1h", tz="UTC")
    frames = {}
    for i in range(instruments):
        close = 100 * np.exp(random.normal(0, 0.03, bars).cumsum())
        opened = np.r_[100, close[:-1]] * np.exp(random.normal(0, 0.002, bars))
        wick = np.abs(random.normal(0, 0.015, (2, bars)))
        high, low = np.maximum(opened, close) * (1 + wick[0]), np.minimum(opened, close) * (1 - wick[1])
        prices = {"open": opened, "high": high, "low": low, "close": close}
        marks = {f"mark_{name}": price * (1 + 0.001 * np.sin(close[0])) for name, price in prices.items()}
        frames[f"S{i}"] = pd.DataFrame(prices | marks | {"funding_rate": random.normal(0, 0.0003, bars)}, index)
    return frames


def signals_of(seed, instruments, bars=250):
    """Return signals that change now and then."""
    random = np.random.default_rng(seed + 1000)
    return np.where(random.random((bars, instruments)) < 0.9, np.nan, random.uniform(-0.6, 0.6, (bars, instruments)))
