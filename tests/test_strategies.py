"""Strategy files: loading, calling and their parameters."""

import sys

import numpy as np
import pandas as pd
import pytest
from walks import walk

from backtest.bars import Bars
from backtest.errors import ConfigError, DataError
from backtest.strategies import Strategy, parse_params, strategy

CROSS = '''"""Cross of two means."""
PARAMS = {"fast": 2, "slow": 3}

def signals(data, fast, slow):
    return (data["close"].rolling(fast).mean() > data["close"].rolling(slow).mean()) * 1.0
'''


def written(folder, source, name="mine.py"):
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return path


ONE = Bars.from_frames({"BTCUSDT": walk()})
TWO = Bars.from_frames({"BTCUSDT": walk(), "ETHUSDT": walk(seed=1)})


# ---- loading


def test_a_file_becomes_a_strategy(tmp_path):
    path = written(tmp_path, CROSS)
    loaded = strategy(path)
    assert (loaded.name, loaded.doc, loaded.path) == ("mine", "Cross of two means.", path)
    assert dict(loaded.params) == {"fast": 2, "slow": 3}
    assert loaded.source_hash == strategy(str(path)).source_hash
    assert loaded.source_hash != strategy(written(tmp_path, CROSS + "\n")).source_hash
    assert loaded.source_hash.startswith("sha256:")


def test_a_strategy_cannot_be_changed(tmp_path):
    loaded = strategy(written(tmp_path, CROSS))
    with pytest.raises(AttributeError, match="cannot assign to field 'name'"):
        loaded.name = "other"
    with pytest.raises(TypeError, match="does not support item assignment"):
        loaded.params["fast"] = 3


