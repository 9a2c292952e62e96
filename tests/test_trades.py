"""Round trips: hand-made logs, and the ledger on random ones."""

import numpy as np
import pandas as pd
import pytest

from backtest.kernels.enums import Reason
from backtest.kernels.schema import FILL, LIQUIDATION, POSITION
from backtest.outcome.trades import EXIT_REASONS, round_trips, settled_trips

TIME = pd.date_range("2021-01-01", periods=10, freq="h", tz="UTC", unit="ns", name="time")
SYMBOLS = ("BTCUSDT", "ETHUSDT")
FLAT = np.zeros(len(SYMBOLS), dtype=POSITION)


def log(dtype, rows):
    """Return records with the fields given and 0 in the others."""
    records = np.zeros(len(rows), dtype=dtype)
    for at, row in enumerate(rows):
        for name, value in row.items():
            records[name][at] = value
    return records


def trades_of(fills, liquidations=(), positions=FLAT):
    trips = settled_trips(log(FILL, fills), log(LIQUIDATION, liquidations), positions, len(TIME))
    return round_trips(trips, TIME, SYMBOLS)


def test_a_round_trip_shows_what_it_cost_and_earned():
    trades = trades_of(
        [
            {"bar": 1, "quantity": 2.0, "price": 100.0, "fee": 1.0, "position": 2.0, "margin": 20.0},
            {
                "bar": 3,
                "quantity": -2.0,
                "price": 110.0,
                "fee": 1.5,
                "realised": 20.0,
                "funding": 0.5,
                "interest": 0.25,
            },
        ]
    )
    expected = {
        "symbol": "BTCUSDT",
        "side": "long",
        "quantity": 2.0,
        "entry_time": TIME[1],
        "exit_time": TIME[3],
        "entry_price": 100.0,
        "exit_price": 110.0,
        "margin": 20.0,
        "realised": 20.0,
        "fees": 2.5,
        "funding": 0.5,
        "interest": 0.25,
        "penalty": 0.0,
        "forfeited": 0.0,
        "bad_debt": 0.0,
        "pnl": 16.75,
        "return_on_margin": 0.8375,
        "bars": 2,
        "exit_reason": "signal",
    }
    assert trades.to_dict("records") == [expected]
    assert list(trades.columns) == list(expected)


def test_prices_are_weighted_by_quantity_and_the_largest_holding_counts():
    trades = trades_of(
        [
            {"bar": 0, "quantity": -2.0, "price": 100.0, "position": -2.0, "margin": 20.0},
            {"bar": 1, "quantity": -1.0, "price": 130.0, "position": -3.0, "margin": 13.0, "funding": -1.0},
            {"bar": 2, "quantity": 1.0, "price": 120.0, "position": -2.0, "realised": -10.0, "funding": -2.0},
            {"bar": 4, "quantity": 2.0, "price": 90.0, "realised": 40.0, "reason": Reason.TAKE_PROFIT},
        ]
    )
    (trade,) = trades.to_dict("records")
    assert trade["side"] == "short"
    assert trade["quantity"] == 3.0
    assert trade["entry_price"] == 110.0  # (2·100 + 1·130) / 3
    assert trade["exit_price"] == 100.0  # (1·120 + 2·90) / 3
    assert trade["margin"] == 33.0
    assert trade["pnl"] == 33.0  # 40 - 10 realised, 3 of funding received
    assert trade["return_on_margin"] == 1.0
    assert trade["exit_reason"] == "take_profit"


def test_a_flip_ends_one_trade_and_starts_another():
    trades = trades_of(
        [
            {"bar": 1, "quantity": 1.0, "price": 100.0, "position": 1.0, "margin": 10.0},
            {"bar": 5, "quantity": -1.0, "price": 90.0, "position": 0.0, "realised": -10.0, "fee": 1.0},
            {"bar": 5, "quantity": -2.0, "price": 90.0, "position": -2.0, "margin": 18.0, "fee": 2.0},
            {"bar": 9, "quantity": 2.0, "price": 80.0, "position": 0.0, "realised": 20.0, "fee": 4.0},
        ]
    )
    assert trades["side"].tolist() == ["long", "short"]
    assert trades["pnl"].tolist() == [-11.0, 14.0]
    assert trades["entry_time"].tolist() == [TIME[1], TIME[5]]
    assert trades["exit_time"].tolist() == [TIME[5], TIME[9]]
    assert trades["bars"].tolist() == [4, 4]


