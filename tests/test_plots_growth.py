"""What figures of sweeps take from its rows: growth, its best value, what lies between values, and ruin."""

import numpy as np
import pandas as pd
import pytest
from plotted import table_of

from backtest.plots.growth import edge, growth_at, growth_by_value, log_growth, optimum, share_ruined

NAN = np.nan


def rows_of(*growth):
    """Return rows of leverage 1, 2, 3 and so on."""
    return table_of([{"leverage": 1.0 + k} for k in range(len(growth))], growth)


def test_log_growth_of_an_account_that_lost_all_is_not_defined():
    given = np.array([0.0, np.e - 1, -0.5, -1.0, NAN])
    np.testing.assert_allclose(log_growth(given), [0.0, 1.0, -np.log(2), NAN, NAN], rtol=1e-15)
    assert given[3] == -1.0


@pytest.mark.parametrize(
    ("growth", "best", "end"),
    [
        ((0.1, 0.3, 0.2), (1, 2.0, 0.3), ""),
        ((0.1, 0.3, 0.3, 0.2), (1, 2.0, 0.3), ""),
        ((NAN, 0.1, 0.2), (2, 3.0, 0.2), "highest"),
        ((-0.1, -0.2), (0, 1.0, -0.1), "lowest"),
        ((0.4,), (0, 1.0, 0.4), ""),
        ((NAN, NAN), None, ""),
        ((), None, ""),
    ],
)
def test_the_best_value_is_the_lowest_of_equal_ones(growth, best, end):
    assert optimum(rows_of(*growth), "leverage") == best
    assert edge(rows_of(*growth), "leverage") == end


def test_growth_between_values_and_below_the_first():
    rows = rows_of(0.1, 0.2, 0.4)
    assert growth_at(rows, "leverage", 2.5) == pytest.approx(0.3, rel=1e-15)
    assert growth_at(rows, "leverage", 1.0) == 0.1
    assert np.isnan(growth_at(rows, "leverage", 0.99))


def test_growth_is_found_by_value():
    rows = rows_of(0.1, 0.2, 0.4)[::-1]
    rows = pd.concat([rows, rows.assign(cagr=9.0)])
    wanted = pd.Series([2.0, 5.0, 1.0], index=[7, 8, 9])
    np.testing.assert_array_equal(growth_by_value(rows, "leverage", wanted), [0.2, NAN, 0.1])


def test_the_share_of_ruin():
    rows = table_of([{"leverage": a, "fast": b} for a in (1.0, 2.0) for b in (1, 2)], [0.1, -1.0, -1.0, -1.0])
    assert share_ruined(rows, "leverage").to_dict() == {1.0: 0.5, 2.0: 1.0}
