"""Parameters of a strategy: over its defaults, and read from texts."""

import numpy as np
import pytest
from walks import walk

from backtest.errors import ConfigError
from backtest.market.bars import Bars
from backtest.signalling.strategies import Strategy, parse_params

BARS = Bars.from_frames({"BTCUSDT": walk()})
DEFAULTS = {"fast": 20, "level": 30.0, "short": True, "kind": "ema"}


def strategy_with_defaults():
    def flat(data, **params):
        return data["close"] * 0 * len(params)

    return Strategy.from_function(flat, DEFAULTS)


def test_settings_are_the_defaults_overlaid():
    chosen = strategy_with_defaults().settings({"fast": np.int64(5), "level": 25, "short": np.bool_(False)})
    assert chosen == {"fast": 5, "level": 25.0, "short": False, "kind": "ema"}
    assert [type(value) for value in chosen.values()] == [int, float, bool, str]
    assert strategy_with_defaults().settings() == DEFAULTS


def test_parameters_reach_every_column():
    def levels(data, leverage, stop):
        return data.assign(target=1.0, leverage=leverage, stop_loss=stop)

    made = Strategy.from_function(levels, {"leverage": 2.0, "stop": 0.5})
    for params, values in (({}, (2.0, 0.5)), ({"leverage": 3, "stop": np.float64(0.25)}, (3.0, 0.25))):
        signals = made.signals(BARS, params)
        assert (set(signals.leverage[:, 0]), set(signals.stop_loss[:, 0])) == ({values[0]}, {values[1]})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"fats": 5}, r"parameter must be one of fast, level, short, kind, got fats; did you mean fast\?"),
        ({"window": 5}, "parameter must be one of fast, level, short, kind, got window$"),
        ({"fast": 5.0}, "parameter fast must be a whole number, got 5.0"),
        ({"fast": True}, "parameter fast must be a whole number, got True"),
        ({"fast": "5"}, "parameter fast must be a whole number, got '5'"),
        ({"level": float("nan")}, "parameter level must be finite, got nan"),
        ({"level": float("inf")}, "parameter level must be finite, got inf"),
        ({"level": True}, "parameter level must be a number, got True"),
        ({"short": 1}, "parameter short must be true or false, got 1"),
        ({"kind": 1}, "parameter kind must be text, got 1"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params, message):
    with pytest.raises(ConfigError, match=message):
        strategy_with_defaults().signals(BARS, params)


def test_texts_are_read_by_the_type_of_the_default():
    parsed = parse_params(["fast=5", " level = 2 ", "short=No", "kind=a=b"], DEFAULTS)
    assert parsed == {"fast": 5, "level": 2.0, "short": False, "kind": "a=b"}
    assert [type(value) for value in parsed.values()] == [int, float, bool, str]
    assert parse_params([], DEFAULTS) == {}
    for word, meaning in (("true", True), ("Yes", True), ("on", True), ("1", True), ("OFF", False), ("0", False)):
        assert parse_params([f"short={word}"], DEFAULTS) == {"short": meaning}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["fast"], "a parameter must be written name=value, got 'fast'"),
        (["=5"], "a parameter must be written name=value, got '=5'"),
        (["fast=abc"], "parameter fast must be a whole number, got 'abc'"),
        (["fast=2.5"], "parameter fast must be a whole number, got '2.5'"),
        (["fast="], "parameter fast must be a whole number, got ''"),
        (["level=high"], "parameter level must be a number, got 'high'"),
        (["level=nan"], "parameter level must be finite, got nan"),
        (["short=2"], "parameter short must be true or false, got '2'"),
        (["fsat=5"], r"got fsat; did you mean fast\?"),
        (["fast=5", "fast=6"], "parameter fast must be given once, got 5 and '6'"),
    ],
)
def test_texts_that_do_not_fit_are_refused(texts, message):
    with pytest.raises(ConfigError, match=message):
        parse_params(texts, DEFAULTS)
    with pytest.raises(ConfigError, match=r"the strategy has no parameters, got|must be written name=value"):
        parse_params(texts, {})
