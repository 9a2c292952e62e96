"""Every number that a venue, a broker or a public test suite prints, out of the venue's own convention.

The numbers are in venue_examples/*.json, a file a venue. A row names the page and its source, what is printed, with how
many decimals, the Venue that says the page's convention, and what goes in. A number must come out to half a unit of its
last printed digit. Three things that a row may say beside it are no tolerances but facts about the page:

- `rounding`: "down" or "up" where the page cuts or rounds up, to the last digit or to a `tick`;
- `rounded`, `cut`: inputs that are themselves printed rounded, or cut, to so many decimals: the number must be among
  what they allow;
- `offset`: what the page adds to its own formula.

What is printed but not run stands in `left_out`, with the reason.
"""

import itertools
import json
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtest as bt

FOLDER = Path(__file__).parent / "venue_examples"
FILES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
TIER = ("floor", "maintenance_rate", "max_leverage", "cap")
RATE_STEP = 1e-3


def venue_of(name, file):
    """Return the Venue of that name in a file."""
    settings = dict(FILES[file]["venues"][name])
    tiers = [bt.Tier(**dict(zip(TIER, row, strict=False))) for row in settings.pop("tiers")]
    call = settings.pop("call", None)
    return bt.Venue(tiers=tiers, call=None if call is None else bt.MarginCall(**call), name=name, **settings)


def name_of(row):
    """Return a test id: page, name and digits of a printed number."""
    page = re.sub(r"[^A-Za-z0-9.,%+-]+", "_", row["page"]).strip("_")
    return f"{page}-{row['number'].replace(' ', '_')}={row['printed']:.{row['decimals']}f}"


def rows_of(kind):
    """Return the parameters of one kind of number, venue by venue."""
    return [
        pytest.param(file, row, id=f"{file}-{name_of(row)}")
        for file, content in FILES.items()
        for row in content["rows"]
        if row["kind"] == kind
    ]


def check(row, number):
    """Assert that a function of the inputs gives the printed number."""
    inputs = row["inputs"]
    loose = [[(name, by * 10.0**-decimals) for by in (-0.5, 0.5)] for name, decimals in row.get("rounded", {}).items()]
    loose += [[(name, by * 10.0**-decimals) for by in (0.0, 1.0)] for name, decimals in row.get("cut", {}).items()]
    found = [number(moved(inputs, dict(corner))) for corner in itertools.product(*loose)]
    if row.get("none"):
        assert all(map(math.isnan, found))
        return
    printed = row["printed"] - row.get("offset", 0.0)
    unit = row.get("tick", 10.0 ** -row["decimals"])
    below, above = {"nearest": (0.5, 0.5), "down": (0.0, 1.0), "up": (1.0, 0.0)}[row.get("rounding", "nearest")]
    slack = 4e-15 * abs(printed)  # of a double
    lowest, highest = printed - below * unit - slack, printed + above * unit + slack
    assert min(found) <= highest, f"{found} but {row['printed']} is printed"
    assert max(found) >= lowest, f"{found} but {row['printed']} is printed"


def moved(inputs, shift):
    """Return the inputs with some of them shifted, a list in all its numbers."""

    def add(value, by):
        return [each + by for each in value] if isinstance(value, list) else value + by

    return {name: add(value, shift[name]) if name in shift else value for name, value in inputs.items()}


@pytest.mark.parametrize(("file", "row"), rows_of("liquidation_price"))
def test_liquidation_price(file, row):
    buffer = row.get("buffer", 0.0)

    def number(inputs):
        price = bt.liquidation_price(**position_of(inputs, file), venue=venue_of(row["venue"], file))
        return price + buffer * (inputs["entry_price"] - price)

    check(row, number)


def position_of(inputs, file):
    """Return the arguments of a position, the other ones of its account as maintenance and profit."""
    others = inputs.get("others", [])
    arguments = {name: value for name, value in inputs.items() if name != "others"}
    if others:
        arguments["other_maintenance"] = sum(
            bt.maintenance_margin(other["quantity"] * other["mark_price"], venue_of(other["venue"], file))
            for other in others
        )
        arguments["other_pnl"] = sum(
            other["quantity"] * (other["mark_price"] - other["entry_price"]) for other in others
        )
    return arguments


@pytest.mark.parametrize(("file", "row"), rows_of("bankruptcy_price"))
def test_bankruptcy_price(file, row):
    check(row, lambda inputs: bt.bankruptcy_price(**inputs, venue=venue_of(row["venue"], file)))


