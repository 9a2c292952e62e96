"""Markets and settings that hypothesis draws, as exact fractions: the one place for strategies.

Dyadic draws (prices in sixteenths, rates in 1024ths, leverages that are powers of 2) are exact in binary; decimal
draws have the rates that venues publish.
"""

from dataclasses import dataclass
from fractions import Fraction

import reference
from hypothesis import strategies as st

HOUR = 3_600_000_000_000

SIGNALS = (None, None, None, Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-1, 4), Fraction(3, 4))


@dataclass(frozen=True)
class Case:
    """All that a replay takes, in fractions."""

    market: reference.Market
    signals: list[list[Fraction | None]]
    account: reference.Account
    venue: reference.Venue


@dataclass(frozen=True)
class Grid:
    """What numbers may be drawn: prices in steps of `tick`, rates in steps of `rate`."""

    tick: Fraction
    rate: Fraction
    leverages: tuple[int, ...]


DYADIC = Grid(Fraction(1, 16), Fraction(1, 1024), (1, 2, 4, 8, 16))
DECIMAL = Grid(Fraction(1, 100), Fraction(1, 1000), (1, 2, 3, 5, 10, 20))


@st.composite
def walks(draw, grid, bars, step):
    """Draw open, high, low and close of one instrument: mostly small steps, now and then a gap."""
    price = 400 + draw(st.integers(0, 1600))
    rows = []
    for _ in range(bars):
        gap = draw(st.sampled_from((0, 0, 0, 1, -1, 3 * step, -3 * step)))
        start = max(price + gap, 8)
        close = max(start + draw(st.integers(-step, step)), 8)
        high = max(start, close) + draw(st.integers(0, step))
        low = max(min(start, close) - draw(st.integers(0, step)), 4)
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
def markets(draw, grid):
    """Draw a market of one to three instruments."""
    instruments = draw(st.integers(1, 3))
    bars = draw(st.integers(2, 12))
    step = draw(st.sampled_from((4, 20, 60, 160, 400)))
    trades = [draw(walks(grid, bars, step)) for _ in range(instruments)]
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
def ladders(draw, grid, leverage, fee):
    """Draw tiers whose first allows the leverage, with rates that never liquidate at birth."""
    count = draw(st.integers(1, 3))
    floors = sorted(draw(st.sets(st.integers(1, 60), min_size=count - 1, max_size=count - 1)))
    maxima = [leverage * 2] + [draw(st.sampled_from((leverage, leverage, max(leverage // 2, 1)))) for _ in floors]
    maxima = [min(maxima[: k + 1]) for k in range(count)]
    rates = []
    for k, highest in enumerate(maxima):
        limit = (Fraction(1, highest) - fee) / grid.rate
        top = max(int(limit) - 1, 0)
        rates.append(grid.rate * draw(st.integers(0, min(top, 120))))
        rates[k] = max(rates)
    return [
        reference.Tier(Fraction(1000 * floor), rate, Fraction(highest))
        for floor, rate, highest in zip([0, *floors], rates, maxima, strict=True)
    ]


@st.composite
def cases(draw, grid):
    """Draw a market, signals and settings: every option of the specification."""
    market = draw(markets(grid))
    bars, instruments = len(market.time), len(market.open[0])
    leverage = draw(st.sampled_from(grid.leverages))
    fee = draw(st.sampled_from((Fraction(0), Fraction(0), grid.rate)))
    small = st.sampled_from((0, 0, 1, 3, 20))
    off = st.sampled_from((None, None, 5, 30, 100, 300))
    stop, profit = draw(off), draw(off)
    account = reference.Account(
        cash=Fraction(draw(st.sampled_from((1024, 8192, 10_000)))),
        leverage=Fraction(leverage),
        margin_mode=draw(st.sampled_from(("isolated", "cross"))),
        sizing=draw(st.sampled_from(("equity", "equity", "cash"))),
        rebalance=draw(st.sampled_from(("signal", "signal", "signal", "bar"))),
        reentry=draw(st.sampled_from(("signal", "bar", "never"))),
        intrabar=draw(st.sampled_from(("worst", "worst", "path", "best"))),
        stop_loss=None if stop is None else grid.rate * stop,
        take_profit=None if profit is None else grid.rate * profit,
    )
    venue = reference.Venue(
        tiers=[draw(ladders(grid, leverage, fee)) for _ in range(instruments)],
        taker_fee=grid.rate * draw(small),
        slippage=grid.rate * draw(small),
        liquidation_fee=grid.rate * draw(small),
        liquidation_slippage=grid.rate * draw(small),
        residual=draw(st.sampled_from(("return", "forfeit"))),
        borrow_rate=Fraction(draw(st.sampled_from((0, 0, 0, 1, 50)))),
        fee_in_maintenance=fee,
    )
    signals = [[draw(st.sampled_from(SIGNALS)) for _ in range(instruments)] for _ in range(bars)]
    return Case(market, signals, account, venue)
