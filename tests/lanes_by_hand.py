"""Lanes of a sweep over bars written by hand, each of which must come to what it comes to alone."""

import numpy as np
import pytest
from scenes import bars_of, targets_of, venue_of
from test_batches import assert_same, together_and_alone

import backtest as bt
from backtest.sweeping import batches


def both(bars, signals, *settings, longest=256):
    """Return the summaries of accounts, dicts of their settings, which must be the same together and alone."""
    pairs = []
    for each in settings:
        account = {name: value for name, value in each.items() if name in bt.Account.model_fields}
        rules = {name: value for name, value in each.items() if name not in account}
        pairs.append((bt.Account(**{"cash": 1000.0, "leverage": 1} | account), venue_of(**rules)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LONGEST", longest)
        together, alone = together_and_alone(bars, targets_of(signals), pairs)
    for one, other in zip(together, alone, strict=True):
        assert_same(one, other)
    return alone[0] if len(alone) == 1 else alone


def held(prices, short=False, longest=256, **settings):
    """Return the summary of ten units held from bar 1 on, at 100, whose equity is then 10 * price.

    A short holds them over mirrored prices, which comes to the same.
    """
    bars = [100, 100, *(mirrored(bar) if short else bar for bar in prices)]
    words = " ".join(["-1" if short else "1", *"." * (len(bars) - 1)])
    return both(bars_of(bars, every="1h"), words, settings, longest=longest)


def mirrored(bar):
    """Return a bar as a short sees it."""
    if np.isscalar(bar):
        return 200 - bar
    opened, high, low, close = (200 - price for price in bar)
    return opened, low, high, close
