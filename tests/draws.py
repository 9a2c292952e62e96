"""Markets and settings that hypothesis draws, as exact fractions: the one place for strategies.

Dyadic draws (prices in sixteenths, rates in 1024ths, leverages that are powers of 2) are exact in binary; decimal
draws have the rates that venues publish. Where money meets a limit exactly by design, binary fractions may rightly
decide otherwise, so such meetings are left to tests made by hand: liquidation fees are odd halves of a rate (one that
equals the maintenance rate would leave a surplus of exactly 0 after a partial close), minimum notionals and floors are
prime, backstops differ from the levels of calls, cool-downs from the length of legs, and no first rate is 0 where
positions are closed in part.
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import reference
from hypothesis import strategies as st

HOUR = 3_600_000_000_000

SIGNALS = (None, None, None, Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-1, 4), Fraction(3, 4))
LEG_SIGNALS = (None, None, None, Fraction(0), Fraction(1), Fraction(1, 2), Fraction(3, 4))


@dataclass(frozen=True)
class Case:
    """All that a replay takes, in fractions."""

    market: reference.Market
    signals: list[list[Fraction | None]]
    account: reference.Account
    venue: reference.Venue
    columns: dict[str, list[list[Fraction | float | None]]] | None = None
    hedged: bool = False

    def replay(self) -> reference.Outcome:
        """Return what the reference makes of it."""
        return reference.replay(self.market, self.signals, self.account, self.venue, self.columns, self.hedged)


@dataclass(frozen=True)
class Grid:
    """What numbers may be drawn: prices in steps of `tick`, rates in steps of `rate`, stops in steps of `stop`.

    On the decimal grid stops are no multiples of rates, or they would meet liquidations at the very same price.
    """

    tick: Fraction
    rate: Fraction
    stop: Fraction
    leverages: tuple[int, ...]
    lots: tuple[Fraction, ...]
    multipliers: tuple[Fraction, ...]
    shares: tuple[Fraction, ...]
    exact: bool  # all numbers are binary fractions


DYADIC = Grid(
    Fraction(1, 16),
    Fraction(1, 1024),
    Fraction(1, 1024),
    (1, 2, 4, 8, 16),
    (Fraction(1, 4), Fraction(1), Fraction(16), Fraction(128)),
    (Fraction(1, 4), Fraction(8)),
    (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)),
    exact=True,
)
DECIMAL = Grid(
    Fraction(1, 100),
    Fraction(1, 1000),
    Fraction(997, 1_000_000),
    (1, 2, 3, 5, 10, 20),
    (Fraction(1, 10), Fraction(1), Fraction(70), Fraction(500)),
    (Fraction(1, 10), Fraction(3), Fraction(100)),
    (Fraction(1, 5), Fraction(1, 2), Fraction(1)),
    exact=False,
)


@st.composite
def walks(draw, grid, bars, step, start):
    """Draw open, high, low and close from about `start`: mostly small steps, now and then a gap, often a trend.

    A trend with short wicks leaves a position between the level of a call and the end over several bars.
    """
    price = start + draw(st.integers(0, 1600))
    drift = draw(st.sampled_from((0, 0, -step // 2, step // 2)))
    wick = draw(st.sampled_from((step, step // 8)))
    rows = []
    for _ in range(bars):
        gap = draw(st.sampled_from((0, 0, 0, 1, -1, 3 * step, -3 * step)))
        start = max(price + gap, 8)
        close = max(start + drift + draw(st.integers(-step, step)), 8)
        high = max(start, close) + draw(st.integers(0, wick))
        low = max(min(start, close) - draw(st.integers(0, wick)), 4)
        rows.append([grid.tick * value for value in (start, high, low, close)])
        price = close
    return rows


@st.composite
def marks(draw, grid, trades):
    """Draw mark prices near the trade prices, missing now and then."""
    rows = []
    for prices in trades:
        shift = [draw(st.integers(-6, 6)) for _ in range(4)]
        moved = [max(price + grid.tick * n, grid.tick) for price, n in zip(prices, shift, strict=True)]
        moved[1] = max(moved)
        moved[2] = min(moved)
        rows.append([None] * 4 if draw(st.integers(0, 7)) == 0 else moved)
    return rows


@st.composite
def markets(draw, grid, most):
    """Draw a market of one to `most` instruments."""
    instruments = draw(st.integers(1, most))
    bars = draw(st.integers(2, 12))
    step = draw(st.sampled_from((20, 4, 20, 60, 160, 400)))
    trades = [draw(walks(grid, bars, step, 400 + 13 * i)) for i in range(instruments)]
    marked = draw(st.booleans())
    lines = [draw(marks(grid, trade)) for trade in trades] if marked else None
    missing = draw(st.booleans()) and bars > 3
    absent = {(t, i) for i in range(instruments) for t in range(bars) if missing and draw(st.integers(0, 4)) == 0}
    # an instrument that has no bar at all is no instrument
    absent -= {(bars - 1, i) for i in range(instruments)}

    def table(rows, field):
        return [[None if (t, i) in absent else rows[i][t][field] for i in range(instruments)] for t in range(bars)]

    rate = st.sampled_from((0, 0, 0, 1, -1, 7, -11, 60))
    funding = None
    if draw(st.booleans()):
        funding = [
            [Fraction(0) if (t, i) in absent else grid.rate * draw(rate) for i in range(instruments)]
            for t in range(bars)
        ]
    hours = [draw(st.sampled_from((1, 1, 1, 5))) for _ in range(bars)]
    return reference.Market(
        time=[HOUR * sum(hours[: t + 1]) for t in range(bars)],
        **{name: table(trades, field) for field, name in enumerate(("open", "high", "low", "close"))},
        **{
            f"mark_{name}": table(lines, field) if lines else None
            for field, name in enumerate(("open", "high", "low", "close"))
        },
        funding_rate=funding,
    )


@st.composite
def ladders(draw, grid, leverage, highest, required, policy):
    """Draw tiers whose first allows the leverage, with rates that never liquidate at birth.

    `highest` is the first tier's leverage; `required` the level at which a position is breached, and what is added
    to every rate. Where positions are closed in part, many are required for nearly all that their leverage leaves.
    """
    level, fee = required
    partial = policy is not None
    near = partial and (draw(st.booleans()) or policy == "restore")
    count = draw(st.integers(1, 3))
    floors = sorted(draw(st.sets(st.integers(1, 60), min_size=count - 1, max_size=count - 1)))
    maxima = [highest] + [draw(st.sampled_from((leverage, leverage, max(leverage // 2, 1)))) for _ in floors]
    maxima = [min(maxima[: k + 1]) for k in range(count)]

    def rates():
        found = []
        for most in maxima:
            limit = (1 / (most * level) - fee) / grid.rate
            top = min(max(int(limit) - 1, 0), 120)
            lowest = top * 3 // 4 if near else min(1 if partial else 0, top)
            found.append(grid.rate * draw(st.integers(lowest, top)))
            found[-1] = max(found)
        return found

    longs, shorts = rates(), rates() if draw(st.integers(0, 4)) == 0 else [None] * count
    floors = [Fraction(1000 * floor) for floor in (0, *floors)]
    caps = floors[1:] if draw(st.integers(0, 3)) == 0 else [None] * (count - 1)
    last = draw(st.sampled_from((None, None, None, None, 500, 7000)))
    caps = [*caps, None if last is None else floors[-1] + last]
    maxima = [Fraction(most) for most in maxima]
    return [reference.Tier(*row) for row in zip(floors, longs, maxima, shorts, caps, strict=True)]


@st.composite
def calls(draw):
    """Draw the terms of margin calls."""
    level = Fraction(draw(st.sampled_from((5, 6, 8, 12, 12, 4))), 4)
    grace = draw(st.sampled_from((1, 0, 1, 2, 3)))
    deposit = draw(st.sampled_from(("reserve", "reserve", "none"))) if grace else None
    below = draw(st.sampled_from((Fraction(1, 2), Fraction(1, 2), Fraction(1), Fraction(1, 8), Fraction(9, 8))))
    return reference.MarginCall(level, grace, deposit, min(below, level))


@st.composite
def policies(draw, grid, cross):
    """Draw how a venue liquidates: the policy, its order, its figures and its calls."""
    rules = {
        "liquidation": draw(st.sampled_from(("step_down", "step_down", "share", "restore", "full"))),
        "call": draw(st.none() | calls()),
        "backstop": Fraction(draw(st.sampled_from((0, 0, 0, 7, 15))), 16),
        "breach": draw(st.sampled_from(("at", "at", "below"))),
        "insurance_fund": draw(st.sampled_from((None, Fraction(0), Fraction(50), Fraction(100_000)))),
    }
    if cross:
        orders = ("everything", "largest_loss", "everything", "largest_maintenance")
        rules["liquidation_order"] = draw(st.sampled_from(orders))
    if rules["liquidation"] == "share":
        rules["liquidation_share"] = draw(st.sampled_from(grid.shares))
        rules["liquidation_floor"] = Fraction(draw(st.sampled_from((0, 0, 0, 1511, 10_007))))
        rules["cooldown"] = Fraction(draw(st.sampled_from((0, 7, 7, 1801, 5003, 20_011))))
    if rules["liquidation"] == "restore" or (rules["call"] and rules["call"].deposit == "reserve"):
        level = rules["call"].level if rules["call"] else Fraction(1)
        # a restored position whose trade price is better than its mark closes by hairs where little is to be restored
        least = Fraction(3, 2) if rules["liquidation"] == "restore" else Fraction(9, 8)
        rules["target_ratio"] = level * draw(st.sampled_from((least, Fraction(3, 2), Fraction(3))))
    return rules


@st.composite
def conventions(draw, rules, cross, hedged, fee):
    """Draw how a venue counts, in valid combination with the rest of its rules."""
    bases = ["mark", "mark", "mark", "entry"]
    if cross and rules.get("liquidation_order", "everything") == "everything":
        bases = ["net", "net", "net", "mark"] if hedged else [*bases, "net"]
    found = {
        "maintenance_on": draw(st.sampled_from(bases)),
        "funding_from": draw(st.sampled_from(("margin", "margin", "wallet"))),
    }
    if fee and rules.get("liquidation") != "restore":
        found["fee_in_maintenance_at"] = draw(st.sampled_from(("mark", "bankruptcy")))
    return found


@st.composite
def contracts(draw, grid, instruments):
    """Draw what one contract is, in which steps it trades, and the least that an order must be worth."""

    def one_or_each(values):
        value = st.sampled_from([Fraction(value) for value in values])
        return draw(value) if draw(st.booleans()) else [draw(value) for _ in range(instruments)]

    return {
        "multiplier": one_or_each((1, 1, *grid.multipliers)),
        "lot_size": one_or_each((0, 0, *grid.lots)),
        "minimum_notional": one_or_each((0, 0, 0, 97, 1511, 10_007)),
    }


@st.composite
def columns(draw, grid, bars, instruments, leverages, cross):
    """Draw what may vary by bar beside the target."""
    fractions = [grid.stop * n for n in (5, 30, 100, 300)]
    choices = {
        "leverage": (None, None, None, *(Fraction(value) for value in leverages)),
        "stop_loss": (None, None, None, None, math.inf, *fractions),
        "take_profit": (None, None, None, None, math.inf, *fractions),
    }
    if not cross:
        choices["margin_add"] = (None, None, None, Fraction(0), Fraction(100), Fraction(3000))
    names = draw(st.lists(st.sampled_from(sorted(choices)), min_size=1, max_size=3, unique=True))
    return {
        name: [[draw(st.sampled_from(choices[name])) for _ in range(instruments)] for _ in range(bars)]
        for name in names
    }


@st.composite
def accounts(draw, grid, leverage, cross, plain):
    """Draw the trader's settings."""
    # not the same: the two legs of a hedge would leave at one price
    stop = draw(st.sampled_from((None, None, 5, 30, 100, 300)))
    profit = draw(st.sampled_from((None, None, 6, 31, 101, 290)))
    return reference.Account(
        cash=Fraction(draw(st.sampled_from((1024, 8192, 10_000)))),
        leverage=Fraction(leverage),
        margin_mode="cross" if cross else "isolated",
        sizing=draw(st.sampled_from(("equity", "equity", "cash"))),
        rebalance=draw(st.sampled_from(("signal", "signal", "signal", "bar"))),
        reentry=draw(st.sampled_from(("signal", "bar"))),
        intrabar=draw(st.sampled_from(("worst", "worst", "path", "best"))),
        stop_loss=None if stop is None else grid.stop * stop,
        take_profit=None if profit is None else grid.stop * profit,
        on_liquidation=draw(st.sampled_from(("wait", "reenter", "stop", *(() if plain else ("refill",))))),
        reserve=Fraction(0 if plain else draw(st.sampled_from((20_000, 1000, 100, 0)))),
    )