def test_a_liquidation_brings_its_penalty_forfeit_and_bad_debt():
    trades = trades_of(
        [
            {"bar": 1, "quantity": 1.0, "price": 100.0, "position": 1.0, "margin": 10.0},
            {"bar": 1, "quantity": 1.0, "price": 50.0, "position": 1.0, "margin": 5.0, "instrument": 1},
            {"bar": 2, "quantity": -1.0, "price": 30.0, "realised": -20.0, "reason": 3, "instrument": 1},
            {"bar": 2, "quantity": -1.0, "price": 92.0, "realised": -8.0, "reason": Reason.LIQUIDATION},
        ],
        [
            {"fill_row": 2, "bad_debt": 15.0},
            {"fill_row": 3, "penalty": 1.5, "forfeited": 0.5},
        ],
    )
    assert trades["symbol"].tolist() == ["BTCUSDT", "ETHUSDT"]
    assert trades["exit_reason"].tolist() == ["liquidation", "liquidation"]
    assert trades["penalty"].tolist() == [1.5, 0.0]
    assert trades["forfeited"].tolist() == [0.5, 0.0]
    assert trades["bad_debt"].tolist() == [0.0, 15.0]
    assert trades["pnl"].tolist() == [-10.0, -5.0]  # each loses exactly its margin
    assert trades["return_on_margin"].tolist() == [-1.0, -1.0]


def test_a_partial_liquidation_does_not_end_the_trade():
    trades = trades_of(
        [
            {"bar": 1, "quantity": 4.0, "price": 100.0, "position": 4.0, "margin": 40.0},
            {"bar": 2, "quantity": -1.0, "price": 92.0, "position": 3.0, "realised": -8.0, "reason": 3},
            {"bar": 4, "quantity": -3.0, "price": 96.0, "position": 0.0, "realised": -12.0},
        ],
        [{"fill_row": 1, "penalty": 2.0}],
    )
    (trade,) = trades.to_dict("records")
    assert trade["pnl"] == -22.0
    assert trade["exit_price"] == 95.0
    assert trade["exit_reason"] == "signal"


def test_an_open_trade_has_no_exit_and_owns_what_it_paid_since_its_last_fill():
    positions = FLAT.copy()
    positions["quantity"][1], positions["funding"][1], positions["interest"][1] = 3.0, 0.75, 0.5
    positions["funding"][0] = 99.0  # nobody's: the instrument is flat
    trades = trades_of(
        [
            {"bar": 2, "quantity": 1.0, "price": 10.0, "position": 1.0, "margin": 5.0, "instrument": 1},
            {
                "bar": 3,
                "quantity": 2.0,
                "price": 13.0,
                "position": 3.0,
                "margin": 13.0,
                "instrument": 1,
                "funding": 0.25,
            },
            {"bar": 4, "quantity": 1.0, "price": 100.0, "position": 1.0, "margin": 10.0},
            {"bar": 4, "quantity": -1.0, "price": 99.0, "position": 0.0, "realised": -1.0, "reason": Reason.STOP_LOSS},
        ],
        positions=positions,
    )
    still_open, stopped = trades.to_dict("records")
    assert still_open["symbol"] == "ETHUSDT"
    assert still_open["exit_time"] is pd.NaT
    assert np.isnan(still_open["exit_price"])
    assert still_open["entry_price"] == 12.0
    assert still_open["funding"] == 1.0
    assert still_open["interest"] == 0.5
    assert still_open["pnl"] == -1.5
    assert still_open["bars"] == 8  # held at the closes of bars 2 to 9
    assert still_open["exit_reason"] == "open"
    assert stopped["funding"] == 0.0
    assert stopped["exit_reason"] == "stop_loss"
    assert stopped["bars"] == 0  # gone before the close of the bar in which it was opened


