"""Thinned curves keep the extremes of every stretch of time and all rows near the costliest liquidations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backtest.plots import thinning
from backtest.plots.thinning import (
    BUCKETS,
    costliest,
    extremes,
    inside,
    spans_around,
    thinned,
    without_flat_runs,
)

VALUES = st.sampled_from([0.0, -1.0, 1.0, 2.5, -7.0, np.nan, np.inf])


@st.composite
def curves(draw, most=60):
    """Draw rising times with gaps, and values with NaN and repeats."""
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 50]), min_size=1, max_size=most))
    return np.cumsum(steps).astype(np.int64), draw(arrays(np.float64, len(steps), elements=VALUES))


def buckets_of(time, buckets):
    """Return the bucket of every row: stretches of time that are as long as each other, the end with the last."""
    edges = np.linspace(time[0], time[-1], buckets + 1)
    return [max(k for k in range(buckets) if time[row] >= edges[k]) for row in range(len(time))]


@given(curves(), st.integers(1, 12), st.booleans())
def test_extremes_of_every_bucket(drawn, buckets, step):
    time, values = drawn
    rows = extremes(time, values, buckets=buckets, step=step)
    assert sorted(set(rows.tolist())) == rows.tolist()
    assert rows[0] == 0
    assert rows[-1] == len(time) - 1
    assert len(rows) <= (3 if step else 2) * buckets + 2
    places = buckets_of(time, buckets)
    for bucket in set(places):
        mine = [row for row, place in enumerate(places) if place == bucket]
        kept = [row for row in mine if row in rows]
        known = [values[row] for row in mine if not np.isnan(values[row])]
        assert kept
        if known:
            kept_values = [values[row] for row in kept]
            assert np.nanmin(kept_values) == min(known)
            assert np.nanmax(kept_values) == max(known)
        if step:
            assert mine[-1] in kept


@given(curves(), st.integers(1, 12))
def test_a_band_keeps_the_lowest_low_and_the_highest_high(drawn, buckets):
    time, low = drawn
    high = low + np.arange(len(low))[::-1] % 5
    rows = extremes(time, low, high, buckets=buckets)
    places = buckets_of(time, buckets)
    for bucket in set(places):
        mine = [row for row, place in enumerate(places) if place == bucket and not np.isnan(low[row])]
        if mine:
            kept = [row for row in mine if row in rows]
            assert min(low[kept]) == min(low[mine])
            assert max(high[kept]) == max(high[mine])


@given(curves(), st.lists(st.integers(-5, 3100), max_size=6), st.integers(0, 9))
def test_spans_hold_every_bar_nearby_and_no_other(drawn, moments, near):
    time, _ = drawn
    wanted = set()
    for moment in moments:
        if time[0] <= moment <= time[-1]:
            row = max(row for row in range(len(time)) if time[row] <= moment)
            wanted |= set(range(max(row - near, 0), min(row + near, len(time) - 1) + 1))
    spans = spans_around(time, np.array(moments, np.int64), near)
    assert inside(time, spans).tolist() == sorted(wanted)


@given(curves(), st.sets(st.integers(0, 59)))
def test_a_line_without_its_flat_runs_is_the_same_line(drawn, chosen):
    time, values = drawn
    values = np.where(np.isinf(values), 9.0, values)
    rows = np.array(sorted(row for row in chosen if row < len(time)), np.int64)
    kept = without_flat_runs(values, rows)
    assert set(kept.tolist()) <= set(rows.tolist())
    if len(rows):
        assert (kept[0], kept[-1]) == (rows[0], rows[-1])
        assert np.interp(time[rows], time[kept], values[kept]) == pytest.approx(values[rows], nan_ok=True, abs=1e-12)
    inner = values[kept]
    same = (inner[1:] == inner[:-1]) | (np.isnan(inner[1:]) & np.isnan(inner[:-1]))
    assert not (same[1:] & same[:-1]).any()


def test_the_costliest_in_their_order():
    cost = np.array([3.0, np.nan, 5.0, 5.0, 1.0, 4.0])
    assert costliest(cost, 3).tolist() == [2, 3, 5]
    assert costliest(cost, 5).tolist() == [0, 2, 3, 4, 5]
    assert costliest(cost, 6).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("length", [0, 1, 2, 2 * BUCKETS])
def test_short_curves_keep_every_row(length):
    time = np.arange(length, dtype=np.int64)
    assert thinned(time, [np.zeros(length)]).tolist() == list(range(length))


@pytest.mark.parametrize("step", [False, True])
def test_long_curves_keep_their_bound_and_the_windows(step):
    random = np.random.default_rng(1)
    length = 50_000
    time = np.arange(length, dtype=np.int64) * 60_000
    one, other = random.normal(size=length).cumsum(), random.normal(size=length).cumsum()
    low, high = one - random.random(length), one + random.random(length)
    at = [0, 777, 25_000, 25_030, length - 1]
    spans = spans_around(time, time[at])
    rows = thinned(time, [one, other], spans, band=(low, high), step=step)
    near = {row for middle in at for row in range(max(middle - 40, 0), min(middle + 41, length))}
    assert near <= set(rows.tolist())
    assert len(rows) <= (6 if not step else 8) * (BUCKETS + 2) + len(near)
    apart = [extremes(time, one, step=step), extremes(time, other, step=step), extremes(time, low, high)]
    assert set(rows.tolist()) == near | {row for part in apart for row in part.tolist()}


def test_one_bar_above_all_others_is_kept_wherever_it_is():
    length = 30_000
    time = np.arange(length, dtype=np.int64)
    for row in range(1, length, 1117):
        values = np.zeros(length)
        values[row] = -1.0
        assert row in thinned(time, [values])


@pytest.mark.parametrize(("width", "most"), [(600, 0.15), (1166, 0.8), (1600, 0.8)])
def test_a_long_walk_keeps_its_envelope_on_columns_of_pixels_that_are_no_buckets(width, most):
    """Every column's lowest and highest point of the line, on 420 pixels of height, against those of all bars."""
    count = 200_000
    values = np.random.default_rng(0).normal(size=count).cumsum()
    rows = thinned(np.arange(count, dtype=np.int64) * 60_000, [values])
    first = np.searchsorted(np.arange(count) * width // count, np.arange(width))
    line = np.interp(np.arange(count), rows, values[rows])
    off = [np.abs(each.reduceat(line, first) - each.reduceat(values, first)) for each in (np.minimum, np.maximum)]
    assert np.mean(off) * 420 / np.ptp(values) < most


def test_a_flat_curve_costs_a_row_a_bucket_and_two_without_runs():
    time = np.arange(100_000, dtype=np.int64)
    values = np.zeros(len(time))
    rows = thinned(time, [values])
    assert len(rows) <= BUCKETS + 1
    assert without_flat_runs(values, rows).tolist() == [0, len(time) - 1]


def test_sparse_years_before_dense_ones_are_drawn_by_time():
    sparse = np.arange(1000, dtype=np.int64) * 1_000_000
    time = np.append(sparse, sparse[-1] + np.arange(1, 500_001, dtype=np.int64) * 1000)
    values = np.where(np.arange(len(time)) % 2, 1.0, -1.0)
    rows = thinned(time, [values])
    assert (rows < 1000).sum() > 700  # a bucket by rows would hold all of them in two


def test_the_numbers_that_pages_speak_of():
    assert (thinning.TRUE_LIQUIDATIONS, thinning.NEAR, thinning.BUCKETS, thinning.MARKS) == (200, 40, 2400, 2000)
