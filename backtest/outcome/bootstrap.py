"""How sure the mean of a series of days is: the stationary bootstrap, with a block length that the series chooses.

Days depend on each other, so whole blocks of them are drawn again, of geometric lengths, from a series that is closed
into a circle: Politis and Romano, "The Stationary Bootstrap", Journal of the American Statistical Association 89
(1994), section 2. The expected length is that of Politis and White, "Automatic Block-Length Selection for the
Dependent Bootstrap", Econometric Reviews 23 (2004), corrected by Patton, Politis and White, Econometric Reviews 28
(2009). Block lengths are those of the package `arch` 8.0.0 wherever both find the same lags to matter.

Coverage of 95 % intervals, measured on 1000 series of each kind, 1000 resamples each:

| days | normal | Student t(3) | exponential | GARCH(1, 1) | AR(1) of 0.2 | AR(1) of 0.5 | AR(1) of -0.3 | rare jumps |
| ---: | -----: | -----------: | ----------: | ----------: | -----------: | -----------: | ------------: | ---------: |
|   10 |   96.5 |         96.1 |        92.2 |        96.0 |         90.6 |         78.3 |          99.2 |       96.6 |
|   30 |   95.0 |         94.6 |        93.2 |        94.6 |         91.3 |         85.7 |          98.2 |       94.5 |
|   90 |   95.1 |         94.8 |        94.1 |        93.8 |         91.0 |         88.6 |          96.3 |       94.6 |
|  365 |   96.1 |         95.0 |        95.4 |        94.4 |         93.8 |         93.3 |          95.9 |       94.0 |
|  730 |   94.1 |         94.5 |        95.2 |        94.5 |         93.7 |         92.6 |          95.4 |       94.7 |

(Jumps: ten are expected in a series.) What happened once is beyond any bootstrap: of a single ruin about a third of the
resamples hold none, and none holds a ruin of another size.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from backtest.kernels.schema import Float64Array1D

__all__ = ["Interval", "block_length", "interval_of"]

RUN = 5  # lags in a row without correlation; max(5, sqrt(log10 N)) is 5 for any series


class Interval(NamedTuple):
    """What resamples say of the mean of a series; NaN where a single day says nothing."""

    low: float
    high: float
    share_above_zero: float  # of the resamples
    block: float  # expected length, days


def interval_of(values: Float64Array1D, resamples: int, confidence: float, seed: int) -> Interval:
    """Return the percentile interval of the mean, widened for the number of blocks there are.

    Parameters
    ----------
    values : ndarray           (N,), a value a day
    resamples : int            at least 1
    confidence : float         in (0, 1)
    seed : int                 of numpy's default generator: the same seed, the same interval
    """
    if len(values) < 2:
        return Interval(math.nan, math.nan, math.nan, 1.0)
    block = block_length(values)
    means = resampled_means(values, block, resamples, np.random.default_rng(seed))
    centre, wider = float(values.mean()), widening(len(values) / block, confidence)
    low, high = np.quantile(means, [0.5 - confidence / 2.0, 0.5 + confidence / 2.0])
    share = float((means > 0.0).mean())
    return Interval(centre + wider * (float(low) - centre), centre + wider * (float(high) - centre), share, block)


def block_length(values: Float64Array1D) -> float:
    """Return the expected block length at which the variance of the resampled mean is estimated best, at least 1.

    Source: Politis and White (2004), equation (6) with G and g(0) estimated through the flat-top lag window, the band
    of footnote c on page 59 (twice the root of log10 N / N), and D = 2 g(0)^2 of correction 1 of Patton, Politis and
    White (2009). As in the program of A. Patton, the window reaches to twice the first of RUN lags in the band, at
    most to ceil(sqrt(N)) + RUN, and a block is at most ceil(min(3 sqrt(N), N / 3)) long.
    """
    count = len(values)
    furthest = min(math.ceil(math.sqrt(count)) + RUN, count - 1)
    covariance = autocovariances(values, furthest)
    if covariance[0] <= 0.0:
        return 1.0
    in_band = np.abs(covariance) < 2.0 * math.sqrt(math.log10(count) / count) * covariance[0]
    first = next((k for k in range(1, furthest - RUN + 2) if in_band[k : k + RUN].all()), furthest)
    lag = np.arange(1, min(2 * first, furthest) + 1)
    window = np.minimum(1.0, 2.0 * (1.0 - lag / lag[-1]))
    slope = 2.0 * float((window * lag) @ covariance[1 : len(lag) + 1])
    spectrum = float(covariance[0] + 2.0 * (window @ covariance[1 : len(lag) + 1]))
    longest = float(math.ceil(min(3.0 * math.sqrt(count), count / 3.0)))
    if spectrum == 0.0:
        return longest
    optimum = math.cbrt((slope / spectrum) ** 2 * count)
    return min(max(optimum, 1.0), longest)


def autocovariances(values: Float64Array1D, furthest: int) -> Float64Array1D:
    """Return the autocovariances of lags 0 to `furthest`, each a sum over N."""
    count = len(values)
    # The mean of equal values may differ from them by rounding, and noise would be taken for a series.
    deviation = values - (values[0] if np.ptp(values) == 0.0 else values.mean())
    return np.array([deviation[lag:] @ deviation[: count - lag] for lag in range(furthest + 1)]) / count


def resampled_means(
    values: Float64Array1D, block: float, resamples: int, random: np.random.Generator
) -> Float64Array1D:
    """Return the mean of every resample: a day follows its neighbour, or with probability 1 / block starts anew."""
    count = len(values)
    position = random.integers(count, size=resamples)
    total: Float64Array1D = values[position]
    for _ in range(count - 1):
        starts = random.random(resamples) * block < 1.0
        position = np.where(starts, random.integers(count, size=resamples), (position + 1) % count)
        total += values[position]
    return total / count


def widening(blocks: float, confidence: float) -> float:
    """Return by how much an interval of resamples is too narrow: it lacks the spread of the variance it estimates.

    sqrt(B / (B - 1)) t / z for B blocks, with Student's t of B - 1 degrees of freedom. Source: Hesterberg, "What
    Teachers Should Know About the Bootstrap", The American Statistician 69 (2015), on the narrowness bias; t in terms
    of the normal z by Abramowitz and Stegun, 26.7.5.
    """
    z, freedom = NormalDist().inv_cdf(0.5 + confidence / 2.0), blocks - 1.0
    terms = (
        (z**3 + z) / 4.0,
        (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0,
        (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0,
        (79.0 * z**9 + 776.0 * z**7 + 1482.0 * z**5 - 1920.0 * z**3 - 945.0 * z) / 92160.0,
    )
    student = z + sum(term / freedom**power for power, term in enumerate(terms, 1))
    return math.sqrt(blocks / freedom) * student / z
