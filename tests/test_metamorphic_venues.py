"""What must not change when a venue's rules are told in another way."""

import numpy as np
import pandas as pd
import pytest
from comparison import assert_same_bits, check_ledger
from wild import market_of, signals_of

import backtest as bt

TIERS = [
    bt.Tier(floor=0, maintenance_rate=0.02, max_leverage=16),
    bt.Tier(floor=4_000, maintenance_rate=0.04, max_leverage=10),
    bt.Tier(floor=20_000, maintenance_rate=0.06, max_leverage=8),
]
RATES = {"taker_fee": 0.0005, "slippage": 0.0002, "liquidation_fee": 0.01, "liquidation_slippage": 0.001}
MODES = pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
MONEY = ["equity", "equity_low", "wallet", "margin", "initial_margin", "maintenance_margin", "notional", "realised"]


def run(frames, signals, *, leverage=8.0, margin_mode="isolated", on_liquidation="reenter", **rules):
    """Return a replay, its ledger checked; settings of the account are those of the signature."""
    account = {name: rules.pop(name) for name in list(rules) if name in bt.Account.model_fields}
    settings = bt.Account(leverage=leverage, margin_mode=margin_mode, on_liquidation=on_liquidation, **account)
    venue = bt.Venue(**{"tiers": TIERS, **RATES, **rules})
    result = bt.run(bt.Bars.from_frames(frames), signals, account=settings, venue=venue)
    check_ledger(result, settings.cash)
    return result


def table_of(frame, **columns):
    """Return a table of signals on the times of a frame."""
    return pd.DataFrame(columns, index=frame.index, dtype=np.float64)


@SEEDS
@MODES
def test_a_call_without_grace_is_a_full_close(seed, margin_mode):
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    plain = run(frames, signals, margin_mode=margin_mode)
    called = run(frames, signals, margin_mode=margin_mode, call=bt.MarginCall(level=1.0, grace=0))
    assert len(plain.liquidations) > 2
    for name in ("history", "fills", "liquidations", "orders", "trades"):
        assert getattr(called, name).equals(getattr(plain, name)), name
    events = plain.liquidations.groupby(["time", "joint"] if margin_mode == "cross" else ["time", "symbol"]).ngroups
    assert (called.calls["event"] == "forced").all()
    assert len(called.calls) == events


@SEEDS
@MODES
def test_a_grace_that_ends_at_once_is_a_full_close(seed, margin_mode):
    # the second level is the first: what is called is closed at the same point
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    plain = run(frames, signals, margin_mode=margin_mode)
    call = bt.MarginCall(level=1.0, grace=5, deposit="none", close_below=1.0)
    called = run(frames, signals, margin_mode=margin_mode, call=call)
    for name in ("history", "fills", "liquidations"):
        assert getattr(called, name).equals(getattr(plain, name)), name
    assert {"call", "forced", "cure"} == set(called.calls["event"])


@SEEDS
@MODES
def test_with_one_tier_a_step_down_is_a_full_close(seed, margin_mode):
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    full, stepped = (
        run(frames, signals, tiers=TIERS[:1], margin_mode=margin_mode, liquidation=policy)
        for policy in ("full", "step_down")
    )
    assert len(full.liquidations) > 1
    assert_same_bits(full, stepped)


@SEEDS
@MODES
def test_a_share_of_all_is_a_full_close(seed, margin_mode):
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    full = run(frames, signals, margin_mode=margin_mode)
    assert_same_bits(full, run(frames, signals, margin_mode=margin_mode, liquidation="share", liquidation_share=1.0))
    above = {"liquidation_share": 0.25, "liquidation_floor": 1e12}
    assert_same_bits(full, run(frames, signals, margin_mode=margin_mode, liquidation="share", **above))


@SEEDS
@MODES
def test_a_target_that_nothing_reaches_is_a_full_close(seed, margin_mode):
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    full = run(frames, signals, margin_mode=margin_mode)
    assert_same_bits(full, run(frames, signals, margin_mode=margin_mode, liquidation="restore", target_ratio=1e12))


