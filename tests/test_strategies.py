"""Strategy files: loading and calling."""

import sys

import numpy as np
import pandas as pd
import pytest
from walks import walk

from backtest.errors import ConfigError, DataError
from backtest.market.bars import Bars
from backtest.signalling.strategies import Strategy, strategy

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
    assert set(up.signals(ONE).target[:, 0]) == {1.0}
    assert set(down.signals(ONE).target[:, 0]) == {-1.0}
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
    assert set(strategy(written(tmp_path, source)).signals(ONE).target[:, 0]) == {0.5}


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


@pytest.mark.parametrize("path", [None, 5, b"mine.py"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ConfigError, match=f"strategy must be the path of a Python file, got {path!r}$"):
        strategy(path)


def test_a_path_with_a_nul_is_refused():
    with pytest.raises(ConfigError, match=r"readable Python file, got 'a\\x00\.py': embedded null byte$"):
        strategy("a\0.py")


# ---- calling


def test_signals_are_the_target_of_every_bar(tmp_path):
    loaded = strategy(written(tmp_path, CROSS))
    close = ONE.frame("BTCUSDT")["close"]
    expected = (close.rolling(5).mean() > close.rolling(9).mean()) * 1.0
    target = loaded.signals(ONE, {"fast": 5, "slow": 9}).target
    assert target.shape == (600, 1)
    np.testing.assert_array_equal(target[:, 0], expected)
    assert not np.array_equal(loaded.signals(ONE).target, target)


def test_several_symbols_come_as_a_dict_of_frames():
    def signals(data):
        assert list(data) == ["BTCUSDT", "ETHUSDT"]
        return pd.DataFrame({symbol: np.sign(frame["close"].diff()) for symbol, frame in reversed(data.items())})

    target = Strategy.from_function(signals).signals(TWO).target
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
    loaded.signals_of(frames)
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


def test_leaving_the_process_is_a_failure(tmp_path):
    source = "import sys\ndef signals(data):\n    sys.exit(0)"
    with pytest.raises(ConfigError, match=r"^strategy mine failed with SystemExit: 0 at line 3 of mine\.py$"):
        strategy(written(tmp_path, source)).signals(ONE)


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
    np.testing.assert_array_equal(made.signals(ONE).target[:, 0], np.sign(ONE.frame("BTCUSDT")["close"].diff(3)))
    with pytest.raises(ConfigError, match="signals of momentum must take data and every name in PARAMS"):
        Strategy.from_function(momentum)


# ---- columns beside the target

TABLE = """import numpy as np
PARAMS = {"stop": 0.05, "risk": 0.02}

def signals(data, stop, risk):
    data["target"] = np.sign(data["close"].diff())
    data["leverage"] = (risk / data["close"].pct_change().rolling(24).std()).clip(1, 20)
    data["stop_loss"] = stop
    return data
"""

HEDGE = """import pandas as pd

def signals(data):
    made = {}
    for symbol, frame in data.items():
        rising = frame["close"].diff() > 0
        made[symbol] = pd.DataFrame({"target_long": rising * 0.5, "target_short": 0.25}, frame.index)
    made["ETHUSDT"]["margin_add"] = rising * 10.0
    return made
"""

MIXED = """import pandas as pd

def signals(data):
    bitcoin, ether = data.values()
    entries = pd.DataFrame({"enter_long": bitcoin["close"].diff() > 0, "take_profit": 0.1}, bitcoin.index)
    return {"ETHUSDT": ether["close"] * 0 - 1, "BTCUSDT": entries}
"""


def test_a_file_may_set_leverage_and_stops(tmp_path):
    made = strategy(written(tmp_path, TABLE)).signals(ONE, {"stop": 0.1})
    close = ONE.frame("BTCUSDT")["close"]
    assert list(made.columns) == ["target", "leverage", "stop_loss"]
    np.testing.assert_array_equal(made.target[:, 0], np.sign(close.diff()))
    np.testing.assert_array_equal(
        made.leverage[:, 0], (0.02 / close.pct_change().rolling(24).std()).clip(1, 20).to_numpy()
    )
    assert np.isnan(made.leverage[:24]).all()
    assert set(made.stop_loss[:, 0]) == {0.1}
    assert list(ONE.frame("BTCUSDT")) == ["open", "high", "low", "close"]


def test_a_file_may_hedge_several_symbols(tmp_path):
    made = strategy(written(tmp_path, HEDGE)).signals(TWO)
    assert made.hedged
    assert made.target.shape == (600, 4)
    for i, symbol in enumerate(TWO.symbols):
        rising = TWO.frame(symbol)["close"].diff() > 0
        np.testing.assert_array_equal(made.target[:, 2 * i], rising * 0.5)
        assert set(made.target[:, 2 * i + 1]) == {-0.25}
    assert np.isnan(made.margin_add[:, 0]).all()
    np.testing.assert_array_equal(made.margin_add[:, 1], rising * 10.0)


def test_a_file_may_mix_series_and_tables_by_symbol(tmp_path):
    made = strategy(written(tmp_path, MIXED)).signals(TWO)
    assert not made.hedged
    rises = int((TWO.frame("BTCUSDT")["close"].diff() > 0).argmax())
    np.testing.assert_array_equal(made.target[:, 0], np.arange(600) >= rises)
    assert set(made.target[:, 1]) == {-1.0}
    np.testing.assert_array_equal(made.take_profit, [[0.1, np.nan]] * 600)


@pytest.mark.parametrize(
    ("assigned", "message"),
    [
        ("target=0.0, leverage=0.5", r"leverage must be finite and at least 1, .* at 2020-01-01 00:00 in BTCUSDT"),
        ("target=0.0, stoploss=0.5", r"got stoploss in BTCUSDT; did you mean stop_loss\?"),
        ("leverage=5.0", "signals must have a column target, .*, got only leverage in BTCUSDT"),
        ("target=0.0, entries=True", "signals must have either target, .*, got target beside entries in BTCUSDT"),
        ("target_long=-0.5", r"target_long must be in \[0, 1\] or NaN, got -0\.5"),
    ],
)
def test_columns_that_are_no_signals_are_refused(tmp_path, assigned, message):
    with pytest.raises(DataError, match=f"^strategy mine: .*{message}"):
        strategy(written(tmp_path, f"def signals(data):\n    return data.assign({assigned})")).signals(ONE)
