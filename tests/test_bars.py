"""Bars: packing against a plain numpy way, marks, slices, and what every record holds."""

import pickle

import numpy as np
import pandas as pd
import pytest
from frames import DATA, PRICES, made, marked
from hypothesis import given
from hypothesis import strategies as st

from backtest.errors import ConfigError, DataError
from backtest.kernels.packing import pack_instrument
from backtest.market.bars import Bars


def plainly_packed(frame: pd.DataFrame, time: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return trade, mark, (T, 4) each, and funding of one instrument, with pandas instead of a loop."""
    frame = frame.reindex(time)
    here = frame["open"].notna()
    trade = frame[PRICES]
    mark = trade.copy()
    if "mark_open" in frame:
        given = frame["mark_open"].notna() & here
        mark[given] = frame.loc[given, [f"mark_{price}" for price in PRICES]].to_numpy()
    last = mark["close"].where(here).ffill().fillna(1.0)
    trade, mark = trade.copy(), mark.copy()
    for column in PRICES:
        trade[column] = trade[column].where(here, last)
        mark[column] = mark[column].where(here, last)
    funding = np.zeros(len(time))
    due = 0.0
    rates = frame.get("funding_rate", pd.Series(0.0, index=time)).fillna(0.0)
    for t in range(len(time)):
        due += rates.iloc[t]
        if here.iloc[t]:
            funding[t], due = due, 0.0
        if not here.iloc[: t + 1].any():
            due = 0.0
    return trade.to_numpy(), mark.to_numpy(), funding


@st.composite
def holey_frames(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    frames = {}
    for i in range(draw(st.integers(1, 3))):
        frame = made(12, seed=i)
        if draw(st.booleans()):
            frame = marked(frame)
            bare = draw(st.lists(st.integers(0, 11), max_size=4))
            frame.iloc[bare, frame.columns.get_indexer([f"mark_{price}" for price in PRICES])] = np.nan
        if draw(st.booleans()):
            rates = draw(st.lists(st.sampled_from([0.0, 0.25, -0.5, np.nan]), min_size=12, max_size=12))
            frame["funding_rate"] = rates
        empty = draw(st.lists(st.integers(0, 11), max_size=6))
        frame.iloc[empty, :4] = np.nan
        dropped = draw(st.sets(st.integers(0, 11), max_size=6))
        kept = frame.drop(frame.index[sorted(dropped)])
        frames[f"S{i}"] = kept if kept["open"].notna().any() else made(12, seed=i)
    return frames


@given(holey_frames())
def test_packing_equals_the_plain_way(frames: dict[str, pd.DataFrame]) -> None:
    bars = Bars.from_frames(frames)
    time = pd.DatetimeIndex(sorted(set().union(*(frame.index for frame in frames.values()))))
    assert bars.time.equals(time)
    returns = set()
    for i, frame in enumerate(frames.values()):
        trade, mark, funding = plainly_packed(frame, time)
        for field, price in enumerate(PRICES):
            np.testing.assert_array_equal(bars.trade[price][:, i], trade[:, field])
            np.testing.assert_array_equal(bars.mark[price][:, i], mark[:, field])
        if len(bars.funding):
            np.testing.assert_array_equal(bars.funding[:, i], funding)
        else:
            assert not funding.any()
        here = frame["open"].reindex(time).notna().to_numpy()
        if len(bars.present):
            np.testing.assert_array_equal(bars.present[:, i], here)
        else:
            assert here.all()
        returns |= {t for t in range(1, len(time)) if here[t] and not here[t - 1]} | set(np.flatnonzero(funding))
    assert bars.appointments.tolist() == sorted(returns)


@given(holey_frames())
def test_frames_of_bars_make_the_same_bars(frames: dict[str, pd.DataFrame]) -> None:
    bars = Bars.from_frames(frames)
    again = Bars.from_frames(bars.frames())
    assert again.fingerprint == bars.fingerprint
    assert again.appointments.tolist() == bars.appointments.tolist()


def test_real_bars() -> None:
    frame = pd.read_parquet(DATA / "btcusdt_1h.parquet").set_index("timestamp")
    bars = Bars.from_frames({"BTCUSDT": frame})
    assert bars.shape == (47_077, 1)
    assert str(bars.time.dtype) == "datetime64[ns, UTC]"
    assert repr(bars) == "Bars(BTCUSDT: 47 077 bars of 1h, 2017-08-17 04:00 to 2022-12-31 23:00 UTC)"
    worst = bars["2020-03-12 10:00":"2020-03-12 10:00"]
    assert worst.trade[0, 0].tolist() == (7354.99, 7367.03, 5550.0, 6014.9)
    assert worst.mark is worst.trade


def test_records_are_ready_for_a_kernel() -> None:
    bars = Bars.from_frames({"A": marked(made(5)).assign(funding_rate=0.1), "B": made(4)})
    for array in (bars.trade, bars.mark, bars.funding, bars.present, bars.volume, bars[1:3].trade):
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert bars.appointments.dtype == np.int64


def test_the_loop_is_compiled_once_for_every_kind_of_frame() -> None:
    compiled = len(getattr(pack_instrument, "signatures", []))
    strided = pd.DataFrame(np.full((5, 4), 100.0), columns=PRICES, index=made(5).index)
    for frame in (made(5), strided, strided.astype("int64"), marked(made(5)), made(5)[1:].assign(funding_rate=0.1)):
        Bars.from_frames({"A": frame, "B": made(5)}).with_marks({"A": strided}).resample("2h")
    assert len(getattr(pack_instrument, "signatures", [])) - compiled <= (0 if compiled else 1)


def test_what_is_absent_has_no_rows() -> None:
    bars = Bars.from_frames({"A": made(5)[PRICES], "B": made(5, seed=1)[PRICES]})
    assert bars.mark is bars.trade
    assert not bars.has_marks
    assert bars.funding.shape == bars.present.shape == (0, 2)
    assert bars.volume is None
    assert list(bars.frame("A").columns) == PRICES


def test_marks_that_are_all_nan_are_not_given() -> None:
    bars = Bars.from_frames({"A": marked(made(3), np.nan)})
    assert bars.mark is bars.trade


def test_times_of_another_zone_and_of_none_are_utc() -> None:
    frame = made(4)
    moved, bare = frame.tz_convert("Asia/Tokyo"), frame.tz_localize(None)
    fingerprints = {Bars.from_frames({"A": given}).fingerprint for given in (frame, moved, bare)}
    assert len(fingerprints) == 1


def test_fingerprint_changes_with_every_input() -> None:
    frame = marked(made(6)).assign(funding_rate=0.001)
    base = Bars.from_frames({"A": frame})
    others = [Bars.from_frames({"B": frame}), base[:5], base.with_funding(0.002)]
    for column in (*PRICES, "mark_open", "mark_close", "funding_rate"):
        changed = frame.copy()
        changed.iloc[3, changed.columns.get_loc(column)] = np.nextafter(changed[column].iloc[3], 100)
        others.append(Bars.from_frames({"A": changed}))
    holey = frame.copy()
    holey.iloc[3, :4] = np.nan
    holey.iloc[3, holey.columns.get_loc("funding_rate")] = 0.0
    others.append(Bars.from_frames({"A": holey}))
    flat = holey.copy()
    flat.iloc[3, :4] = flat["mark_close"].iloc[2]
    flat.iloc[3, flat.columns.get_indexer([f"mark_{price}" for price in PRICES])] = np.nan
    others.append(Bars.from_frames({"A": flat}))
    later = frame.set_axis(frame.index + pd.Timedelta("1ns"))
    others.append(Bars.from_frames({"A": later}))
    assert len({bars.fingerprint for bars in (base, *others)}) == 1 + len(others)
    assert base.fingerprint == Bars.from_frames({"A": frame.astype(object).astype(float)}).fingerprint
    assert base.fingerprint.startswith("sha256:")


def test_t16_a_missing_bar_is_never_a_price_that_was_printed() -> None:
    frame = marked(made(5), 2.0)
    frame.iloc[[0, 2], :4] = np.nan
    bars = Bars.from_frames({"A": frame, "B": made(5, seed=1)})
    assert bars.present[:, 0].tolist() == [False, True, False, True, True]
    assert bars.trade[0, 0].tolist() == (1.0, 1.0, 1.0, 1.0)
    last = float(frame["mark_close"].iloc[1])
    assert bars.trade[2, 0].tolist() == bars.mark[2, 0].tolist() == (last,) * 4
    assert bars.frame("A").iloc[[0, 2]].isna().all(axis=None)
    assert bars.appointments.tolist() == [1, 3]


def test_funding_due_at_a_missing_bar_is_paid_at_the_next() -> None:
    frame = made(5)[PRICES].assign(funding_rate=[0.5, 0.25, 0.125, np.nan, 1.0])
    frame.iloc[[0, 2], :4] = np.nan
    bars = Bars.from_frames({"A": frame})
    assert bars.funding[:, 0].tolist() == [0.0, 0.25, 0.0, 0.125, 1.0]


def test_slices_by_time_and_position() -> None:
    bars = Bars.from_frames({"A": made(100)})
    assert len(bars["2020-01-02":"2020-01-03"]) == 48
    assert len(bars["2020-01-02":]) == 76
    naive, aware = pd.Timestamp("2020-01-01 05:00"), pd.Timestamp("2020-01-01 07:00", tz="UTC")
    assert bars[naive:aware].time.equals(bars.time[5:8])
    assert bars[:10].time.equals(bars.time[:10])
    assert bars[-10:].time.equals(bars.time[90:])
    assert bars[10:20].fingerprint == Bars.from_frames({"A": made(100)[10:20]}).fingerprint


@pytest.mark.parametrize("span", [slice(None, None, 2), 3, slice("yesterday-ish", None), slice([1], None)])
def test_slices_that_are_none(span: object) -> None:
    with pytest.raises(ConfigError, match=r"bars are sliced by"):
        Bars.from_frames({"A": made(10)})[span]


def test_empty_slice() -> None:
    with pytest.raises(DataError, match=r"at least one bar, got none in 2030 of frames"):
        Bars.from_frames({"A": made(10)})["2030":]


@given(holey_frames(), st.integers(0, 5), st.integers(6, 12))
def test_a_slice_equals_what_was_read_so(frames: dict[str, pd.DataFrame], start: int, stop: int) -> None:
    whole = Bars.from_frames(frames)
    part = whole[start:stop]
    for i, symbol in enumerate(whole.symbols):
        frame = whole.frame(symbol)[start:stop]
        trade, mark, funding = plainly_packed(frame, part.time)
        assert np.column_stack([part.trade[price][:, i] for price in PRICES]).tolist() == trade.tolist()
        assert np.column_stack([part.mark[price][:, i] for price in PRICES]).tolist() == mark.tolist()
        assert not len(part.funding) or part.funding[:, i].tolist() == funding.tolist()
    assert part.has_marks == whole.has_marks
    assert not len(part.present) or not part.present.all()


def test_a_slice_keeps_its_columns_even_where_it_has_no_marks() -> None:
    # what a strategy reads must not depend on where its bars were cut
    whole = Bars.from_frames({"A": made(20)}).with_marks({"A": made(5, seed=2)})
    part = whole[10:]
    assert part.has_marks
    assert list(part.frame("A")) == list(whole.frame("A"))
    assert (part.mark == part.trade).all()


def test_a_slice_leaves_the_whole_alone() -> None:
    frame = made(6)
    frame.iloc[2, :4] = np.nan
    whole = Bars.from_frames({"A": frame, "B": made(6, seed=1)})
    before = whole.trade.copy()
    assert whole[2:].trade[0, 0].tolist() == (1.0,) * 4
    np.testing.assert_array_equal(whole.trade, before)


def test_bars_survive_pickling() -> None:
    bars = Bars.from_frames({"A": made(10)})
    again = pickle.loads(pickle.dumps(bars))  # noqa: S301
    assert again.mark is again.trade
    assert again.fingerprint == bars.fingerprint


def test_a_frame_cannot_change_the_bars() -> None:
    bars = Bars.from_frames({"A": made(10)})
    frame = bars.frame("A")
    frame.iloc[:, :] = 0.0
    assert bars.trade["open"].min() > 0


def test_repr_of_many() -> None:
    bars = Bars.from_frames({f"S{i}": made(1) for i in range(6)})
    assert repr(bars) == "Bars(S0, S1, S2, S3 and 2 more: 1 bars, 2020-01-01 00:00 to 2020-01-01 00:00 UTC)"
    assert bars.interval is None
