"""A replay that stops and goes on at any bar: equal, to the bit, to the one that does not stop."""

from itertools import pairwise

import numpy as np
import pytest
from comparison import bars_of as bars_of_case
from comparison import settings_of, signals_of, symbols_of
from draws import DECIMAL, DYADIC, cases
from hypothesis import given
from hypothesis import strategies as st
from scenes import bars_of, targets_of, venue_of

import backtest as bt
from backtest.kernels import loop
from backtest.kernels.schema import DETAIL, NO_TRACK, Columns
from backtest.replaying.engine import inputs_of
from backtest.replaying.records import new_book, new_logs, new_track, rules_of
from backtest.signalling.signals import as_signals


def left_by(inputs, cuts=(), detailed=False):
    """Return the bytes of everything that a replay leaves which stops at the bars given and goes on from there."""
    bars, instruments = inputs.market.trade.shape
    detail = np.zeros((len(DETAIL), bars if detailed else 0))
    track = new_track(instruments, bars * instruments) if detailed else NO_TRACK
    columns = Columns(np.zeros(bars), np.zeros(bars), detail, track)
    book, logs = new_book(instruments), new_logs(200, 200, 200, 200)
    for log in logs[:-1]:
        log.view(np.uint8)[...] = 0
    edges = [0, *cuts, bars]
    for start, stop in pairwise(edges):
        loop.replay(*inputs, book, logs, columns, start, stop)
    assert (logs.counts <= 200).all()
    return [np.asarray(part).tobytes() for part in (*book, *logs, *columns[:-1], *columns.track)]


def inputs_from(bars, signals, account, venue, skip_quiet_bars=True):
    """Return what a replay reads."""
    rules = rules_of(account, venue, bars.symbols, skip_quiet_bars)
    return inputs_of(bars, as_signals(signals, bars), rules)


def check_everywhere(inputs):
    """Assert that a replay may stop at any one bar, and at all of them."""
    bars = len(inputs.market.time)
    whole = left_by(inputs)
    for cut in range(bars + 1):
        assert left_by(inputs, [cut]) == whole, cut
    assert left_by(inputs, range(1, bars)) == whole


@given(st.one_of(cases(DYADIC), cases(DECIMAL), cases(DYADIC, plain=False)), st.data())
def test_a_replay_may_stop_anywhere_and_go_on(case, data):
    bars = bars_of_case(case.market, symbols_of(case))
    account, venue = settings_of(case)
    inputs = inputs_from(bars, signals_of(case), account, venue, data.draw(st.booleans()))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(bars)), max_size=4)))
    detailed = data.draw(st.booleans())
    assert left_by(inputs, cuts, detailed) == left_by(inputs, (), detailed)


SCENES = {
    "quiet": ([100, 101, 99, 98, 102, 101], "1 . . . . .", {}),
    "changes at every close": ([100, 101, 99, 98, 102, 101], "1 -1 0.5 0 1 -1", {}),
    "a stop": ([100, 100, 99, (99, 99, 90, 98), 97, 96], "1 . . . . .", {"stop_loss": 0.05}),
    "an order again after a liquidation": (
        [100, 100, 99, 40, 41, 42],
        "0.5 . . . . .",
        {"leverage": 10, "on_liquidation": "reenter"},
    ),
    "a refill": ([100, 100, 99, 40, 41, 42], "1 . . . . .", {"leverage": 10, "on_liquidation": "refill"}),
    "rebalancing": ([100, 101, 99, 98, 102, 101], "0.5 . . . . .", {"rebalance": "bar"}),
    "interest": ([100, 101, 99, 98, 102, 101], "1 . . . . .", {"leverage": 3, "borrow_rate": 0.5}),
    "a call that is met late": (
        [100, 100, 99, 77, 78, 77],
        "1 . . . . .",
        {
            "leverage": 4,
            "reserve": 1000.0,
            "tiers": [(0, 1 / 64, 50)],
            "call": bt.MarginCall(level=2, grace=2, deposit="reserve"),
            "target_ratio": 3.0,
        },
    ),
}


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("prices", "words", "settings"), SCENES.values(), ids=SCENES)
def test_what_is_under_way_goes_on_after_a_stop(prices, words, settings, margin_mode):
    bars = bars_of(prices, funding=[[0, 0, 0.001, 0, 0, 0.002]])
    account = {name: value for name, value in settings.items() if name in bt.Account.model_fields}
    rules = {name: value for name, value in settings.items() if name not in account}
    account = bt.Account(**{"cash": 1000.0, "leverage": 1, "margin_mode": margin_mode} | account)
    check_everywhere(inputs_from(bars, targets_of(words), account, venue_of(**rules)))


def test_an_instrument_comes_back_after_a_stop():
    bars = bars_of([100, 100, None, None, 98, 97], [50, 50, 51, 52, None, 50])
    account = bt.Account(cash=1000.0, leverage=2, margin_mode="cross")
    check_everywhere(inputs_from(bars, targets_of("0.4 . 0.1 . . .", ". -0.2 . . 0.1 ."), account, venue_of()))
