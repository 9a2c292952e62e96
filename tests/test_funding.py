"""Funding: each settlement is paid once, by the right bar, never before it is due."""

import numpy as np
import pandas as pd
import pytest
from frames import DATA, made
from hypothesis import given
from hypothesis import strategies as st

from backtest.errors import ConfigError, DataError
from backtest.market.bars import Bars


def settlements(times: list[str], rates: list[float]) -> pd.Series:
    return pd.Series(rates, index=pd.DatetimeIndex(times, tz="UTC"))


@pytest.mark.parametrize(
    ("step", "paid"),
    [("1D", [1, 3, 3, 3]), ("12h", [1, 1, 2, 1, 2]), ("6h", [1, 0, 1, 1, 1]), ("1h", [1, *[0] * 7, 1, *[0] * 7, 1])],
)
def test_f1_every_boundary_crossed_is_settled(step: str, paid: list[int]) -> None:
    bars = Bars.from_frames({"A": made(len(paid), step=step)}).with_funding(0.5)
    assert bars.funding[:, 0].tolist() == [0.5 * count for count in paid]


def test_f1_grid_that_does_not_start_on_a_boundary() -> None:
    bars = Bars.from_frames({"A": made(4, start="2020-01-01 03:00", step="6h")}).with_funding(1.0)
    assert bars.funding[:, 0].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_boundaries_passed_while_missing_are_paid_at_the_return() -> None:
    frame = made(40).drop(made(40).index[5:30])
    bars = Bars.from_frames({"A": frame, "B": made(40)}).with_funding(1.0)
    assert np.flatnonzero(bars.funding[:, 0]).tolist() == [0, 30, 32]
    assert bars.funding[30, 0] == 3.0
    assert np.flatnonzero(bars.funding[:, 1]).tolist() == [0, 8, 16, 24, 32]


def test_an_instrument_without_a_bar_pays_nothing() -> None:
    bars = Bars.from_frames({"A": made(20), "B": made(4)})[8:].with_funding({"B": 1.0})
    assert bars.funding.shape == (12, 2)
    assert not bars.funding.any()


def test_before_the_epoch() -> None:
    bars = Bars.from_frames({"A": made(3, start="1960-01-01 07:00")}).with_funding(1.0)
    assert bars.funding[:, 0].tolist() == [0.0, 1.0, 0.0]


def test_f2_jitter_of_milliseconds_is_rounded_away() -> None:
    late = settlements(
        ["2020-01-01 08:00:00.011", "2020-01-01 16:00:00.031", "2019-12-31 23:59:59.995"], [1.0, 2.0, 4.0]
    )
    bars = Bars.from_frames({"A": made(24)}).with_funding({"A": late})
    assert {t: bars.funding[t, 0] for t in np.flatnonzero(bars.funding)} == {0: 4.0, 8: 1.0, 16: 2.0}


def test_f3_other_rates_are_other_funding() -> None:
    bars = Bars.from_frames({"A": made(24)})
    one = bars.with_funding(settlements(["2020-01-01 08:00"], [0.1]))
    other = bars.with_funding(settlements(["2020-01-01 08:00"], [0.2]))
    assert one.funding[8, 0] == 0.1
    assert other.funding[8, 0] == 0.2
    assert one.fingerprint != other.fingerprint


def test_f4_nothing_is_booked_before_it_is_due() -> None:
    rates = settlements(
        ["2019-12-31 20:00", "2020-01-01 01:30", "2020-01-01 05:00", "2020-01-01 05:01"], [-999, 1, 2, -999]
    )
    bars = Bars.from_frames({"A": made(6)}).with_funding(rates)
    assert bars.funding[:, 0].tolist() == [0.0, 0.0, 1.0, 0.0, 0.0, 2.0]


def test_f9_each_instrument_has_its_own_interval() -> None:
    bars = Bars.from_frames({"A": made(9), "B": made(9)})
    bars = bars.with_funding({"A": 1.0}, every="4h").with_funding({"B": 2.0}, every="1h")
    assert bars.funding[:, 0].tolist() == [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0]
    assert bars.funding[:, 1].tolist() == [2.0] * 9
    assert bars.appointments.tolist() == list(range(9))