def test_nothing_is_left_beside_the_file(tmp_path):
    strategy(written(tmp_path, CROSS)).signals(ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_files_of_one_name_do_not_collide(tmp_path):
    (tmp_path / "other").mkdir()
    up = strategy(written(tmp_path, "def signals(data): return data['close'] * 0 + level()\ndef level(): return 1.0"))
    down = strategy(
        written(tmp_path / "other", "def signals(data): return data['close'] * 0 + level()\ndef level(): return -1.0")
    )
    assert set(up.signals(ONE)[:, 0]) == {1.0}
    assert set(down.signals(ONE)[:, 0]) == {-1.0}
    assert "mine" not in sys.modules


def test_copies_of_a_file_are_modules_of_their_own(tmp_path):
    (tmp_path / "other").mkdir()
    loaded = [strategy(written(folder, CROSS)) for folder in (tmp_path, tmp_path / "other")]
    for made in loaded:
        assert sys.modules[made.function.__module__].__file__ == str(made.path)


def test_a_file_may_hold_dataclasses_with_postponed_types(tmp_path):
    source = """from __future__ import annotations
from dataclasses import dataclass, InitVar
@dataclass
class Level:
    value: InitVar[float]
    def __post_init__(self, value: float):
        self.level = value

def signals(data):
    return data["close"] * 0 + Level(0.5).level
"""
    assert set(strategy(written(tmp_path, source)).signals(ONE)[:, 0]) == {0.5}


def test_a_file_cannot_import_its_neighbours(tmp_path):
    written(tmp_path, "level = 1.0", "neighbour_of_mine.py")
    with pytest.raises(ConfigError, match=r"failed to load with ModuleNotFoundError: .* at line 1 of mine\.py"):
        strategy(written(tmp_path, "import neighbour_of_mine\ndef signals(data): return data['close'] * 0"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("PARAMS = {}", r"strategy mine\.py must define a function signals\(data, \*\*params\)"),
        ("signals = 1", r"strategy mine\.py must define a function signals"),
        ("def signals(data:", r"strategy mine\.py is not valid Python: .* at line 1"),
        ("x = 1\ny = x / 0", r"failed to load with ZeroDivisionError: division by zero at line 2 of mine\.py"),
        ("import sys\nsys.exit(3)", r"failed to load with SystemExit: 3 at line 2 of mine\.py"),
        ("PARAMS = ['fast']\ndef signals(data): ...", "PARAMS of mine must be a dict, got list"),
        ("PARAMS = {'stop': None}\ndef signals(data, stop): ...", "numbers, booleans or text, got 'stop': None"),
        ("PARAMS = {1: 2}\ndef signals(data): ...", "numbers, booleans or text, got 1: 2"),
        ("PARAMS = {'fast': 2}\ndef signals(data): ...", "every name in PARAMS: .*unexpected keyword argument 'fast'"),
        ("def signals(data, slow): ...", "every name in PARAMS: missing a required argument: 'slow'"),
        ("def signals(): ...", "signals of mine must take data and every name in PARAMS: too many positional"),
    ],
)
def test_files_that_are_no_strategy_are_refused(tmp_path, source, message):
    with pytest.raises(ConfigError, match=message):
        strategy(written(tmp_path, source))


def test_a_file_that_fails_to_load_leaves_no_module(tmp_path):
    before = set(sys.modules)
    with pytest.raises(ConfigError, match="failed to load"):
        strategy(written(tmp_path, "raise RuntimeError('no')"))
    with pytest.raises(ConfigError, match="is not valid Python"):
        strategy(written(tmp_path, "def"))
    assert set(sys.modules) == before


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path, reason in ((tmp_path / "none.py", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match=f"must be a readable Python file, got .*: {reason}"):
            strategy(path)


# ---- calling


def test_signals_are_the_target_of_every_bar(tmp_path):
    loaded = strategy(written(tmp_path, CROSS))
    close = ONE.frame("BTCUSDT")["close"]
    expected = (close.rolling(5).mean() > close.rolling(9).mean()) * 1.0
    target = loaded.signals(ONE, {"fast": 5, "slow": 9})
    assert target.shape == (600, 1)
    np.testing.assert_array_equal(target[:, 0], expected)
    assert not np.array_equal(loaded.signals(ONE), target)


def test_several_symbols_come_as_a_dict_of_frames():
    def signals(data):
        assert list(data) == ["BTCUSDT", "ETHUSDT"]
        return pd.DataFrame({symbol: np.sign(frame["close"].diff()) for symbol, frame in reversed(data.items())})

    target = Strategy.from_function(signals).signals(TWO)
    for i, symbol in enumerate(TWO.symbols):
        np.testing.assert_array_equal(target[:, i], np.sign(TWO.frame(symbol)["close"].diff()))


def test_a_strategy_cannot_spoil_the_bars():
    def signals(data):
        data["close"] = 1.0
        data.iloc[:, :] = 2.0
        data.loc[data.index[0], "high"] = 3.0
        return pd.Series(0.0, data.index)

    frames = {"BTCUSDT": walk()}
    loaded = Strategy.from_function(signals)
    loaded.targets(frames)
    pd.testing.assert_frame_equal(frames["BTCUSDT"], walk())
    before = ONE.fingerprint
    loaded.signals(ONE)
    assert ONE.fingerprint == before
    np.testing.assert_array_equal(ONE.frame("BTCUSDT"), walk())


def test_a_failure_names_strategy_exception_and_line(tmp_path):
    source = "def helper(data):\n    return data['clsoe']\n\ndef signals(data):\n    return helper(data)\n"
    with pytest.raises(
        ConfigError, match=r"^strategy mine failed with KeyError: 'clsoe' at line 2 of mine\.py$"
    ) as caught:
        strategy(written(tmp_path, source)).signals(ONE)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_failure_with_several_symbols_says_what_was_given(tmp_path):
    with pytest.raises(
        ConfigError, match=r"KeyError: 'close' at line 5 of mine\.py; it was given a dict of .*BTCUSDT, ETH"
    ):
        strategy(written(tmp_path, CROSS)).signals(TWO)


def test_a_failing_function_is_named_with_its_line():
    def broken(data):
        raise RuntimeError(f"{len(data)} bars\nsecond line")

    with pytest.raises(
        ConfigError, match=r"strategy broken failed with RuntimeError: 600 bars at line \d+ of test_strategies\.py$"
    ):
        Strategy.from_function(broken).signals(ONE)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("None", "signals must be a Series, .*, got None"),
        ("data['close']", r"signal must be in \[-1, 1\] or NaN, got .* at 2020-01-01 00:00 in BTCUSDT"),
        (
            "(data['close'] * 0).iloc[1:]",
            "signals must have the times of the bars, got 2020-01-01 01:00",
        ),
        (
            "data['close'].dropna().to_numpy()[:5] * 0",
            r"signals must have the shape of the bars \(600, 1\)",
        ),
        ("data * 0", "signals must have every symbol of the bars once"),
    ],
)
def test_results_that_are_no_signals_are_refused(tmp_path, result, message):
    with pytest.raises(DataError, match=f"^strategy mine: .*{message}"):
        strategy(written(tmp_path, f"def signals(data):\n    return {result}")).signals(ONE)


def test_a_function_becomes_a_strategy():
    def momentum(data, lookback):
        """Follow the last move."""
        return np.sign(data["close"].diff(lookback))

    made = Strategy.from_function(momentum, {"lookback": 3})
    assert (made.name, made.doc, made.path) == ("momentum", "Follow the last move.", None)
    assert made.source_hash.startswith("sha256:")
    np.testing.assert_array_equal(made.signals(ONE)[:, 0], np.sign(ONE.frame("BTCUSDT")["close"].diff(3)))
    with pytest.raises(ConfigError, match="signals of momentum must take data and every name in PARAMS"):
        Strategy.from_function(momentum)


# ---- parameters

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
        strategy_with_defaults().signals(ONE, params)


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