@pytest.mark.parametrize(("file", "row"), rows_of("shared_bankruptcy"))
def test_bankruptcy_price_on_a_share_of_the_equity(file, row):
    """A position of several goes at the price that uses up its share of the equity, by maintenance margin."""
    venue = venue_of(row["venue"], file)

    def number(inputs):
        positions = inputs["positions"]
        needs = [bt.maintenance_margin(each["quantity"] * each["mark_price"], venue) for each in positions]
        equity = inputs["quote"] + sum(each["quantity"] * each["mark_price"] for each in positions)
        taken, margin = positions[inputs["position"]], equity * needs[inputs["position"]] / sum(needs)
        price = bt.bankruptcy_price(taken["quantity"], taken["mark_price"], margin=margin, venue=venue)
        return math.copysign(inputs["closed"], taken["quantity"]) * price

    check(row, number)


@pytest.mark.parametrize(("file", "row"), rows_of("maintenance_margin"))
def test_maintenance_margin(file, row):
    def number(inputs):
        notional = inputs["notional"] if "notional" in inputs else inputs["quantity"] * inputs["mark_price"]
        return bt.maintenance_margin(notional, venue_of(row["venue"], file))

    check(row, number)


@pytest.mark.parametrize(("file", "row"), rows_of("maintenance_rate"))
def test_maintenance_rate(file, row):
    """The rate of a tier is the slope of the maintenance margin; at a floor that of the tier below."""

    def number(inputs):
        notional = np.array([1.0 - RATE_STEP, 1.0]) * inputs["notional"]
        return float(np.diff(bt.maintenance_margin(notional, venue_of(row["venue"], file)))[0] / np.diff(notional)[0])

    check(row, number)


@pytest.mark.parametrize(("file", "row"), rows_of("maintenance_amount"))
def test_maintenance_amount(file, row):
    """A tier's amount is what its rate takes too much of a notional."""

    def number(inputs):
        notional = inputs["notional"]
        return notional * inputs["maintenance_rate"] - bt.maintenance_margin(notional, venue_of(row["venue"], file))

    check(row, number)


@pytest.mark.parametrize(("file", "row"), rows_of("max_quantity"))
def test_max_quantity(file, row):
    check(row, lambda inputs: bt.max_quantity(**inputs, venue=venue_of(row["venue"], file)))


@pytest.mark.parametrize(("file", "row"), rows_of("equity_at_liquidation"))
def test_equity_at_liquidation(file, row):
    venue = venue_of(row["venue"], file)
    check(row, lambda inputs: bt.maintenance_margin(bt.liquidation_price(**inputs, venue=venue), venue))


@pytest.mark.parametrize(("file", "row"), rows_of("leverage_at_liquidation"))
def test_leverage_at_liquidation(file, row):
    venue = venue_of(row["venue"], file)

    def number(inputs):
        price = bt.liquidation_price(**inputs, venue=venue)
        return price / bt.maintenance_margin(price, venue)

    check(row, number)


RUN = {
    "quantity",
    "entry_price",
    "leverage",
    "cash",
    "prices",
    "marks",
    "funding",
    "every",
}  # the rest is the account's


def four(price):
    """Return the four prices of a bar."""
    return price if isinstance(price, list) else (price,) * 4


def run_of(inputs, venue):
    """Return a run that opens a position at its entry price in bar 1, at which nothing moves, and then goes on."""
    entry, quantity = inputs["entry_price"], inputs["quantity"]
    held = abs(quantity) * venue.multiplier
    notional = held / entry if venue.contract == "inverse" else held * entry
    leverage = inputs["leverage"] or max(1.0, notional / inputs["cash"])
    cash = inputs["cash"] or notional / leverage
    share = notional / (cash * leverage)
    assert share <= 1.0 + 1e-12, "the cash buys less"
    rows = [entry, entry, *inputs["prices"]]
    names = ("open", "high", "low", "close")
    columns = dict(zip(names, zip(*map(four, rows), strict=True), strict=True))
    if inputs.get("marks"):
        marks = [four(price) for price in (entry, entry, *inputs["marks"])]
        columns |= {f"mark_{name}": column for name, column in zip(names, zip(*marks, strict=True), strict=True)}
    if inputs.get("funding"):
        columns["funding_rate"] = [0.0, 0.0, *inputs["funding"]]
    time = pd.date_range("2024-01-01", periods=len(rows), freq=inputs.get("every", "1h"), tz="UTC")
    bars = bt.Bars.from_frames({"S0": pd.DataFrame(columns, index=time, dtype=np.float64)})
    settings = {name: value for name, value in inputs.items() if name not in RUN}
    currency = "base" if venue.contract == "inverse" else "quote"
    account = bt.Account(cash=cash, leverage=leverage, sizing="cash", currency=currency, **settings)
    signals = np.full((len(rows), 1), np.nan)
    signals[0] = math.copysign(min(share, 1.0), quantity)
    result = bt.run(bars, signals, venue=venue, account=account)
    opened = result.fills["quantity"].iloc[0] if quantity else 0.0
    assert opened == pytest.approx(quantity, rel=1e-12), "what was opened is not what the page holds"
    return result


def last(column, sign=1.0):
    """Return the reading of a column of history at the last close."""
    return lambda result: sign * result.history[column].iloc[-1]


