"""Liquidation prices of random tiers are the roots that a search in fractions finds; tiers meet at their floors."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ladder_venues import ROWS, VENUE, venue_of

import backtest as bt

F = Fraction


# Tiers


def exact_maintenance(rows, notional, fee, side):
    """Return the maintenance margin of a notional, tier by tier: every tier's part at its own rate."""
    total = F(0)
    for k, row in enumerate(rows):
        floor, rate = F(row[0]), F(row[3] if side < 0 and len(row) > 3 else row[1])
        top = F(rows[k + 1][0]) if k + 1 < len(rows) else None
        part = max(F(0), notional - floor) if top is None else max(F(0), min(notional, top) - floor)
        total += part * (rate + F(fee))
    return total


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("row", ROWS[1:])
def test_maintenance_is_continuous_at_every_floor(row, side):
    floor = float(row[0])
    around = np.array([np.nextafter(floor, 0), floor, np.nextafter(floor, np.inf), floor * 0.99, floor * 1.01])
    expected = [float(exact_maintenance(ROWS, F(notional), 0, side)) for notional in around]
    found = bt.maintenance_margin(side * around, VENUE)
    assert found.tolist() == pytest.approx(expected, rel=1e-13)
    assert np.ptp(found[:3]) <= 1e-13 * found[1]
    assert found[3] < found[1] < found[4]


@pytest.mark.parametrize("contract", ["linear", "inverse"])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("hair", [-1e-9, 0.0, 1e-9])
@pytest.mark.parametrize("row", ROWS[1:])
def test_a_price_at_a_floor(row, hair, side, contract):
    """The margin with which the position is liquidated at a notional on a floor, or a hair beside it."""
    entry, mark = 100.0, {1: 80.0, -1: 125.0}[side]
    notional = row[0] * (1 + hair)
    quantity = side * (notional / mark if contract == "linear" else notional * mark)
    loss = abs(quantity) * abs(entry - mark if contract == "linear" else 1 / mark - 1 / entry)
    margin = loss + float(exact_maintenance(ROWS, F(notional), 0, side))
    price = bt.liquidation_price(quantity, entry, margin=margin, venue=VENUE, contract=contract)
    assert price == pytest.approx(mark, rel=1e-13)


# The root, against a search in fractions


@st.composite
def ladders(draw):
    """Return tiers whose rates and floors are what venues print."""
    count = draw(st.integers(1, 6))
    floors = [0, *sorted(draw(st.lists(st.integers(1, 10**6), min_size=count - 1, max_size=count - 1, unique=True)))]
    rates = sorted(draw(st.lists(st.integers(0, 600), min_size=count, max_size=count)))
    shorts = [min(990, rate + draw(st.integers(0, 0 if k else 1)) * 5) for k, rate in enumerate(rates)]
    shorts = np.maximum.accumulate(shorts).tolist()
    return [(floor, rate / 1000, 1.0, short / 1000) for floor, rate, short in zip(floors, rates, shorts, strict=True)]


@st.composite
def positions(draw):
    """Return what liquidation_price takes, with settings of a venue."""
    number = lambda low, high: draw(st.floats(low, high, allow_subnormal=False))  # noqa: E731
    settings = {
        "contract": draw(st.sampled_from(["linear", "inverse"])),
        "maintenance_on": draw(st.sampled_from(["mark", "entry"])),
        "fee_in_maintenance": draw(st.sampled_from([0.0, 0.0005, 0.001])),
        "fee_in_maintenance_at": draw(st.sampled_from(["mark", "bankruptcy"])),
    }
    entry = number(0.01, 1e5)
    notional = number(10.0, 1e7)
    value = notional / entry if settings["contract"] == "linear" else notional * entry
    quantity = draw(st.sampled_from([1.0, -1.0])) * value
    margin = notional * number(0.001, 1.2)
    others = {"other_maintenance": notional * number(0.0, 0.2), "other_pnl": notional * number(-0.2, 0.2)}
    return settings, quantity, entry, margin, others


def surplus(rows, settings, held, price):
    """Return balance less requirement of a position, in fractions, at a price (its value: -1 / price of inverse)."""
    quantity, entry, margin, other = held
    side = 1 if quantity > 0 else -1
    inverse = settings["contract"] == "inverse"
    value, cost = (-1 / price, -1 / entry) if inverse else (price, entry)
    fee = settings["fee_in_maintenance"] if settings["fee_in_maintenance_at"] == "mark" else 0
    basis = cost if settings["maintenance_on"] == "entry" else value
    required = exact_maintenance(rows, abs(quantity * basis), fee, side)
    return margin + quantity * (value - cost) + other - required


def exact_root(rows, settings, held):
    """Return the price at which the surplus is 0, bisected in fractions to 1e-16 of it; None where there is none.

    The surplus of a long rises with the price, that of a short falls: there is at most one root.
    """
    side = 1 if held[0] > 0 else -1
    low, high = F(1, 10**18), F(10**18)
    if side * surplus(rows, settings, held, low) >= 0 or side * surplus(rows, settings, held, high) <= 0:
        return None
    while high - low > low * F(1, 10**16):
        middle = F(*float((low * high) ** 0.5).as_integer_ratio()) if high > 4 * low else (low + high) / 2
        if side * surplus(rows, settings, held, middle) < 0:
            low = middle
        else:
            high = middle
    return high


@given(ladders(), positions())
def test_the_price_is_the_root(rows, position):
    settings, quantity, entry, margin, others = position
    venue = bt.Venue(
        tiers=[
            bt.Tier(floor=floor, maintenance_rate=rate, max_leverage=leverage, short_maintenance_rate=short)
            for floor, rate, leverage, short in rows
        ],
        **settings,
    )
    price = bt.liquidation_price(quantity, entry, margin=margin, venue=venue, **others)
    held = (F(quantity), F(entry), F(margin), F(others["other_pnl"]) - F(others["other_maintenance"]))
    root = exact_root(rows, settings, held)
    if np.isnan(price):
        inverse = settings["contract"] == "inverse"
        reached = float(root) if root is not None else (np.inf if inverse else 0.0)
        assert reached > 1e9 * entry if inverse else reached < 1e-9 * entry
        return
    assert root is not None or price > 1e9 * entry or price < 1e-9 * entry
    left = surplus(rows, settings, held, F(price))
    amounts = [abs(held[2]), abs(held[3]), abs(F(quantity)) * F(entry)]
    if settings["contract"] == "inverse":
        amounts[2] = abs(F(quantity)) * max(1 / F(entry), 1 / F(price))
    else:
        amounts[2] = abs(F(quantity)) * max(F(entry), F(price))
    assert abs(left) <= F(1, 10**12) * max(amounts)


@pytest.mark.parametrize("side", [1, -1])
def test_net_is_the_mark_for_one_position(side):
    net = venue_of(maintenance_on="net")
    entry = venue_of(maintenance_on="entry")
    arguments = {"margin": 30_000.0}
    prices = [bt.liquidation_price(side * 1_000.0, 200.0, venue=venue, **arguments) for venue in (VENUE, net, entry)]
    assert prices[0] == prices[1] != prices[2]
