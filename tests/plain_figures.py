"""The formulas of docs/metrics.md in plain Python, on the frames of a result: no numpy, no kernel, nothing shared."""

import math
from itertools import pairwise
from statistics import fmean, median, stdev

import pandas as pd

DAY = pd.Timedelta(days=1)
YEAR = 365 * DAY
NAN, INF = math.nan, math.inf


def wealth(result):
    """Return W before the first bar, then at the closes, and W at the lowest inside each bar."""
    account, history, calls = result.description["account"], result.history, result.calls
    refills = {row.time: row for row in calls[calls["event"] == "refill"].itertuples()}
    unit, closes, lows = 1.0, [], []
    for row in history.itertuples():
        if row.Index in refills:
            refill = refills[row.Index]
            before = max(refill.balance + refill.reserve, 0.0)
            unit *= before / (before + refill.amount)
        closes.append((row.equity + row.reserve) * unit)
        lows.append((row.equity_low + row.reserve) * unit)
    return account["cash"] + account["reserve"], closes, lows


def daily(start, closes, time):
    """Return r(d) of every UTC day."""
    last = {}
    for when, value in zip(time, closes, strict=True):
        last[when.date()] = value
    returns, before = [], start
    for value in last.values():
        value = value if before > 0.0 and value > 0.0 else 0.0
        returns.append(value / before - 1.0 if before > 0.0 else 0.0)
        before = value
    return returns


def periods(time):
    """Return P."""
    days = sorted({when.date() for when in time})
    distance = median((after - before).days for before, after in pairwise(days)) if len(days) > 1 else 1
    if distance > 1:
        return 365 / distance
    return 365 if any(day.weekday() >= 5 for day in days) else 252


def falls(start, closes, lows, time, interval):
    """Return the deepest fall at closes, that at lows, and how long the longest lasted."""
    mark, since, below, deepest, deepest_low, longest = start, None, False, 0.0, 0.0, 0 * DAY
    for t, (close, low) in enumerate(zip(closes, lows, strict=True)):
        deepest_low = min(deepest_low, low / mark - 1.0)
        deepest = min(deepest, close / mark - 1.0)
        last = t == len(closes) - 1
        below = below or close < mark
        if below and (close >= mark or last):
            longest = max(longest, time[t] - since if since is not None else time[t] + interval - time[0])
        if close >= mark:
            mark, since, below = close, time[t], False
    return deepest, deepest_low, longest


def ratio(part, whole):
    return part / whole if whole > 0.0 else NAN


def power(base, exponent):
    try:
        return base**exponent
    except OverflowError:
        return INF


def returns_and_risk(result):
    time = list(result.history.index)
    start, closes, lows = wealth(result)
    r, year = daily(start, closes, time), periods(time)
    interval = min((after - before for before, after in pairwise(time)), default=0 * DAY)
    span = (time[-1] - time[0] + interval) / YEAR
    deepest, deepest_low, longest = falls(start, closes, lows, time, interval)
    cagr = power(closes[-1] / start, 1 / span) - 1 if span else NAN
    if closes[-1] <= start / 1_000_000:
        cagr = -1.0
    volatility = stdev(r) * math.sqrt(year) if len(r) > 1 else NAN
    downside = math.sqrt(fmean(min(value, 0.0) ** 2 for value in r))
    return {
        "total_return": closes[-1] / start - 1,
        "cagr": cagr,
        "volatility": volatility,
        "sharpe": ratio(fmean(r) * year, volatility),
        "sortino": ratio(fmean(r) * math.sqrt(year), downside),
        "calmar": ratio(cagr, min(-deepest, 1.0)),
        "max_drawdown": deepest,
        "max_drawdown_duration": longest,
        "max_drawdown_low": deepest_low,
    }


def trades(result):
    table = result.trades
    costs = table["fees"] + table["funding"] + table["interest"] + table["penalty"] + table["forfeited"]
    earned = (table["realised"] - costs + table["bad_debt"]).tolist()
    closed = [pnl for pnl, reason in zip(earned, table["exit_reason"], strict=True) if reason != "open"]
    won, lost = sum(pnl for pnl in closed if pnl > 0), -sum(pnl for pnl in closed if pnl <= 0)
    liquidated = set(keys(result.fills[result.fills["reason"] == "liquidation"]))
    return {
        "exposure": fmean(float(notional > 0.0) for notional in result.history["notional"]),
        "trades": len(table),
        "win_rate": ratio(sum(pnl > 0 for pnl in closed), len(closed)),
        "profit_factor": INF if won > 0 and lost == 0 else ratio(won, lost),
        "expectancy": ratio(won - lost, len(closed)),
        "liquidation_loss": -sum(
            pnl for pnl, row in zip(earned, table.itertuples(), strict=True) if is_liquidated(row, liquidated)
        ),
    }


