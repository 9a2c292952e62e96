"""A result as an object: independent frames, copies for other processes, and what it says of its inputs."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, play, venue_of

import backtest as bt
from backtest.outcome.sources import FRAMES

BARS = bars_of([100, 100, (100, 100, 85, 98), 98, 120], funding=[[0, 0, 0.001, 0, 0]])


def result(signals=(0.5, np.nan, 0.25, 1.0, 0.0), leverage=5):
    return bt.run(BARS, np.array(signals), account=bt.Account(leverage=leverage), venue=venue_of(taker_fee=0.001))


def test_editing_a_frame_changes_no_other():
    untouched, edited = result(), result()
    edited.history.iloc[-1, 0] = 1e6
    edited.equity.iloc[0] = 1e6
    edited.fills.loc[0, "price"] = 1e6
    edited.trades.loc[0, "pnl"] = 1e6
    assert edited.summary.equals(untouched.summary)
    assert untouched.history["equity"].iloc[-1] == untouched.equity.iloc[-1]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda kept: pickle.loads(pickle.dumps(kept))])  # noqa: S301
def test_copies_are_equal_before_and_after_they_are_looked_at(duplicate):
    kept = result()
    for other in (duplicate(kept), duplicate(kept)):
        for name in FRAMES:
            pd.testing.assert_frame_equal(getattr(other, name), getattr(kept, name))
        assert other.summary.equals(kept.summary)


def test_bars_venue_and_account_can_go_to_another_process():
    for value in (BARS, bt.venue("binance_usdm"), bt.Account(leverage=3)):
        other = pickle.loads(pickle.dumps(value))  # noqa: S301
        assert repr(other) == repr(value)
    moved = pickle.loads(pickle.dumps(BARS))  # noqa: S301
    assert moved.mark is moved.trade
    assert moved.fingerprint == BARS.fingerprint


def test_the_description_tells_signals_apart():
    assert result().description["signals"] == result().description["signals"]
    assert result().description["signals"] != result((-0.5, np.nan, 0.25, 1.0, 0.0)).description["signals"]
    # a NaN keeps the last signal, which is the same as saying it again
    assert result().description["signals"] == result((0.5, 0.5, 0.25, 1.0, 0.0)).description["signals"]
    assert result().description["data"]["funding"] is True
    assert result().description["data"]["fingerprint"] == BARS.fingerprint


def test_frames_are_by_time(tmp_path):
    result().save(tmp_path / "run")
    for kept in (result(), bt.load(tmp_path / "run")):
        assert kept.history.index.name == "time"
        assert kept.equity.index.name == "time"
        assert kept.history.reset_index().columns[0] == "time"


def test_repr_says_how_it_ended():
    assert repr(result()).startswith("Result(bars 5, total_return ")


def test_what_rounding_leaves_of_a_lost_account_is_nothing():
    lost = play(bars_of([100, 100, (100, 100, 50, 60), 60]), "1 . . .", leverage=10, liquidation_fee=0.01)
    assert lost.equity.iloc[-1] == pytest.approx(0, abs=1e-9)
    assert lost.summary["cagr"] == -1
    assert lost.summary["ruined"]


def test_a_folder_stood_in_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bt.DataError, match="another folder than the one stood in, got \\."):
        result().save(".")


@pytest.mark.parametrize("folder", [None, 5, "", "a\0b"])
def test_what_is_no_folder_is_refused(folder):
    with pytest.raises(bt.DataError, match="a run must be saved to a folder, got "):
        result().save(folder)
    with pytest.raises(bt.DataError, match="a run must be loaded from a folder, got "):
        bt.load(folder)


def test_params_must_be_a_dict():
    with pytest.raises(bt.ConfigError, match="params must be a dict of values by name, got int"):
        bt.run(BARS, np.zeros(5), params=5, venue=venue_of())