@SEEDS
def test_alone_every_order_of_a_cross_account_is_the_same(seed):
    frames, signals = market_of(seed, 1), np.sign(signals_of(seed, 1))
    rules = {"margin_mode": "cross", "liquidation": "step_down"}
    one, *others = (
        run(frames, signals, **rules, liquidation_order=order)
        for order in ("everything", "largest_loss", "largest_maintenance")
    )
    assert one.liquidations["partial"].any()
    for other in others:
        assert_same_bits(one, other)


@SEEDS
@MODES
def test_an_inverse_position_is_its_linear_twin_in_coin(seed, margin_mode):
    frame = market_of(seed, 1)["S0"][["open", "high", "low", "close"]]
    turned = pd.DataFrame(
        {"open": 1 / frame["open"], "high": 1 / frame["low"], "low": 1 / frame["high"], "close": 1 / frame["close"]}
    )
    signals = np.sign(signals_of(seed, 1))
    rules = {"slippage": 0.0, "liquidation_slippage": 0.0, "margin_mode": margin_mode, "liquidation": "step_down"}
    coin = run({"S0": frame}, signals, contract="inverse", currency="base", cash=10_000.0, **rules)
    twin = run({"S0": turned}, -signals, **rules)
    assert len(coin.liquidations) > 2
    assert coin.history.equals(twin.history)
    assert (coin.fills["quantity"] == -twin.fills["quantity"]).all()
    assert np.allclose(coin.fills["price"], 1 / twin.fills["price"], rtol=1e-15)
    assert set(coin.trades["side"]) == {"long", "short"}
    assert (coin.trades["side"] != twin.trades["side"]).all()


@MODES
@pytest.mark.parametrize("intrabar", ["worst", "path", "best"])
def test_hedge_legs_that_cancel_earn_nothing(margin_mode, intrabar):
    frame = market_of(1, 1)["S0"].drop(columns="funding_rate")
    legs = table_of(frame, target_long=[0.05] * len(frame), target_short=[0.05] * len(frame))
    free = dict.fromkeys(RATES, 0.0)
    result = run({"S0": frame}, legs, margin_mode=margin_mode, intrabar=intrabar, leverage=1.0, sizing="cash", **free)
    assert result.liquidations.empty
    assert len(result.fills) == 2
    assert np.allclose(result.equity, 10_000.0, rtol=1e-13)
    assert np.allclose(result.history["equity_low"], 10_000.0, rtol=1e-13)
    costly = run({"S0": frame}, legs, margin_mode=margin_mode, intrabar=intrabar, leverage=1.0, sizing="cash",
                 **{**free, "taker_fee": 0.001})  # fmt: skip
    assert np.allclose(costly.equity.iloc[1:], 10_000.0 - costly.fills["fee"].sum(), rtol=1e-13)


@SEEDS
@MODES
def test_one_leg_of_a_hedge_is_a_plain_position(seed, margin_mode):
    frames, signals = market_of(seed, 1), np.abs(signals_of(seed, 1))
    plain = run(frames, signals, margin_mode=margin_mode, stop_loss=0.05)
    for sign, name in ((1.0, "target_long"), (-1.0, "target_short")):
        leg = table_of(frames["S0"], **{name: signals[:, 0]})
        hedged = run(frames, leg, margin_mode=margin_mode, stop_loss=0.05)
        plain = run(frames, sign * signals, margin_mode=margin_mode, stop_loss=0.05)
        assert len(plain.liquidations) + len(plain.fills) > 10
        assert plain.summary.equals(hedged.summary)
        assert set(hedged.fills.pop("leg")) == {name.removeprefix("target_")}
        for frame in ("history", "fills", "trades"):
            assert getattr(plain, frame).equals(getattr(hedged, frame)), frame