@st.composite
def cases(draw, grid, plain=None, most=3):
    """Draw a market of at most `most` instruments, signals and settings: every option of the specification.

    A plain case has one full liquidation policy, no calls, contracts of one unit and signals alone; `plain` draws
    only such, or none.
    """
    plain = draw(st.sampled_from((True, False, False))) if plain is None else plain
    market = draw(markets(grid, most))
    bars, instruments = len(market.time), len(market.open[0])
    # leverages near the tiers, so that partial liquidations and calls happen
    leverage = draw(st.sampled_from(grid.leverages if plain else grid.leverages[2:]))
    fee = draw(st.sampled_from((Fraction(0), Fraction(0), grid.rate)))
    cross, hedged = draw(st.booleans()), not plain and draw(st.integers(0, 3)) == 2
    highest = leverage * (2 if plain else draw(st.sampled_from((1, 2))))
    account = draw(accounts(grid, leverage, cross, plain))
    rules = {} if plain else draw(policies(grid, cross))
    rules |= {} if plain else draw(conventions(rules, cross, hedged, fee))
    if not plain and draw(st.integers(0, 2)) == 0:
        rules |= draw(contracts(grid, instruments))
    varying = None
    if not plain and draw(st.integers(0, 2)) == 0:
        varying = draw(columns(grid, bars, instruments, (1, leverage, highest), cross))
    inverse = not plain and not grid.exact and draw(st.integers(0, 2)) == 0
    if inverse:
        rules["contract"] = "inverse"
        account = replace(account, currency="base")
    elif draw(st.integers(0, 2)) == 0:
        rules["borrow_rate"] = Fraction(draw(st.sampled_from((1, 50))))
        rules["short_borrow_rate"] = None if plain else draw(st.sampled_from((None, Fraction(0), Fraction(30))))
    required = (rules["call"].level if rules.get("call") else 1, fee)
    policy = None if plain or (rules["liquidation"] == "full" and rules["call"] is None) else rules["liquidation"]
    small, odd = st.sampled_from((0, 0, 1, 3, 20)), st.sampled_from((0, 0, 1, 3, 21))
    venue = reference.Venue(
        tiers=[draw(ladders(grid, leverage, highest, required, policy)) for _ in range(instruments)],
        taker_fee=grid.rate * draw(small),
        slippage=grid.rate * draw(small),
        liquidation_fee=grid.rate / 2 * draw(odd),
        liquidation_slippage=grid.rate * draw(small),
        residual=draw(st.sampled_from(("return", "forfeit"))),
        fee_in_maintenance=fee,
        **rules,
    )
    said = (SIGNALS,)
    if hedged:  # the short leg in either sign
        flip = draw(st.sampled_from((1, -1)))
        said = (LEG_SIGNALS, tuple(value and flip * value for value in LEG_SIGNALS))
    calm = (None,) * draw(st.sampled_from((0, 0, 20)))  # positions that are kept meet more
    words = [st.sampled_from(calm + word) for word in said] * instruments
    signals = [[draw(word) for word in words] for _ in range(bars)]
    if calm:
        signals[0] = [draw(st.sampled_from(said[k % len(said)][4:])) for k in range(len(words))]
    return Case(market, signals, account, venue, varying, hedged)
