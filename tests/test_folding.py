"""Entries and exits folded into one target."""

import numpy as np
import pandas as pd
import pytest

from backtest.errors import DataError
from backtest.signalling.entries import fold_entries
from backtest.signalling.signal_names import FREQTRADE_NAMES, VECTORBT_NAMES

TIME = pd.date_range("2020-03-12", periods=6, freq="h", tz="UTC").as_unit("ns")


def flags(text):
    return np.array([character == "1" for character in text])


def folded(**columns):
    names = dict(zip(("el", "xl", "es", "xs"), FREQTRADE_NAMES, strict=True))
    return fold_entries(pd.DataFrame({names[key]: flags(text) for key, text in columns.items()})).tolist()


def test_positions_open_close_and_flip():
    assert folded(el="0100000", xl="0001000", es="0000010", xs="0000001") == [0, 1, 1, 0, 0, -1, 0]
    assert folded(el="1000100", es="0010000") == [1, 1, -1, -1, 1, 1, 1]


def test_an_exit_closes_its_own_side_only():
    assert folded(el="1000", xs="0110") == [1, 1, 1, 1]
    assert folded(es="1000", xl="0110") == [-1, -1, -1, -1]


def test_an_exit_beats_an_entry_of_its_side():
    assert folded(el="1010", xl="0010") == [1, 1, 0, 0]
    assert folded(es="1010", xs="0010") == [-1, -1, 0, 0]
    assert folded(el="0100", xl="0100") == [0, 0, 0, 0]
    assert folded(es="0100", xs="0100") == [0, 0, 0, 0]


def test_two_entries_at_once_open_nothing_but_an_exit_still_closes():
    assert folded(el="0100", es="0100") == [0, 0, 0, 0]
    assert folded(el="1100", es="0100") == [1, 1, 1, 1]
    assert folded(el="1100", es="0100", xl="0100") == [1, 0, 0, 0]
    assert folded(el="0010", es="1010", xs="0010") == [-1, -1, 0, 0]


def test_a_flip_may_come_with_the_exit_of_the_old_side():
    assert folded(el="1000", xl="0100", es="0100") == [1, -1, -1, -1]
    assert folded(es="1000", xs="0100", el="0100") == [-1, 1, 1, 1]


def test_a_flip_whose_own_exit_is_set_does_not_happen():
    assert folded(el="1000", es="0100", xs="0100") == [1, 1, 1, 1]
    assert folded(el="1000", es="0100", xs="0100", xl="0100") == [1, 0, 0, 0]


def test_every_column_means_itself_under_both_sets_of_names():
    random = np.random.default_rng(1)
    columns = random.random((4, 500)) < 0.2
    by_vectorbt = fold_entries(pd.DataFrame(dict(zip(VECTORBT_NAMES, columns, strict=True))))
    by_freqtrade = fold_entries(pd.DataFrame(dict(zip(FREQTRADE_NAMES, columns, strict=True))))
    np.testing.assert_array_equal(by_vectorbt, by_freqtrade)
    assert set(by_vectorbt) == {-1.0, 0.0, 1.0}


def test_longs_and_shorts_mirror_each_other():
    columns = np.random.default_rng(2).random((4, 500)) < 0.3
    target = fold_entries(pd.DataFrame(dict(zip(FREQTRADE_NAMES, columns, strict=True))))
    mirror = fold_entries(pd.DataFrame(dict(zip(FREQTRADE_NAMES, columns[[2, 3, 0, 1]], strict=True))))
    np.testing.assert_array_equal(mirror, -target)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([0, 1, 0, 0]),
        pd.Series([np.nan, 1.0, 0.0, np.nan]),
        pd.Series([None, True, False, np.nan], dtype=object),
        pd.Series([None, True, False, None], dtype="boolean"),
        pd.Series([True, False, False, False]).shift(),
    ],
    ids=["integers", "floats", "objects", "nullable", "shifted"],
)
def test_missing_and_numeric_booleans_are_read(column):
    frame = pd.DataFrame({"entries": [True, False, False, False], "exits": column})
    assert fold_entries(frame).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    "values", [[0, 1, 2, 0], [0.0, 0.5, 1.0, 0.0], ["True", "False", "False", "True"], [True, "x", None, 1]]
)
def test_columns_that_are_not_boolean_are_refused(values):
    with pytest.raises(DataError, match="exits must hold booleans, or 0 and 1, got values of dtype"):
        fold_entries(pd.DataFrame({"entries": [True] * 4, "exits": values}))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["entries", "exit_long"], "must not mix entries with exit_long"),
        (["exits", "short_exits"], "need a column entries or short_entries"),
        (["exit_long"], "need a column enter_long or enter_short"),
        (["close"], "need a column enter_long or enter_short"),
        (["enter_long", "exit_lnog"], "got exit_lnog; did you mean exit_long?"),
        (["entries", "short_entires"], "got short_entires; did you mean short_entries?"),
        (["entries", "entries"], "one column of each name, got entries twice"),
    ],
)
def test_names_that_would_lose_an_entry_or_exit_are_refused(names, message):
    frame = pd.DataFrame(np.zeros((4, len(names)), bool), columns=names)
    with pytest.raises(DataError, match=message):
        fold_entries(frame)


def test_the_folded_target_keeps_the_index():
    target = fold_entries(pd.DataFrame({"entries": flags("010000")}, TIME))
    pd.testing.assert_series_equal(target, pd.Series([0.0, 1, 1, 1, 1, 1], TIME, name="target"))


def test_no_rows_fold_into_no_rows():
    assert fold_entries(pd.DataFrame({"entries": np.empty(0, bool)})).empty
