"""What signals may look like, and the array of targets that they become; other columns in test_signal_columns."""

import numpy as np
import pandas as pd
import pytest

from backtest.errors import DataError
from backtest.market.bars import Bars
from backtest.signalling.signal_names import FREQTRADE_NAMES, VECTORBT_NAMES
from backtest.signalling.signals import Signals, as_signals

TIME = pd.date_range("2020-03-12", periods=6, freq="h", tz="UTC").as_unit("ns")
TARGET = np.array([0.0, 1.0, np.nan, -1.0, 0.5, -0.25])


def bars_of(*symbols, time=TIME):
    prices = {name: np.full(len(time), 100.0) for name in ("open", "high", "low", "close")}
    return Bars.from_frames({symbol: pd.DataFrame(prices, index=time) for symbol in symbols})


ONE = bars_of("BTCUSDT")
TWO = bars_of("BTCUSDT", "ETHUSDT")


def flags(text):
    return np.array([character == "1" for character in text])


def target_of(signals, bars):
    """Return the targets of signals that set nothing else."""
    made = as_signals(signals, bars)
    assert not made.hedged
    assert list(made.columns) == ["target"]
    return made.target


def check_kernel_array(target, shape):
    assert target.shape == shape
    assert target.dtype == np.float64
    assert target.flags.c_contiguous
    assert target.flags.writeable
    assert target.flags.aligned


# ---- the kinds that are accepted


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_a_fitting_array_is_not_copied(shape):
    given = TARGET.reshape(shape).copy()
    target = target_of(given, ONE)
    check_kernel_array(target, (6, 1))
    assert np.shares_memory(target, given)


def test_a_fitting_array_of_two_instruments_is_not_copied():
    given = np.zeros((6, 2))
    assert np.shares_memory(target_of(given, TWO), given)


@pytest.mark.parametrize(
    "given",
    [
        np.asfortranarray(np.linspace(-1, 1, 12).reshape(6, 2)),
        np.linspace(-1, 1, 24).reshape(6, 4)[:, ::2],
        np.linspace(-1, 1, 12).reshape(6, 2).astype(">f8"),
    ],
    ids=["column by column", "strided", "other byte order"],
)
def test_other_layouts_are_copied_into_place(given):
    target = target_of(given, TWO)
    check_kernel_array(target, (6, 2))
    np.testing.assert_array_equal(target, given)


