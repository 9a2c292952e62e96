"""Settings that are refused before any bar is replayed, each in one sentence."""

import copy
import inspect
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from scenes import bars_of, venue_of

import backtest as bt
from backtest.errors import ConfigError, DataError, MarginError

BARS = bars_of([100, 100, 100])
ONES = np.ones(3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cash": 0}, r"Account\.cash must be greater than 0, got 0"),
        ({"cash": math.nan}, r"Account\.cash must be a finite number, got nan"),
        ({"cash": math.inf}, r"Account\.cash must be a finite number, got inf"),
        ({"leverage": 0.5}, r"Account\.leverage must be greater than or equal to 1, got 0\.5"),
        ({"leverage": "many"}, r"Account\.leverage must be a valid number, got 'many'$"),
        ({"leverage": "9" * 400}, r"Account\.leverage must be a finite number, got '9{59}\.\.\.$"),
        ({"leverage": pd.Series([1, 2])}, r"Account\.leverage must be a valid number, got 0 1 1 2 dtype: int64$"),
        ({"leverage": True}, r"Account\.leverage must not be true or false, got True"),
        ({"stop_loss": np.bool_(False)}, r"Account\.stop_loss must not be true or false, got False"),
        ({"margin_mode": "both"}, r"Account\.margin_mode must be 'isolated' or 'cross', got 'both'"),
        ({"stop_loss": 0}, r"Account\.stop_loss must be greater than 0, got 0"),
        ({"stop_loss": 5}, r"Account\.stop_loss must be less than 1, got 5"),
        ({"take_profit": -0.1}, r"Account\.take_profit must be greater than 0, got -0\.1"),
        ({"levrage": 3}, r"Account\.levrage is not a setting of Account"),
        ({"reserve": -1}, r"Account\.reserve must be greater than or equal to 0, got -1"),
        ({"reserve": True}, r"Account\.reserve must not be true or false, got True"),
        ({"currency": "BTC"}, r"Account\.currency must be 'quote' or 'base', got 'BTC'"),
        (
            {"on_liquidation": "continue"},
            r"on_liquidation must be 'wait', 'reenter', 'stop' or 'refill', got 'continue'",
        ),
        ({"reentry": "refill"}, r"Account\.reentry must be 'signal' or 'bar', got 'refill'"),
        (
            {"reentry": "never"},
            r"^Account\.reentry must be 'signal' or 'bar', got 'never'; what follows a liquidation is "
            r"on_liquidation=\"stop\" \(--on-liquidation stop in the shell\)$",
        ),
    ],
)
def test_account_refuses(settings, message):
    with pytest.raises(ConfigError, match=message):
        bt.Account(**settings)


def test_numbers_may_be_written_as_text():
    assert bt.Account(leverage="10").leverage == 10.0


def test_an_account_waits_after_a_liquidation_and_has_no_reserve():
    account = bt.Account()
    assert (account.on_liquidation, account.reserve, account.currency, account.reentry) == (
        "wait",
        0.0,
        "quote",
        "signal",
    )
    for name in ("wait", "reenter", "stop", "refill"):
        assert bt.Account(on_liquidation=name).on_liquidation == name


def test_settings_are_frozen():
    account = bt.Account()
    with pytest.raises(ConfigError, match=r"^Account is frozen, so leverage cannot be set; model_copy"):
        account.leverage = 3
    with pytest.raises(ConfigError, match=r"^Account is frozen, so leverage cannot be deleted$"):
        del account.leverage
    assert account == bt.Account()


def test_settings_are_given_by_name():
    with pytest.raises(ConfigError, match=r"^settings of Account are given by name \(cash=\.\.\.\), got 10000$"):
        bt.Account(10_000)


def test_a_changed_copy_is_as_valid_as_any_other():
    account = bt.Account(cash=500)
    assert account.model_copy(update={"leverage": 3}) == bt.Account(cash=500, leverage=3)
    assert account.model_copy() == account
    with pytest.raises(ConfigError, match=r"Account\.leverage must be greater than or equal to 1, got 0\.5"):
        account.model_copy(update={"leverage": 0.5})
    with pytest.raises(MarginError, match="below 1 / max_leverage"):
        venue_of().model_copy(update={"fee_in_maintenance": 0.5})


CALL = bt.MarginCall(level=1.25, grace=2, deposit="reserve", close_below=1.1)


@pytest.mark.parametrize(
    "settings",
    [bt.Account(leverage=3), venue_of(), venue_of().tiers[0], CALL, venue_of(call=CALL, target_ratio=1.5)],
)
def test_settings_survive_copies_and_pickling(settings):
    assert copy.copy(settings) == copy.deepcopy(settings) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301


def test_the_text_of_an_account_says_what_it_is():
    assert str(bt.Account(cash=5)).startswith("Account(cash=5.0, leverage=1.0, margin_mode='isolated'")


def test_the_signature_is_names_and_defaults():
    expected = "(*, floor, maintenance_rate, max_leverage, short_maintenance_rate=None, cap=None)"
    assert str(inspect.signature(bt.Tier)) == expected
    assert str(inspect.signature(bt.MarginCall)) == "(*, level, grace=0, deposit=None, close_below=1.0)"
    assert str(inspect.signature(bt.Account)).startswith("(*, cash=10000.0, leverage=1.0, margin_mode='isolated',")


def test_leverage_above_the_first_tier_is_refused_and_at_it_is_replayed():
    with pytest.raises(
        MarginError, match="leverage must be at most 125, the first tier's max_leverage, got 126 for S0"
    ):
        bt.run(BARS, ONES, account=bt.Account(leverage=126), venue=venue_of())
    assert len(bt.run(BARS, ONES, account=bt.Account(leverage=125), venue=venue_of()).fills) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"bars": 5},
            DataError,
            "bars must be Bars, from read_bars or Bars.from_frames, or the path of a history, got int",
        ),
        ({"bars": "btc.parquet"}, DataError, r"there must be a file or a folder, got none at btc\.parquet"),
        ({"venue": "binance_usdm"}, ConfigError, r"venue must be a Venue, such as venue\('binance_usdm'\), got str"),
        ({"account": {"leverage": 3}}, ConfigError, "account must be an Account, got dict"),
        ({"params": {"fast": 20}}, ConfigError, "params need a Strategy to take them, got signals of type ndarray"),
        ({"signals": ONES[:2]}, DataError, "signals"),
        ({"signals": ONES * 1.01}, DataError, r"1\.01"),
    ],
)
def test_run_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        bt.run(**{"bars": BARS, "signals": ONES, "venue": venue_of(), **arguments})


@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_a_stop_beyond_the_liquidation_is_warned_of(margin_mode):
    # a short at 10x and 0.4 % maintenance is liquidated (0.1 - 0.004) / 1.004 = 9.562 % above its entry
    def run(stop_loss):
        account = bt.Account(leverage=10, margin_mode=margin_mode, stop_loss=stop_loss)
        return bt.run(BARS, ONES, account=account, venue=venue_of())

    with pytest.warns(UserWarning, match=r"stop_loss must be below .* got 0\.0957 >= 0\.09562 for S0 at 10x"):
        run(0.0957)
    run(0.0956)