def total(*columns):
    """Return the reading of a sum of columns at the last close; a column in a minus is taken off."""
    return lambda result: sum(
        (-1.0 if name.startswith("-") else 1.0) * result.history[name.lstrip("-")].iloc[-1] for name in columns
    )


def closed(result):
    """Return what liquidations closed."""
    return result.liquidations["quantity"].abs().sum()


def share(result, row):
    """Return the share of what was held that one liquidation closed."""
    quantity = result.liquidations["quantity"].iloc[: row + 1]
    return quantity.iloc[row] / (result.fills["quantity"].iloc[0] - quantity.iloc[:row].sum())


def settlement(result):
    """Return the price at which the position would have lost what its margin lost."""
    (_, fill), (_, row) = next(result.fills.iterrows()), next(result.liquidations.iterrows())
    return bt.bankruptcy_price(fill["quantity"], fill["price"], margin=row["margin_lost"], venue=result_venue(result))


def result_venue(result):
    """Return a Venue of the contract of a result."""
    tiers = [bt.Tier(floor=0, maintenance_rate=0, max_leverage=1)]
    return bt.Venue(tiers=tiers, contract=result.description["venue"]["contract"])


READINGS = {
    **{name: last(name) for name in (
        "equity", "wallet", "margin", "initial_margin", "maintenance_margin", "notional", "fees", "realised",
        "bad_debt", "penalties", "insurance_fund",
    )},
    "minus_fees": last("fees", -1.0),
    "unrealised": total("equity", "-wallet", "-margin"),
    "minus_unrealised": total("wallet", "margin", "-equity"),
    "excess": total("equity", "-maintenance_margin"),
    "available": total("equity", "-initial_margin"),
    "initial_and_maintenance": total("initial_margin", "maintenance_margin"),
    "order_cost": total("initial_margin", "maintenance_margin", "fees"),
    "debt": total("notional", "-equity"),
    "minus_debt": total("equity", "-notional"),
    "credit": total("notional", "equity"),
    "loan_value": total("notional", "-maintenance_margin"),
    "insurance_fund_less_socialised": total("insurance_fund", "-socialised_loss"),
    "ratio": lambda result: 1.0 / result.history["margin_ratio"].iloc[-1],
    "equity_rate": lambda result: 1.0 / result.history["effective_leverage"].iloc[-1],
    "equity_percent": lambda result: 100.0 / result.history["effective_leverage"].iloc[-1],
    "loss_percent": lambda result: 100.0 - 100.0 * result.equity.iloc[-1] / result.equity.iloc[0],
    "interest_of_last_bar": lambda result: result.history["interest"].diff().iloc[-1],
    "called": lambda result: result.calls.loc[result.calls["event"] == "call", "asked"].item(),
    "deposited": lambda result: result.calls.loc[result.calls["event"] == "deposit", "amount"].item(),
    "liquidations": lambda result: float(len(result.liquidations)),
    "liquidation_mark": lambda result: result.liquidations["mark_price"].item(),
    "closed": closed,
    "first_closed": lambda result: abs(result.liquidations["quantity"].iloc[0]),
    "first_share": lambda result: share(result, 0),
    "second_share": lambda result: share(result, 1),
    "left": lambda result: abs(result.fills["quantity"].sum()),
    "closed_notional": lambda result: (result.liquidations["quantity"].abs() * result.liquidations["fill_price"]).sum(),
    "quote_taken": lambda result: -(result.liquidations["quantity"] * result.liquidations["fill_price"]).sum(),
    "settlement": settlement,
}  # fmt: skip


@pytest.mark.parametrize(("file", "row"), rows_of("run"))
def test_run(file, row):
    """What an account that holds the position shows, or what a liquidation or a call does to it."""
    check(row, lambda inputs: float(READINGS[row["reading"]](run_of(inputs, venue_of(row["venue"], file)))))


def test_every_printed_number_is_run_once_or_has_a_reason():
    ids = Counter(f"{file}-{name_of(row)}" for file, content in FILES.items() for row in content["rows"])
    assert [name for name, count in ids.items() if count > 1] == []
    kinds = {row["kind"] for content in FILES.values() for row in content["rows"]}
    tested = {"liquidation_price", "bankruptcy_price", "shared_bankruptcy", "maintenance_margin", "maintenance_rate"}
    tested |= {"maintenance_amount", "max_quantity", "equity_at_liquidation", "leverage_at_liquidation", "run"}
    assert kinds == tested
    for content in FILES.values():
        assert all(row["source"] and row["page"] for row in content["rows"] + content["left_out"])
        assert all(row["reason"] for row in content["left_out"])
        named = {row["venue"] for row in content["rows"]}
        named |= {other["venue"] for row in content["rows"] for other in row["inputs"].get("others", [])}
        assert named == set(content["venues"])