@SEEDS
@MODES
def test_columns_that_never_change_are_the_settings(seed, margin_mode):
    frames, signals = market_of(seed, 1), signals_of(seed, 1)
    terms = {"leverage": 5.0, "stop_loss": 0.06, "take_profit": 0.08}
    said_once = run(frames, signals, margin_mode=margin_mode, **terms)
    columns = {name: [value] * len(signals) for name, value in terms.items()}
    said_always = run(frames, table_of(frames["S0"], target=signals[:, 0], **columns), margin_mode=margin_mode)
    assert {"stop_loss", "take_profit"} <= set(said_once.fills["reason"])
    for name in ("history", "fills", "liquidations", "orders", "trades"):
        assert getattr(said_once, name).equals(getattr(said_always, name)), name


@SEEDS
@MODES
def test_contracts_of_a_hundredth_are_a_hundred_times_as_many(seed, margin_mode):
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    whole = run(frames, signals, margin_mode=margin_mode, lot_size=0.5, minimum_notional=2000.0)
    parts = run(frames, signals, margin_mode=margin_mode, multiplier=1 / 128, lot_size=64.0, minimum_notional=2000.0)
    assert whole.history.equals(parts.history)
    assert parts.fills["quantity"].equals(whole.fills["quantity"] * 128)
    assert (whole.fills["quantity"] % 0.5 == 0).all()
    assert "minimum" in set(whole.orders["reason"])


@SEEDS
@MODES
@pytest.mark.parametrize("fund", [None, 0.0, 50.0, 1e6])
def test_the_insurance_fund_balances(seed, margin_mode, fund):
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    result = run(frames, signals, margin_mode=margin_mode, insurance_fund=fund, liquidation_slippage=0.15)
    history = result.history
    flows = history["penalties"] + history["forfeited"] - history["bad_debt"]
    assert result.summary["bad_debt"] > 0
    assert np.allclose(history["insurance_fund"], (fund or 0.0) + flows + history["socialised_loss"], atol=1e-9)
    if fund is None:
        assert (history["socialised_loss"] == 0).all()
    else:
        assert (history["insurance_fund"] >= 0).all()
        assert (result.summary["socialised_loss"] > 0) == (fund < 1e6)


@SEEDS
@MODES
def test_a_reserve_that_nobody_calls_changes_no_money(seed, margin_mode):
    frames, signals = market_of(seed, 2), signals_of(seed, 2)
    alone = run(frames, signals, margin_mode=margin_mode)
    with pytest.warns(UserWarning, match="^reserve is for margin calls, which venue custom does not answer"):
        behind = run(frames, signals, margin_mode=margin_mode, reserve=10_000.0)
    assert behind.history[MONEY].equals(alone.history[MONEY])
    assert (behind.history["reserve"] == 10_000.0).all()
    assert behind.summary["total_return"] == pytest.approx(alone.summary["total_return"] / 2, rel=1e-12)


@SEEDS
def test_maintenance_that_nets_legs_is_that_of_the_difference(seed):
    frames = market_of(seed, 1)
    rng = np.random.default_rng(seed)
    short = np.where(rng.random(len(frames["S0"])) < 0.05, rng.uniform(0, 0.3, len(frames["S0"])), np.nan)
    legs = table_of(frames["S0"], target_long=[0.3] * len(short), target_short=short)
    free = dict.fromkeys(RATES, 0.0)
    result = run(frames, legs, margin_mode="cross", tiers=TIERS[:1], maintenance_on="net", leverage=4.0, **free)
    fills = result.fills.assign(long=result.fills["quantity"].cumsum())
    net = fills.groupby("time")["long"].last().reindex(result.history.index).ffill().fillna(0.0)
    close = frames["S0"]["mark_close"].set_axis(result.history.index)
    assert result.liquidations.empty
    assert np.allclose(result.history["maintenance_margin"], 0.02 * net.abs() * close, atol=1e-9)