def test_order_is_by_entry_time_then_by_symbol():
    trades = trades_of(
        [
            {"bar": 1, "quantity": 1.0, "price": 9.0, "position": 1.0, "margin": 1.0, "instrument": 1},
            {"bar": 1, "quantity": 1.0, "price": 8.0, "position": 1.0, "margin": 1.0, "instrument": 0},
            {"bar": 2, "quantity": -1.0, "price": 8.0, "instrument": 0},
            {"bar": 3, "quantity": 1.0, "price": 7.0, "position": 1.0, "margin": 1.0, "instrument": 0},
            {"bar": 4, "quantity": -1.0, "price": 7.0, "instrument": 0},
            {"bar": 8, "quantity": -1.0, "price": 9.0, "instrument": 1},
        ]
    )
    assert trades["symbol"].tolist() == ["BTCUSDT", "ETHUSDT", "BTCUSDT"]
    assert trades["entry_price"].tolist() == [8.0, 9.0, 7.0]
    assert trades.index.tolist() == [0, 1, 2]


def test_no_fills_make_an_empty_frame_of_the_same_types():
    empty = trades_of([])
    one = trades_of([{"quantity": 1.0, "price": 1.0, "position": 1.0, "margin": 1.0}])
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, one.dtypes)
    assert str(empty["entry_time"].dtype) == "datetime64[ns, UTC]"


def test_every_reason_has_its_word():
    assert EXIT_REASONS == ("signal", "stop_loss", "take_profit", "liquidation", "open")


@pytest.mark.parametrize("seed", range(20))
def test_pnl_and_unrealised_profit_make_the_change_of_equity(seed):
    """A plain account keeps its own books while it makes the log."""
    random = np.random.default_rng(seed)
    wallet = 1_000.0
    held, entry, paid = np.zeros(2), np.zeros(2), np.zeros(2)
    fills, liquidations = [], []
    for bar in range(len(TIME)):
        for i in random.permutation(2):
            price = float(random.uniform(50.0, 150.0))
            funding = float(random.normal()) if held[i] else 0.0
            wallet -= funding
            paid[i] += funding
            quantity = float(random.choice([-held[i], -held[i] / 2.0, random.normal()]))
            if held[i] and (held[i] + quantity) * held[i] < 0.0:
                quantity = -held[i]
            if quantity == 0.0:
                continue
            fill = {"bar": bar, "instrument": i, "quantity": quantity, "price": price, "funding": paid[i]}
            fill["position"] = held[i] + quantity
            paid[i] = 0.0
            if held[i] * quantity >= 0.0:
                entry[i] = (held[i] * entry[i] + quantity * price) / (held[i] + quantity)
                fill |= {"fee": 0.5, "margin": abs(quantity) * price / 10.0}
            else:
                fill |= {"fee": 0.25, "realised": -quantity * (price - entry[i])}
                if random.random() < 0.3:
                    liquidations.append({"fill_row": len(fills), "penalty": 0.75, "forfeited": 2.0, "bad_debt": 1.0})
                    wallet -= 0.75 + 2.0 - 1.0
            held[i] += quantity
            wallet += fill.get("realised", 0.0) - fill["fee"]
            fills.append(fill)
    positions = FLAT.copy()
    positions["quantity"], positions["funding"] = held, paid
    trades = trades_of(fills, liquidations, positions)
    equity = wallet + float((held * (100.0 - entry)).sum())
    unrealised = float((held * 100.0).sum() - (held * entry).sum())
    assert trades["pnl"].sum() + unrealised == pytest.approx(equity - 1_000.0, abs=1e-9)
    assert (trades["exit_reason"] == "open").sum() == np.count_nonzero(held)