def test_a_read_only_array_becomes_writable_without_changing_the_given_one():
    given = TARGET.copy()
    given.flags.writeable = False
    target = target_of(given, ONE)
    check_kernel_array(target, (6, 1))
    assert not np.shares_memory(target, given)
    assert not given.flags.writeable


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint8, np.float32])
def test_numbers_of_any_width_are_converted(dtype):
    given = np.array([0, 1, 1, 0, 1, 0]).astype(dtype)
    for signals in (given, pd.Series(given, TIME)):
        target = target_of(signals, ONE)
        check_kernel_array(target, (6, 1))
        assert target[:, 0].tolist() == [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("dtype", ["Float64", "Int64", "boolean", "double[pyarrow]"])
def test_missing_values_of_nullable_types_hold(dtype):
    target = target_of(pd.Series([0, 1, None, 1, 0, None], TIME, dtype=dtype), ONE)
    np.testing.assert_array_equal(target[:, 0], [0.0, 1.0, np.nan, 1.0, 0.0, np.nan])


def test_a_series_is_copied_and_its_name_does_not_matter():
    series = pd.Series(TARGET.copy(), TIME, name="close")
    target = target_of(series, ONE)
    check_kernel_array(target, (6, 1))
    target[:] = 0.75
    np.testing.assert_array_equal(series, TARGET)


def test_columns_may_stand_in_any_order():
    frame = pd.DataFrame({"ETHUSDT": -TARGET, "BTCUSDT": TARGET}, TIME)
    target = target_of(frame, TWO)
    check_kernel_array(target, (6, 2))
    np.testing.assert_array_equal(target, np.column_stack([TARGET, -TARGET]))
    np.testing.assert_array_equal(target_of(dict(frame.items()), TWO), target)


def test_a_dict_may_mix_targets_and_entries():
    entries = pd.DataFrame({"entries": flags("010000"), "exits": flags("000100")}, TIME)
    target = target_of({"ETHUSDT": entries, "BTCUSDT": pd.Series(TARGET, TIME)}, TWO)
    np.testing.assert_array_equal(target[:, 0], TARGET)
    assert target[:, 1].tolist() == [0, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("names", [VECTORBT_NAMES, FREQTRADE_NAMES])
def test_entries_of_one_instrument_are_folded(names):
    columns = ("010000", "000100", "000010", "000001")
    frame = pd.DataFrame({name: flags(text) for name, text in zip(names, columns, strict=True)}, TIME)
    assert target_of(frame, ONE)[:, 0].tolist() == [0, 1, 1, 0, -1, 0]


def test_a_frame_of_prices_and_indicators_with_entries_is_folded():
    frame = ONE.frame("BTCUSDT").assign(rsi=50.0, enter_tag="why", enter_long=flags("001000"))
    assert target_of(frame, ONE)[:, 0].tolist() == [0, 0, 1, 1, 1, 1]


def test_symbols_named_like_entries_are_symbols():
    frame = pd.DataFrame({"entries": TARGET, "exits": -TARGET}, TIME)
    np.testing.assert_array_equal(target_of(frame, bars_of("entries", "exits")), frame)


def test_signals_that_were_made_come_back_uncopied():
    made = as_signals(pd.DataFrame({"BTCUSDT": TARGET, "ETHUSDT": -TARGET}, TIME), TWO)
    again = as_signals(made, TWO)
    assert isinstance(again, Signals)
    assert np.shares_memory(again.target, made.target)
    with pytest.raises(DataError, match=r"shape of the bars \(6, 1\), got an array of shape \(6, 2\)"):
        as_signals(made, ONE)


# ---- the times


@pytest.mark.parametrize(
    "index",
    [TIME.tz_localize(None), TIME.as_unit("s"), TIME.as_unit("us").tz_localize(None), TIME.tz_convert("Asia/Tokyo")],
    ids=["naive", "seconds", "naive microseconds", "another zone"],
)
def test_the_same_times_in_another_dress_fit(index):
    np.testing.assert_array_equal(target_of(pd.Series(TARGET, index), ONE)[:, 0], TARGET)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (TIME + pd.Timedelta("1h"), r"got 2020-03-12 01:00 instead of 2020-03-12 00:00 in BTCUSDT \(row 0\)"),
        (TIME[:5], r"got no row instead of 2020-03-12 05:00 in BTCUSDT \(row 5\)"),
        (TIME.append(TIME[-1:]), r"got 2020-03-12 05:00 instead of no bar in BTCUSDT \(row 6\)"),
        (TIME[[0, 1, 3, 2, 4, 5]], r"got 2020-03-12 03:00 instead of 2020-03-12 02:00 in BTCUSDT \(row 2\)"),
        (TIME.where(np.arange(6) != 4), r"got NaT instead of 2020-03-12 04:00 in BTCUSDT \(row 4\)"),
        (TIME.tz_localize(None).tz_localize("Asia/Tokyo"), r"got 2020-03-11 15:00 instead of 2020-03-12 00:00"),
        (TIME.as_unit("s") + pd.DateOffset(years=400), "must have the times of the bars, got .* in BTCUSDT"),
        (pd.RangeIndex(6), "must be indexed by the times of the bars, got a RangeIndex in BTCUSDT"),
        (TIME.tz_localize(None).to_period("h"), "must be indexed by the times of the bars, got a PeriodIndex"),
        (TIME.strftime("%Y-%m-%d %H:%M"), "must be indexed by the times of the bars, got a Index"),
    ],
)
def test_other_times_are_refused(index, message):
    with pytest.raises(DataError, match=message):
        target_of(pd.Series(0.0, index), ONE)
    with pytest.raises(DataError, match=message):
        target_of({"BTCUSDT": pd.DataFrame({"entries": True}, index)}, ONE)
    with pytest.raises(DataError, match=message.replace("BTCUSDT", "all columns")):
        target_of(pd.DataFrame({"BTCUSDT": 0.0}, index), ONE)


def test_a_row_far_down_is_named_in_groups_of_three():
    time = pd.date_range("2020-01-01", periods=23_000, freq="min", tz="UTC")
    index = time.where(time != time[22_305], time[22_305] + pd.Timedelta("1s"))
    with pytest.raises(
        DataError, match=r"got 2020-01-16 11:45:01\S* instead of 2020-01-16 11:45 in BTCUSDT \(row 22 305\)"
    ):
        target_of(pd.Series(0.0, index), bars_of("BTCUSDT", time=time))


