"""A hedged pair on real days: how often the joint worst of a day cries wolf, and what its half-hours say."""

from pathlib import Path

import numpy as np
import pytest

import backtest as bt
from backtest.ambiguity import bracket

DATA = Path(__file__).parents[1] / "data"
FILES = [DATA / "btcusd_30m.parquet", DATA / "ethusd_30m.parquet"]
VENUE = bt.Venue(tiers=[bt.Tier(floor=0, maintenance_rate=0.005, max_leverage=100)], taker_fee=0.0005)


@pytest.fixture(scope="module")
def halves():
    return bt.read_bars(FILES)


def hedge(bars, rows, long):
    """Return signals that are a little different at each of the rows: half of the leverage long, half short."""
    size = 0.5 - 2.0**-20 * (np.arange(len(rows)) % 2)
    targets = np.full(bars.shape, np.nan)
    targets[rows, bars.symbols.index(long)] = size
    targets[rows, 1 - bars.symbols.index(long)] = -size
    return targets


def days(table, *verdicts):
    """Return the days that have one of the verdicts, any where none is named."""
    kept = table["verdict"].isin(verdicts) if verdicts else np.full(len(table), True)
    return set(table["time"][kept].dt.floor("1D"))


# Every day begins with the same leverage on an account that is filled up after a liquidation, so that each is a trial.
@pytest.mark.parametrize(
    ("long", "leverage", "alarms", "certain", "happened", "averted", "left", "in_halves"),
    [
        ("BTCUSD", 6, 0, 0, 0, 0, 0, 0),
        ("BTCUSD", 8, 10, 0, 1, 8, 1, 2),
        ("BTCUSD", 10, 24, 1, 2, 19, 2, 5),
        ("BTCUSD", 12, 49, 4, 3, 35, 7, 14),
        ("ETHUSD", 8, 11, 1, 0, 9, 1, 2),
        ("ETHUSD", 10, 20, 2, 0, 17, 1, 3),
    ],
)
def test_the_joint_worst_of_a_day_alarms_too_often(
    halves, long, leverage, alarms, certain, happened, averted, left, in_halves
):
    daily = halves.resample("1D")
    account = bt.Account(leverage=leverage, margin_mode="cross", on_liquidation="refill")
    found = bracket(daily, hedge(daily, np.arange(len(daily)), long), venue=VENUE, account=account, detail=FILES)
    table = found.liquidations
    counted = [len(days(table, verdict)) for verdict in ("certain", "happened", "averted", "possible")]
    assert [len(days(table)), *counted] == [alarms, certain, happened, averted, left]
    assert (found.settled, found.ambiguous) == (happened + averted, left)
    # the replay on half-hours, ordered at the same opens, liquidates on the days that are left over, and on no other
    last = np.flatnonzero(np.diff(halves.time.floor("1D").asi8, append=0))
    inner = bracket(halves, hedge(halves, last, long), venue=VENUE, account=account).liquidations
    died = days(inner)
    assert died == days(table, "certain", "happened", "possible")
    assert len(died) == in_halves
    # of which it is itself sure where the day's verdict is
    assert days(inner, "certain") <= days(table, "certain", "happened", "possible")
    if alarms:
        assert 3.5 <= alarms / in_halves <= alarms / (certain + happened) <= 20


def test_a_day_with_missing_half_hours_is_left_alone(halves):
    daily = halves.resample("1D")
    account = bt.Account(leverage=30, margin_mode="cross", on_liquidation="refill")
    found = bracket(daily, hedge(daily, np.arange(len(daily)), "BTCUSD"), venue=VENUE, account=account, detail=halves)
    whole = halves.present.all(axis=1) if len(halves.present) else np.full(len(halves), True)
    count = np.bincount((halves.time.asi8[whole] - daily.time.asi8[0]) // 86_400_000_000_000, minlength=len(daily))
    gappy = {time for time, bars in zip(daily.time, count, strict=True) if bars < 48}
    touched = days(found.liquidations) & gappy
    assert touched
    assert not touched & days(found.liquidations, "happened", "averted")
