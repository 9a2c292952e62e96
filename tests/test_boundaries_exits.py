"""Hand-made cases exactly on each comparison that decides about a stop or take-profit, and a hair beyond it."""

import math

import pytest
from scenes import bars_of, play, reasons, values

# A long from 100 has its stop at 87.5 and its take-profit at 112.5; a short the other way round.
RULES = {"cash": 1024.0, "leverage": 2, "stop_loss": 1 / 8, "take_profit": 1 / 8}
LEVELS = [
    ("1", "stop_loss", 87.5),
    ("1", "take_profit", 112.5),
    ("-1", "stop_loss", 112.5),
    ("-1", "take_profit", 87.5),
]


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
@pytest.mark.parametrize(("signal", "reason", "level"), LEVELS)
def test_open_exactly_at_the_level(signal, reason, level, margin_mode):
    # an exit at the open comes before the order that closes; a hair inside, the order finds the position
    short_of = math.nextafter(level, 100)
    beyond = level + (level - 100) / 100
    for opened, found in ((level, reason), (short_of, "signal"), (beyond, reason)):
        result = play(bars_of([100, 100, opened]), f"{signal} 0 .", margin_mode=margin_mode, **RULES)
        assert values(result.fills, "bar", "reason", "price")[1:] == [(2, found, opened)]


@pytest.mark.parametrize("bar", [1, 2])  # the bar of the entry, and one in which nothing else happens
@pytest.mark.parametrize("intrabar", ["worst", "best", "path"])
@pytest.mark.parametrize(("signal", "reason", "level"), LEVELS)
def test_extreme_exactly_at_the_level(signal, reason, level, intrabar, bar):
    for extreme, found in ((level, [(bar, reason, level)]), (math.nextafter(level, 100), [])):
        rows = [100, 100, 100, 100]
        rows[bar] = (100, max(100, extreme), min(100, extreme), 100)
        result = play(bars_of(rows), f"{signal} . . .", intrabar=intrabar, **RULES)
        assert values(result.fills, "bar", "reason", "price")[1:] == found


@pytest.mark.parametrize(
    ("signal", "close", "reason"),
    [
        ("1", 100, "stop_loss"),  # a bar that ends where it began is a rising one: its low comes first
        ("1", math.nextafter(100, 0), "take_profit"),
        ("-1", 100, "take_profit"),
        ("-1", math.nextafter(100, 0), "stop_loss"),
    ],
)
def test_path_of_a_bar_that_ends_where_it_began(signal, close, reason):
    result = play(bars_of([100, (100, 120, 80, close)]), f"{signal} .", intrabar="path", **RULES)
    assert reasons(result)[1:] == [(1, reason)]


@pytest.mark.parametrize(("close", "low"), [(100, -1.5), (math.nextafter(100, 0), 0.5)])
def test_equity_low_on_the_path_of_a_bar_that_ends_where_it_began(close, low):
    # with S1, which rises, at its low, S0 stands at its own low, or already at its high
    bars = bars_of([100, 100, (100, 101, 99, close)], [100, 100, (100, 102, 99.5, 101)])
    result = play(bars, "1 . .", "1 . .", cash=200.0, intrabar="path")
    assert result.history["equity_low"].tolist() == [200, 200, 200 + low]


@pytest.mark.parametrize(
    ("stop_loss", "fills"),
    [
        # filled at 125, a quarter above the open of 100
        (0.2, [(1, "stop_loss", 75)]),  # the stop is the open itself
        (0.1999, [(1, "stop_loss", 75)]),  # the open lies beyond it
        (0.2001, []),
    ],
)
def test_a_fresh_position_may_stand_at_its_stop(stop_loss, fills):
    bars = bars_of([100, (100, 110, 100, 110)])
    result = play(bars, "0.5 .", cash=1024.0, leverage=2, stop_loss=stop_loss, slippage=0.25)
    assert values(result.fills, "bar", "reason", "price")[1:] == fills


@pytest.mark.parametrize(("other", "first"), [(75, "S0"), (76, "S0"), (74, "S1")])
def test_stops_at_one_point_follow_the_instruments(other, first):
    bars = bars_of([100, (100, 100, 75, 100)], [100, (100, 100, other, 100)])
    result = play(bars, "0.5 .", "0.5 .", **RULES)
    assert result.fills["symbol"].tolist()[2:] == sorted(["S0", "S1"], key=lambda symbol: symbol != first)


INSIDE, AT_OPEN = (100, 100, 85, 95), (85, 95, 85, 95)


@pytest.mark.parametrize(
    ("bar", "settings", "signals", "later"),
    [
        # the stop is hit inside bar 2, or at its open
        (INSIDE, {}, "1 . . . .", []),
        (AT_OPEN, {}, "1 . . . .", []),
        (INSIDE, {"reentry": "bar"}, "1 . . . .", [(3, "signal")]),
        (AT_OPEN, {"reentry": "bar"}, "1 . . . .", [(3, "signal")]),
        # a stop is no liquidation
        (INSIDE, {"on_liquidation": "stop"}, "1 . . -1 .", [(4, "signal")]),
        # a change due at the open of the exit is traded at it, and is no re-entry
        (AT_OPEN, {"reentry": "bar"}, "1 0.5 . . .", [(2, "signal")]),
        (AT_OPEN, {}, "1 0.5 . . .", [(2, "signal")]),
        # a change at the bar after the exit
        (INSIDE, {}, "1 . 0.5 . .", [(3, "signal")]),
        (INSIDE, {"reentry": "bar"}, "1 . 0.5 . .", [(3, "signal")]),
        # rebalancing waits for a change as well, and goes on after it
        (INSIDE, {"rebalance": "bar", "sizing": "cash"}, "1 . . . .", []),
        (INSIDE, {"rebalance": "bar", "sizing": "cash"}, "1 . . -1 .", [(4, "signal")]),
    ],
)
def test_when_an_exit_is_followed_by_an_entry(bar, settings, signals, later):
    rules = {**RULES, "take_profit": None, **settings}
    result = play(bars_of([100, 100, bar, 95, 95]), signals, **rules)
    assert reasons(result)[2:] == later
    assert reasons(result)[1] == (2, "stop_loss")


@pytest.mark.parametrize(("low", "held"), [(87.75, 3), (87.5, 1)])
def test_exposure_counts_the_closes_at_which_something_is_held(low, held):
    result = play(bars_of([100, 100, (100, 100, low, 100), 100, 100]), "1 . . 0 .", **RULES)
    assert result.summary["exposure"] == held / 5
    assert result.trades["bars"].tolist() == [held]
