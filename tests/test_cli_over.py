"""How swept settings are typed: lists, ranges and none, by name."""

import re

import pytest

from backtest.command_line.ranges import over_of
from backtest.errors import ConfigError

PARAMS = {"fast": 20, "size": 0.5, "side": "long:only", "exit": True, "leverage": 3}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1:5", [1, 2, 3, 4, 5]),
        ("7:7", [7]),
        ("1:10:4", [1, 5, 9]),
        ("-2:2:2", [-2, 0, 2]),
        ("0.1:0.5:0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("1:2:0.25", [1.0, 1.25, 1.5, 1.75, 2.0]),
        ("1e3:2e3:500", [1000, 1500, 2000]),
        ("isolated,cross", ["isolated", "cross"]),
        ("0.05, None", [0.05, None]),
        ("3,5:6,1e3,1_0", [3, 5, 6, 1000.0, 10.0]),
        ("nan,inf", ["nan", "inf"]),
    ],
)
def test_values_are_lists_ranges_numbers_text_and_none(text, values):
    found = over_of({"leverage": text}, {})["leverage"]
    assert found == values
    assert [type(each) for each in found] == [type(each) for each in values]


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("fast", "10:30:10", [10, 20, 30]),
        ("params.fast", "10", [10]),
        ("size", "1,0.5", [1.0, 0.5]),
        ("side", "long:only,none", ["long:only", "none"]),
        ("exit", "yes,false", [True, False]),
        ("leverage", "2", [2]),
        ("params.leverage", "2", [2]),
        ("venue", "C:\\mine.toml,okx_swap", ["C:\\mine.toml", "okx_swap"]),
    ],
)
def test_values_of_parameters_are_of_the_type_of_their_defaults(name, text, values):
    found = over_of({name: text}, PARAMS)[name]
    assert found == values
    assert [type(each) for each in found] == [type(each) for each in values]


def test_a_file_may_hold_lists_values_tables_and_what_is_typed():
    held = {"leverage": "1:3", "stop_loss": [0.05, "none"], "sizing": "cash", "cash": 5, "params": {"fast": [10, 20]}}
    assert over_of(held, PARAMS) == {
        "leverage": [1, 2, 3],
        "stop_loss": [0.05, None],
        "sizing": ["cash"],
        "cash": [5],
        "params.fast": [10, 20],
    }
    assert over_of(None, PARAMS) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"leverage": "1,,2"}, "over leverage must be values with commas between them, got '1,,2'"),
        ({"leverage": ""}, "over leverage must be values with commas between them, got ''"),
        ({"leverage": []}, "over leverage must have at least one value, got none"),
        ({"leverage": "5:1"}, "a range of over leverage must not end before it starts, got '5:1'"),
        ({"leverage": "1:2:3:4"}, "a range of over leverage must be first:last, whole numbers, or .*, got '1:2:3:4'"),
        ({"leverage": "1:b"}, "a range of over leverage must be first:last, .* got '1:b'"),
        ({"leverage": ":5"}, "a range of over leverage must be first:last, .* got ':5'"),
        ({"leverage": "1:1.5"}, "a range of over leverage must be first:last, whole numbers, .* got '1:1.5'"),
        ({"leverage": "1:inf"}, "a range of over leverage must be first:last, .* got '1:inf'"),
        ({"leverage": "1:5:0"}, "the step of over leverage must be above 0, got 0 in '1:5:0'"),
        ({"leverage": "1:5:-1"}, "the step of over leverage must be above 0, got -1 in '1:5:-1'"),
        ({"cash": "1:1e12"}, "a range of over cash must have at most 1 000 000 values, got '1:1e12'"),
        ({"fast": "ten"}, "parameter fast must be a whole number, got 'ten'"),
        ({"exit": "maybe"}, "parameter exit must be true or false, got 'maybe'"),
    ],
)
def test_values_that_are_none_are_refused(given, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        over_of(given, PARAMS)


def test_a_range_stops_short_of_the_end_that_its_step_misses():
    assert over_of({"stop_loss": "0.01:0.1:0.04"}, {}) == {"stop_loss": [0.01, 0.05, 0.09]}
    assert re.fullmatch(r"\[0\.3\]", str(over_of({"stop_loss": "0.3:0.3:0.1"}, {})["stop_loss"]))
