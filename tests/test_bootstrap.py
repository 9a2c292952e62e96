"""The stationary bootstrap: block lengths and intervals against printed figures, exact variances and coverage."""

import math

import numpy as np
import pandas as pd
import pytest
from frames import DATA

from backtest.outcome.bootstrap import block_length, interval_of, resampled_means, widening


def autoregression(coefficient, count):
    """Return x[t] = coefficient x[t - 1] + sin(t * t), with which no generator of random numbers is concerned."""
    values, value = [], 0.0
    for t in range(count):
        value = coefficient * value + math.sin(t * t)
        values.append(value)
    return np.array(values)


def daily_log_returns():
    close = pd.read_parquet(DATA / "btcusdt_1h.parquet").set_index("timestamp")["close"].resample("1D").last()
    return np.log(close).diff().dropna().to_numpy(np.float64, copy=True)


# optimal_block_length(x)["stationary"] of arch 8.0.0 on 2026-09
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (daily_log_returns(), 3.0729613158228553),
        (np.abs(daily_log_returns()), 74.34990344372784),
        (autoregression(0.5, 365), 7.941453538945843),
        (autoregression(0.9, 730), 20.812630870500815),
        (autoregression(-0.5, 100), 9.104628340958635),
        (autoregression(0.0, 200), 1.0937675788069874),
    ],
)
def test_block_lengths_are_those_of_arch(values, expected):
    assert block_length(values) == pytest.approx(expected, rel=1e-12)


def slow_block_length(values):
    """Return the formulas of Politis and White (2004) and of the correction, term by term."""
    count = len(values)
    mean = math.fsum(values) / count

    def covariance(lag):
        lag = abs(lag)
        return math.fsum((values[t] - mean) * (values[t + lag] - mean) for t in range(count - lag)) / count

    furthest = min(math.ceil(math.sqrt(count)) + 5, count - 1)
    band = 2 * math.sqrt(math.log10(count) / count)
    first = next(
        (k for k in range(1, furthest - 3) if all(abs(covariance(k + j) / covariance(0)) < band for j in range(5))),
        furthest,
    )
    reach = min(2 * first, furthest)

    def window(lag):
        return 1 if abs(lag / reach) <= 0.5 else 2 * (1 - abs(lag / reach))

    lags = range(-reach, reach + 1)
    slope = math.fsum(window(k) * abs(k) * covariance(k) for k in lags)
    spectrum = math.fsum(window(k) * covariance(k) for k in lags)
    optimum = (2 * slope**2 / (2 * spectrum**2)) ** (1 / 3) * count ** (1 / 3)
    return min(max(optimum, 1), math.ceil(min(3 * math.sqrt(count), count / 3)))


@pytest.mark.parametrize("count", [2, 3, 5, 6, 7, 8, 12, 40, 90])
@pytest.mark.parametrize("coefficient", [-0.8, 0.0, 0.3, 0.95])
def test_block_lengths_follow_the_formulas(coefficient, count):
    values = autoregression(coefficient, count)
    assert block_length(values) == pytest.approx(slow_block_length(values.tolist()), rel=1e-9)


def test_a_block_is_at_least_a_day_and_at_most_a_third_of_a_short_series():
    assert block_length(autoregression(0.5, 12)) == 1.0  # arch: 0.4968
    assert block_length(autoregression(-0.9, 30)) == 10.0
    assert block_length(np.sin(np.arange(400) * math.pi / 3)) == 60.0  # 3 sqrt(400)


def test_equal_values_are_one_day_long_and_certain():
    assert np.full(731, 0.1).mean() != 0.1  # rounding, which is no series
    assert block_length(np.full(731, 0.1)) == 1.0
    assert interval_of(np.zeros(400), 500, 0.95, 0) == (0.0, 0.0, 0.0, 1.0)
    low, high, share, _ = interval_of(np.full(400, 0.1), 500, 0.95, 0)
    assert (low, high, share) == (pytest.approx(0.1, rel=1e-12), pytest.approx(0.1, rel=1e-12), 1.0)


