"""Funding, interest, and where the money of a liquidation goes, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from by_hand import FLAT, HOUR, TENFOLD, F, market, run, signals, values
from reference import Tier


@pytest.mark.parametrize(("signal", "paid"), [("0.5", F(51, 10)), ("-0.5", F(-51, 10))])
@pytest.mark.parametrize("margin_mode", ["isolated", "cross"])
def test_longs_pay_funding_on_the_mark_and_shorts_receive_it(signal: str, paid: F, margin_mode: str) -> None:
    account = replace(TENFOLD, margin_mode=margin_mode)
    bars = market([FLAT] * 4, marks=([FLAT, FLAT, (102, 102, 100, 100), FLAT],), funding=([9, 9, "0.001", 0],))
    outcome = run(bars, signals(f"{signal} . . ."), account)
    assert outcome.history["funding"] == [0, 0, paid, paid]
    assert outcome.equity[-1] == 1000 - paid
    assert outcome.history["wallet"][-1] == (500 if margin_mode == "isolated" else 1000 - paid)


def test_funding_alone_can_liquidate() -> None:
    outcome = run(market([FLAT] * 5, funding=([0, 0, "0.05", "0.05", 0],)), signals("1 . . . ."))
    # margin 1000 on 10000: 500 is paid, then the next 500 leave nothing
    assert values(outcome.liquidations, "bar", "margin_lost", "gap") == [(3, 0, True)]
    assert outcome.history["funding"][-1] == 1000


def test_interest_on_quote_debt_and_on_shorts() -> None:
    times = [0, HOUR, 3 * HOUR]
    account = replace(TENFOLD, leverage=F(2))
    rate, share = F(1, 10), F(2, 365 * 24)
    bars = market([FLAT, FLAT, (110, 110, 110, 110)], times=times)
    long = run(bars, signals("1 . ."), account, borrow_rate=rate)
    assert long.history["interest"] == [0, 0, (2000 - 1000) * rate * share]
    short = run(bars, signals("-1/2 . ."), account, borrow_rate=rate)
    assert short.history["interest"][-1] == 10 * 110 * rate * share


def test_cross_without_debt_pays_no_interest() -> None:
    account = replace(TENFOLD, leverage=F(2), margin_mode="cross")
    assert run(market([FLAT] * 3), signals("1/4 . ."), account, borrow_rate=F(1)).history["interest"][-1] == 0


def test_cross_pays_quote_interest_on_every_bar_and_the_rest_at_own_bars() -> None:
    account = replace(TENFOLD, leverage=F(2), margin_mode="cross", sizing="cash")
    bars = market([FLAT, FLAT, None, FLAT], [FLAT, FLAT, None, FLAT])
    outcome = run(bars, signals("3/4 . . .", "-1/8 . . ."), account, borrow_rate=F(1))
    # debt 1500 - 250 - 1000 = 250 for one hour, then on a smaller wallet for another, and 250 of base for two hours
    hour = F(1, 365 * 24)
    first = 250 * hour
    assert outcome.history["interest"] == [0, 0, first, first + (250 + first) * hour + 250 * 2 * hour]


@pytest.mark.parametrize(("residual", "wallet"), [("return", 18), ("forfeit", 0)])
def test_penalty_and_what_is_left(residual: str, wallet: int) -> None:
    tiers = [Tier(F(0), F(1, 19), F(10))]
    rules = {"liquidation_fee": F(1, 50), "liquidation_slippage": F(1, 50), "residual": residual}
    outcome = run(market([FLAT, (100, 100, 94, 100)]), signals("1 ."), tiers=tiers, **rules)
    # breached at 95, filled at 93.1: 1000 - 690 = 310 left, penalty 0.02 * 9310 = 186.2
    left = 310 - F("186.2")
    forfeited = left if residual == "forfeit" else 0
    assert values(outcome.liquidations, "fill_price", "penalty", "forfeited", "margin_lost") == [
        (F("93.1"), F("186.2"), forfeited, 1000 - left + forfeited)
    ]
    assert outcome.equity[-1] == (0 if wallet == 0 else left)


def test_penalty_takes_no_more_than_remains() -> None:
    outcome = run(market([FLAT, (100, 100, 85, 98)]), signals("1 ."), liquidation_fee=F(1, 100))
    assert outcome.liquidations[0]["penalty"] == F("0.4") * F(9000) / F("99.6")
    assert outcome.equity[-1] == 0


def test_close_that_costs_more_than_everything_is_bad_debt() -> None:
    # the mark stands still while the trade price falls by half: the close loses 5000 of 1000
    bars = market([FLAT, FLAT, (50, 50, 50, 50)], marks=([FLAT] * 3,))
    outcome = run(bars, signals("1 0 ."))
    assert outcome.history["bad_debt"] == [0, 0, 4000]
    assert outcome.equity == [1000, 1000, 0]


def test_history_of_an_isolated_position() -> None:
    outcome = run(market([FLAT, (100, 104, 96, 102)]), signals("0.5 ."))
    last = {name: column[-1] for name, column in outcome.history.items()}
    assert last == {
        "equity": 1100,
        "equity_low": 800,
        "wallet": 500,
        "margin": 500,
        "initial_margin": 510,
        "maintenance_margin": F("20.4"),
        "margin_ratio": F("20.4") / 600,
        "notional": 5100,
        "effective_leverage": F(5100, 1100),
        "free_margin": 500,
        "realised": 0,
        "fees": 0,
        "funding": 0,
        "interest": 0,
        "penalties": 0,
        "forfeited": 0,
        "bad_debt": 0,
        "reserve": 0,
        "deposits": 0,
        "insurance_fund": 0,
        "socialised_loss": 0,
    }


def test_closest_names_the_nearest_decision() -> None:
    account = replace(TENFOLD, leverage=F(1), stop_loss=F(5, 100))
    outcome = run(market([FLAT, (100, 100, "95.001", 100)]), signals("0.5 ."), account)
    assert math.isclose(outcome.closest, 0.001 / 95.001)


def test_scaled_prices_give_the_same_money() -> None:
    bars = [FLAT, (100, 104, 93, 98), (98, 120, 97, 110), (105, 106, 70, 80)]
    wanted, account = signals("1 -0.5 0.75 ."), replace(TENFOLD, stop_loss=F(6, 100))
    rules = {"taker_fee": F(1, 1000), "slippage": F(1, 500)}
    plain, tiny = (run(market(bars, scale=scale), wanted, account, **rules) for scale in (F(1), F(1, 10**8)))
    assert plain.equity == tiny.equity
    assert [row["quantity"] * 10**8 for row in plain.fills] == [row["quantity"] for row in tiny.fills]