def keys(events):
    return zip(events["symbol"], events["time"], strict=True)


def is_liquidated(trade, liquidated):
    """Return whether a liquidation fell into a trade; those of one symbol follow each other."""
    last = trade.exit_time if pd.notna(trade.exit_time) else pd.Timestamp.max.tz_localize("UTC")
    return any(symbol == trade.symbol and trade.entry_time <= time <= last for symbol, time in liquidated)


def costs(result):
    return {"fees": result.fills["fee"].sum(), "funding": funding(result), "interest": result.trades["interest"].sum()}


def funding(result):
    """Return what positions paid that were held at the close before a settlement."""
    bars, paid = result.bars, 0.0
    for symbol in bars.symbols:
        frame = bars.frame(symbol)
        if "funding_rate" in frame:
            opens = frame["mark_open"] if "mark_open" in frame else frame["open"]
            held = held_at_closes(result, symbol, "quantity").shift(1).fillna(0.0)
            paid += (held * opens * frame["funding_rate"]).fillna(0.0).sum()
    return paid


def held_at_closes(result, symbol, name):
    """Return a column of the positions at every close: it stands until the next row."""
    rows = result.positions[result.positions["symbol"] == symbol].set_index("time")
    places = rows.index.searchsorted(result.history.index, side="right") - 1
    values = [rows[name].iloc[place] if place >= 0 else NAN for place in places]
    return pd.Series(values, index=result.history.index, dtype=float)


def margin(result):
    history, liquidations, orders = result.history, result.liquidations, result.orders
    account = result.description["account"]
    last = history["equity"].iloc[-1]
    return {
        "liquidations": len(liquidations),
        "penalties": liquidations["penalty"].sum(),
        "forfeited": liquidations["forfeited"].sum(),
        "bad_debt": liquidations["bad_debt"].sum(),
        "highest_margin_ratio": max(history["margin_ratio"]),
        "smallest_liquidation_distance": distance(result),
        "highest_effective_leverage": max(leverage(row) for row in history.itertuples()),
        "cut_orders": sum(reason in ("tier", "margin") for reason in orders["reason"]),
        "refused_orders": sum(reason in ("refused", "ruined") for reason in orders["reason"]),
        "ruined": bool(last <= account["cash"] / 1_000_000),
    }


def leverage(row):
    if row.notional == 0.0:
        return 0.0
    return row.notional / row.equity if row.equity > 0.0 else INF


def distance(result):
    """Return how near the mark of a close came to a liquidation price."""
    nearest = INF
    for symbol in result.bars.symbols:
        frame = result.bars.frame(symbol)
        marks = (frame["mark_close"] if "mark_close" in frame else frame["close"]).ffill()
        for mark, price in zip(marks, held_at_closes(result, symbol, "liquidation_price"), strict=True):
            if price == price:
                nearest = min(nearest, abs(mark - price) / mark)
    return nearest if nearest < 1.0 else NAN


def calls(result):
    events, amounts = result.calls["event"].tolist(), result.calls["amount"].tolist()

    def moved(event):
        return sum(amount for each, amount in zip(events, amounts, strict=True) if each == event)

    bad_debt = result.liquidations["bad_debt"].tolist()
    paid_in = (result.liquidations["penalty"] + result.liquidations["forfeited"]).tolist()
    size = result.description["venue"]["insurance_fund"]
    fund, socialised = size or 0.0, 0.0
    for gain, debt in zip(paid_in, bad_debt, strict=True):
        fund += gain - debt
        if size is not None and fund < 0.0:
            fund, socialised = 0.0, socialised - fund
    return {
        "margin_calls": events.count("call"),
        "forced_closes": events.count("forced"),
        "deposits": moved("deposit"),
        "refills": events.count("refill"),
        "refilled": moved("refill"),
        "insurance_fund": fund,
        "socialised_loss": socialised,
        "marks": "given" if result.description["data"]["marks"] else "traded prices",
    }


def figures(result):
    """Return every figure of the summary, by name."""
    return returns_and_risk(result) | trades(result) | costs(result) | margin(result) | calls(result)