def test_a_single_day_says_nothing():
    interval = interval_of(np.array([0.02]), 500, 0.95, 0)
    assert all(math.isnan(value) for value in interval[:3])


@pytest.mark.parametrize(
    ("values", "block", "low", "high"),
    [
        (autoregression(0.5, 365), 5.0, -0.11983854, 0.1330395),
        (daily_log_returns(), 3.0729613158228553, -0.00115997, 0.00250883),
    ],
)
def test_resamples_spread_as_those_of_arch(values, block, low, high):
    """StationaryBootstrap(block, x, seed=1).conf_int(mean, reps=100_000, method="percentile") of arch 8.0.0."""
    means = resampled_means(values, block, 20_000, np.random.default_rng(0))
    found = np.quantile(means, [0.025, 0.975])
    np.testing.assert_allclose(found, [low, high], atol=0.02 * (high - low))


@pytest.mark.parametrize("block", [1.0, 2.5, 20.0])
def test_resampled_means_have_the_exact_variance(block):
    """Politis and Romano (1994), lemma 1: the variance over all resamples, in circular autocovariances."""
    values = autoregression(0.6, 50)
    count, deviation = len(values), values - values.mean()
    circular = [float(deviation @ np.roll(deviation, -lag)) / count for lag in range(count)]
    exact = circular[0] + 2 * sum((1 - k / count) * (1 - 1 / block) ** k * circular[k] for k in range(1, count))
    means = resampled_means(values, block, 40_000, np.random.default_rng(3))
    assert means.mean() == pytest.approx(values.mean(), abs=4 * math.sqrt(exact / count / 40_000))
    assert means.var() * count == pytest.approx(exact, rel=0.03)  # four standard errors of a variance


# Student's t at 97.5 % and 95 %, from any table
@pytest.mark.parametrize(
    ("blocks", "confidence", "student", "normal", "tolerance"),
    [
        (11, 0.95, 2.228139, 1.959964, 1e-4),
        (31, 0.95, 2.042272, 1.959964, 1e-6),
        (6, 0.90, 2.015048, 1.644854, 1e-4),
        (101, 0.99, 2.625891, 2.575829, 1e-6),
        (3, 0.95, 4.302653, 1.959964, 0.03),
    ],
)
def test_an_interval_is_widened_as_student_says(blocks, confidence, student, normal, tolerance):
    expected = math.sqrt(blocks / (blocks - 1)) * student / normal
    assert widening(blocks, confidence) == pytest.approx(expected, rel=tolerance)


def test_an_interval_is_the_widened_percentile_interval():
    values = autoregression(0.5, 365)
    block = block_length(values)
    means, centre = resampled_means(values, block, 500, np.random.default_rng(9)), values.mean()
    low, high = centre + widening(365 / block, 0.9) * (np.quantile(means, [0.05, 0.95]) - centre)
    found = interval_of(values, 500, 0.9, 9)
    assert found == (pytest.approx(low), pytest.approx(high), float((means > 0).mean()), block)
    assert found.low < values.mean() < found.high


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    values = autoregression(0.5, 365)
    first, again, other = (interval_of(values, 300, 0.95, seed) for seed in (4, 4, 5))
    assert np.array(first).tobytes() == np.array(again).tobytes()
    assert first != other


@pytest.mark.parametrize("count", [20, 120])
def test_an_interval_holds_the_mean_about_as_often_as_it_says(count):
    """Of 95 % intervals of normal series 95 % were found to; three standard errors below that fail."""
    held, random = 0, np.random.default_rng(count)
    for seed in range(200):
        interval = interval_of(random.normal(0.1, 1.0, count), 300, 0.95, seed)
        held += interval.low <= 0.1 <= interval.high
    assert held / 200 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)
    assert held < 200


def test_days_that_depend_on_each_other_make_the_interval_wider():
    values = autoregression(0.9, 730)
    shuffled = np.random.default_rng(0).permutation(values)
    dependent, independent = (interval_of(each, 500, 0.95, 0) for each in (values, shuffled))
    assert dependent.high - dependent.low > 1.5 * (independent.high - independent.low)