def test_new_funding_takes_the_place_of_the_old() -> None:
    bars = Bars.from_frames({"A": made(9).assign(funding_rate=7.0)}).with_funding(1.0)
    assert bars.funding[:, 0].tolist() == [1.0, *[0.0] * 7, 1.0]
    assert bars.frame("A")["funding_rate"].tolist() == bars.funding[:, 0].tolist()


@given(
    st.sets(st.integers(0, 40), min_size=1, max_size=12),
    st.dictionaries(st.integers(-5, 50), st.sampled_from([0.25, -0.5, 2.0]), min_size=1, max_size=12),
)
def test_every_settlement_inside_is_paid_once(hours: set[int], due: dict[int, float]) -> None:
    frame = made(41).iloc[sorted(hours)]
    rates = pd.Series(due.values(), index=made(1).index[0] + pd.to_timedelta(list(due), unit="h"))
    bars = Bars.from_frames({"A": frame})
    if max(due) < min(hours) or min(due) > max(hours):
        with pytest.raises(DataError, match=r"settlements must fall between the first and the last bar"):
            bars.with_funding(rates)
        return
    paid = bars.with_funding(rates).funding[:, 0]
    opens = sorted(hours)
    for t, hour in enumerate(opens):
        since = opens[t - 1] if t else hour - 1
        assert paid[t] == sum(rate for at, rate in due.items() if since < at <= hour)


def test_constant_equals_its_settlements() -> None:
    frame = pd.read_parquet(DATA / "btcusdt_1h.parquet").set_index("timestamp")
    bars = Bars.from_frames({"BTCUSDT": frame})
    times = pd.date_range("2017-08-01", "2023-02-01", freq="8h", tz="UTC")
    listed = bars.with_funding(pd.Series(0.0001, index=times))
    np.testing.assert_allclose(bars.with_funding(0.0001).funding, listed.funding, rtol=1e-12)
    after_gap = bars.time.get_loc("2018-02-09 02:00")
    assert listed.funding[after_gap, 0] == pytest.approx(0.0003)


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        (np.nan, r"funding rates must be finite, got nan in A"),
        (np.inf, r"funding rates must be finite, got inf in A"),
        (10**400, r"funding rates must be finite, got 10{59}\.\.\. in A$"),
        (None, r"a rate or a Series of rates, got NoneType in A"),
        (True, r"a rate or a Series of rates, got bool in A"),
        ("0.0001", r"a rate or a Series of rates, got str in A"),
        ({"C": 0.1}, r"funding must be for one of A, got 'C'"),
        (pd.Series([0.1]), r"settlements must stand on a DatetimeIndex, got int64 in A"),
        (settlements([], []), r"at least one settlement, got none in A"),
        (
            settlements(["2020-01-01"], [np.nan]),
            r"must be finite, got nan at 2020-01-01 .* in A \(row 0\)",
        ),
        (settlements(["2020-01-01"], [-np.inf]), r"must be finite, got -inf at 2020-01-01"),
        (settlements(["2020-01-01"], ["0.1"]), r"funding rates must be numbers, got str in A"),
        (
            settlements(["2020-01-01", "2020-01-01 00:00:00.005"], [0.1, 0.1]),
            r"must be given once, got two at 2020-01-01 00:00 in A \(row 1\)",
        ),
        (settlements(["2021-01-01"], [0.1]), r"between the first and the last bar, got 2021-01-01 00:00 to"),
        (settlements(["2019-01-01"], [0.1]), r"between the first and the last bar, got 2019-01-01 00:00 to"),
    ],
)
def test_bad_rates(rate: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Bars.from_frames({"A": made(24)}).with_funding(rate)


@pytest.mark.parametrize("every", ["0h", "-8h", "month", None])
def test_bad_intervals(every: object) -> None:
    with pytest.raises(ConfigError, match=r"every must be"):
        Bars.from_frames({"A": made(24)}).with_funding(0.1, every=every)