# ---- the symbols and shapes


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["BTCUSDT"], "got missing ETHUSDT"),
        (["BTCUSDT", "ETHUSDT", "DOGE"], "got unknown DOGE"),
        (["BTCUSDT", "ETHUSD"], "got missing ETHUSDT, unknown ETHUSD"),
        (["BTCUSDT", "ETHUSDT", "ETHUSDT"], "got repeated ETHUSDT"),
        ([0, 1], "got missing BTCUSDT, ETHUSDT, unknown 0, 1"),
    ],
)
def test_every_symbol_must_be_there_once(columns, message):
    frame = pd.DataFrame(np.zeros((6, len(columns))), TIME, columns=columns)
    with pytest.raises(DataError, match=f"every symbol of the bars once and no other, {message}"):
        target_of(frame, TWO)


def test_a_dict_must_have_every_symbol():
    with pytest.raises(DataError, match="missing ETHUSDT"):
        target_of({"BTCUSDT": pd.Series(0.0, TIME)}, TWO)


def test_one_instrument_has_no_other_column():
    with pytest.raises(DataError, match="missing BTCUSDT, unknown signal"):
        target_of(pd.DataFrame({"signal": TARGET}, TIME), ONE)


@pytest.mark.parametrize(
    ("signals", "kind"),
    [
        (pd.Series(TARGET, TIME), "a Series"),
        (pd.DataFrame({"entries": flags("000000")}, TIME), "a DataFrame with entries"),
        (pd.DataFrame({"close": 1.0, "target": 0.0, "lev": 5.0}, TIME), "a DataFrame with target, lev"),
    ],
)
def test_several_symbols_need_several_columns(signals, kind):
    with pytest.raises(DataError, match=rf"for each of BTCUSDT, ETHUSDT, got {kind}$"):
        target_of(signals, TWO)


@pytest.mark.parametrize(
    ("shape", "bars"),
    [((5,), ONE), ((6, 2), ONE), ((1, 6), ONE), ((6,), TWO), ((2, 6), TWO), ((6, 1, 1), ONE), ((), ONE)],
)
def test_arrays_of_another_shape_are_refused(shape, bars):
    with pytest.raises(DataError, match=r"signals must have the shape of the bars \(6, .\), got an array of shape \("):
        target_of(np.zeros(shape), bars)


@pytest.mark.parametrize(
    ("signals", "name"),
    [(None, "None"), ([0.0] * 6, "list"), (1.0, "float"), ((TARGET, TARGET), "tuple"), ("buy", "str")],
)
def test_other_kinds_are_refused(signals, name):
    with pytest.raises(DataError, match=f"by symbol, got {name}$"):
        target_of(signals, ONE)


# ---- the values


@pytest.mark.parametrize("value", [1.5, -1.0000000000000002, np.inf, -np.inf, 100])
def test_targets_outside_the_range_are_refused_by_name(value):
    frame = pd.DataFrame({"BTCUSDT": TARGET, "ETHUSDT": TARGET}, TIME)
    frame.loc[TIME[3], "ETHUSDT"] = value
    message = rf"signal must be in \[-1, 1\] or NaN, got {float(value)} at 2020-03-12 03:00 in ETHUSDT \(row 3\)"
    for signals in (frame, frame.to_numpy()):
        with pytest.raises(DataError, match=message):
            target_of(signals, TWO)


def test_the_ends_of_the_range_and_nan_are_allowed():
    given = np.array([1.0, -1.0, np.nan, -0.0, np.nextafter(1, 0), np.nextafter(-1, 0)])
    np.testing.assert_array_equal(target_of(given, ONE)[:, 0], given)


@pytest.mark.parametrize(
    "values",
    [["1"] * 6, np.array([True, None] * 3, object), [1j] * 6, TIME],
    ids=["text", "objects", "complex", "times"],
)
def test_what_is_not_a_number_is_refused(values):
    with pytest.raises(DataError, match=r"signals must be numbers, got dtype .* in BTCUSDT"):
        target_of(pd.Series(values, TIME), ONE)
    with pytest.raises(DataError, match="signals must be numbers, got an array of"):
        target_of(np.asarray(values), ONE)
