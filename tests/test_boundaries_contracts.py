"""Hand-made cases exactly on each comparison about lots, minimum orders, caps and hedged legs, and a hair beyond it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import FLAT, F, market, run, signals, values
from reference import Account, Outcome, Tier

# 1024 of cash at 64 and fourfold leverage: a full signal is worth 4096, or 64 units
FOURFOLD = Account(cash=F(1024), leverage=F(4), sizing="cash")
SIXTEENTH = [Tier(F(0), F(1, 16), F(4))]
STILL = (64, 64, 64, 64)
HAIR = F(1, 2**20)
BILLION = Account(cash=F(10**9), leverage=F(1), sizing="cash")
BILLIONTH = F(1, 10**9)


def still(*columns: str, account: Account = FOURFOLD, tiers: list | None = None, **rules: object) -> Outcome:
    """Return what becomes of signals on instruments that do not move."""
    wanted = signals(*columns)
    return run(market(*[[STILL] * len(wanted)] * len(columns)), wanted, account, tiers or SIXTEENTH, **rules)


def orders(outcome: Outcome) -> list[tuple]:
    return values(outcome.orders, "bar", "wanted", "filled", "reason")


def traded(outcome: Outcome) -> list[tuple]:
    return values(outcome.fills, "bar", "quantity")


@pytest.mark.parametrize(("signal", "reason"), [(F(1, 4) - HAIR, "minimum"), (F(1, 4), None), (F(1, 4) + HAIR, None)])
@pytest.mark.parametrize("side", [1, -1])
def test_minimum_notional_exactly_met(signal: F, reason: str | None, side: int) -> None:
    outcome = still(f"{side * signal} .", minimum_notional=F(1024))
    assert traded(outcome) == [(1, side * signal * 64)] * (reason is None)
    assert orders(outcome) == [(1, side * signal * 64, 0, reason)] * (reason is not None)
    # an addition, and the half of a flip that opens
    outcome = still(f"{side}/4 {side * (F(1, 4) + signal)} .", minimum_notional=F(1024))
    assert traded(outcome)[1:] == [(2, side * signal * 64)] * (reason is None)
    outcome = still(f"{side}/4 {-side * signal} .", minimum_notional=F(1024))
    assert traded(outcome)[1:] == [(2, -side * 16)] + [(2, -side * signal * 64)] * (reason is None)
    assert orders(outcome) == [(2, -side * (16 + signal * 64), -side * 16, reason)] * (reason is not None)


@pytest.mark.parametrize(("minimum", "sent"), [(1024 - HAIR, True), (F(1024), True), (1024 + HAIR, False)])
def test_minimum_after_the_cut_exactly_met(minimum: F, sent: bool) -> None:
    # together they want 8192 and get half of it, the smaller ones 1024 each
    outcome = still("1/2 .", "1 .", "-1/2 .", minimum_notional=minimum)
    assert [row["quantity"] for row in outcome.fills] == ([16, 32, -16] if sent else [32])
    assert values(outcome.orders, "filled", "reason") == [
        (16 * sent, "margin"),
        (32, "margin"),
        (-16 * sent, "margin"),
    ]


@pytest.mark.parametrize(
    ("signal", "held"),
    [
        (F(3, 4), 48),
        (F(3, 4) * (1 - F(1, 10**13)), 48),  # within rounding
        (F(3, 4) * (1 - F(1, 10**11)), 32),
        (F(3, 4) - HAIR, 32),
        (F(3, 4) + HAIR, 48),
        (F(1), 64),
        (F(1, 4), 16),
        (F(1, 4) - HAIR, 0),
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_target_of_exactly_whole_lots(signal: F, held: int, side: int) -> None:
    outcome = still(f"{side * signal} .", lot_size=F(16))
    assert traded(outcome) == [(1, side * held)] * (held > 0)
    assert orders(outcome) == [(1, side * signal * 64, 0, "minimum")] * (held == 0)


@pytest.mark.parametrize(("opened", "filled"), [(60 - HAIR, 32), (F(60), 48), (60 + HAIR, 48)])
def test_cut_to_exactly_whole_lots(opened: F, filled: int) -> None:
    # 64 units are sold at a loss of 4 each: of 1024 that the next order asks for, 768 are there
    bars = market([STILL] * 4, [STILL, STILL, (opened,) * 4, STILL])
    outcome = run(bars, signals("0 . 1 .", "1 0 . ."), FOURFOLD, SIXTEENTH, lot_size=[F(16), F(0)])
    assert traded(outcome)[2:] == [(3, filled)]
    assert orders(outcome) == [(3, 64, filled, "margin")]


@pytest.mark.parametrize(("cap", "cut"), [(3072 - HAIR, True), (F(3072), False), (3072 + HAIR, False)])
@pytest.mark.parametrize("side", [1, -1])
def test_target_exactly_at_the_cap(cap: F, cut: bool, side: int) -> None:
    outcome = still(f"{F(side * 3, 4)} .", tiers=[replace(SIXTEENTH[0], cap=cap)])
    assert traded(outcome) == [(1, side * min(cap / 64, 48))]
    assert orders(outcome) == [(1, side * 48, side * cap / 64, "tier")] * cut


@pytest.mark.parametrize(("leverage", "most"), [(F(2), 64), (2 + HAIR, 32), (F(4), 32)])
def test_leverage_exactly_at_that_of_a_tier(leverage: F, most: int) -> None:
    tiers = [Tier(F(0), F(1, 16), F(4), cap=F(2048)), Tier(F(2048), F(1, 8), F(2), cap=F(4096))]
    outcome = still("1 .", account=replace(FOURFOLD, cash=F(4096), leverage=leverage), tiers=tiers)
    assert traded(outcome) == [(1, most)]


@pytest.mark.parametrize(("signal", "rows"), [(BILLIONTH, 0), (BILLIONTH * (1 + HAIR), 1), (BILLIONTH * (1 - HAIR), 0)])
@pytest.mark.parametrize("rule", ["lot_size", "minimum_notional"])
def test_less_than_dust_is_no_order_that_the_venue_refuses(signal: F, rows: int, rule: str) -> None:
    # a billionth of the cash is 1
    outcome = still(f"{signal} .", account=BILLION, **{rule: F(100)})
    assert [row["reason"] for row in outcome.orders] == ["minimum"] * rows
    assert not outcome.fills


def test_other_reasons_go_before_the_minimum() -> None:
    capped = [replace(SIXTEENTH[0], cap=F(1000))]
    assert orders(still("1 .", tiers=capped, minimum_notional=F(2000))) == [(1, 64, 0, "tier")]
    # a ruined account is refused what the venue would have taken
    gone = (F(1, 2**20),) * 4
    account = replace(FOURFOLD, leverage=F(1))
    for minimum, reason in ((F(512), "ruined"), (F(513), "minimum")):
        outcome = run(
            market([STILL, STILL, gone, gone, gone]), signals("1 . . -1/2 ."), account, SIXTEENTH,
            minimum_notional=minimum,
        )  # fmt: skip
        assert orders(outcome) == [(4, -16 - 2**29, -16, reason)]


@pytest.mark.parametrize(("short", "first"), [(F(1, 4) - HAIR, "long"), (F(1, 4), "long"), (F(1, 4) + HAIR, "short")])
@pytest.mark.parametrize("intrabar", ["worst", "best"])
def test_legs_that_balance_exactly(short: F, first: str, intrabar: str) -> None:
    account = replace(FOURFOLD, intrabar=intrabar, stop_loss=F(1, 16))
    outcome = run(market([STILL, (64, 68, 60, 64)]), signals("1/4 .", f"{short} ."), account, SIXTEENTH, hedged=True)
    legs = [0, 1] if (first == "long") == (intrabar == "worst") else [1, 0]
    assert [row["instrument"] for row in outcome.fills[2:]] == legs


@pytest.mark.parametrize(
    ("close", "reason"), [(64 - HAIR, "take_profit"), (F(64), "stop_loss"), (64 + HAIR, "stop_loss")]
)
@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_path_of_a_bar_that_ends_where_it_began(close: F, reason: str, contract: str) -> None:
    currency = "base" if contract == "inverse" else "quote"
    account = replace(FOURFOLD, intrabar="path", stop_loss=F(1, 32), take_profit=F(1, 32), currency=currency)
    outcome = run(market([STILL, (64, 67, 61, close)]), signals("1/4 ."), account, SIXTEENTH, contract=contract)
    assert [row["reason"] for row in outcome.fills[1:]] == [reason]


@pytest.mark.parametrize("contract", ["linear", "inverse"])
@pytest.mark.parametrize(("side", "low", "high"), [(1, 62, 64), (-1, 64, 66)])
def test_stop_reached_exactly(contract: str, side: int, low: int, high: int) -> None:
    currency = "base" if contract == "inverse" else "quote"
    account = replace(FOURFOLD, stop_loss=F(1, 32), currency=currency)
    for hair, count in ((-HAIR, 0), (0, 1), (HAIR, 1)):
        bar = (64, high + hair * (side < 0), low - hair * (side > 0), 64)
        outcome = run(market([STILL, bar]), signals(f"{side}/4 ."), account, SIXTEENTH, contract=contract)
        assert values(outcome.fills[1:], "price") == [(64 - 2 * side,)] * count


def test_an_unlevered_inverse_short_never_dies() -> None:
    # 1 - 100 (1/100 - 1/P) = 100 / P, of which a sixteenth is needed
    account = Account(cash=F(1), leverage=F(1), currency="base")
    outcome = run(market([FLAT, (100, 10_000, 1, 50)]), signals("-1 ."), account, SIXTEENTH, contract="inverse")
    assert not outcome.liquidations
    assert outcome.equity[-1] == 2
