"""Made-up frames of runs and sweeps for the tests of figures, and what is read back out of a figure."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2021-03-01", tz="UTC")


def hours(rows):
    """Return the times of bars, an hour apart."""
    return pd.date_range(START, periods=rows, freq="1h", name="time")


def at(*bars):
    """Return the times of bars by number."""
    return START + pd.to_timedelta(list(bars), unit="h")


def milliseconds(times):
    """Return times as numbers, as `times_in` gives those of a figure."""
    return pd.DatetimeIndex(times).as_unit("ms").asi8.astype(float).tolist()


def times_in(trace):
    """Return the times of a trace as milliseconds; they stand in it as dates, which no zone can move."""
    assert trace.x.dtype == "M8[ms]"
    return trace.x.astype(np.int64).astype(float).tolist()


def bars_of(rows, seed=0):
    """Return open high low close of a random walk."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, rows)))
    opens = np.append(100.0, close[:-1])[:rows]
    high = np.maximum(opens, close) * (1 + random.random(rows) / 100)
    low = np.minimum(opens, close) * (1 - random.random(rows) / 100)
    return pd.DataFrame({"open": opens, "high": high, "low": low, "close": close}, index=hours(rows))


def history_of(rows, seed=0):
    """Return the columns of a history that figures need."""
    random = np.random.default_rng(seed)
    equity = 10_000 + random.normal(0, 50, rows).cumsum()
    columns = {
        "equity": equity,
        "equity_low": equity - random.random(rows) * 100,
        "margin_ratio": random.random(rows) / 2,
        "effective_leverage": 1 + random.random(rows),
        "free_margin": random.random(rows) * 1000,
    }
    columns |= {name: random.random(rows).cumsum() for name in ("fees", "funding", "penalties")}
    return pd.DataFrame({**columns, "interest": 0.0, "forfeited": 0.0}, index=hours(rows))


def drawdowns_of(rows, seed=0):
    """Return falls."""
    fall = -np.random.default_rng(seed).random(rows)
    return pd.DataFrame({"drawdown": fall, "drawdown_low": fall * 1.1}, index=hours(rows))


def liquidations_of(*bars, symbol="A", price=90.0, loss=None):
    """Return liquidations in the bars named."""
    count = len(bars)
    return pd.DataFrame(
        {
            "time": at(*bars),
            "symbol": symbol,
            "quantity": [(-1.0) ** k * (k + 1) for k in range(count)],
            "mark_price": price + 0.5,
            "fill_price": [price + k for k in range(count)],
            "loss": [10.0 * (k + 1) for k in range(count)] if loss is None else loss,
            "penalty": [1.0 + k for k in range(count)],
            "bad_debt": 0.25,
            "gap": [k % 2 == 0 for k in range(count)],
            "joint": False,
            "partial": [k == 1 for k in range(count)],
        }
    )


def trades_of(*rows, symbol="A"):
    """Return trades from (side, entry bar, exit bar or None, reason)."""
    entry = at(*(row[1] for row in rows))
    leave = pd.DatetimeIndex([pd.NaT if row[2] is None else at(row[2])[0] for row in rows])
    return pd.DataFrame(
        {
            "symbol": symbol,
            "side": [row[0] for row in rows],
            "quantity": [1.5 + k for k in range(len(rows))],
            "entry_time": entry,
            "exit_time": leave,
            "entry_price": [100.0 + k for k in range(len(rows))],
            "exit_price": [110.0 + k for k in range(len(rows))],
            "pnl": [5.0 - k for k in range(len(rows))],
            "exit_reason": [row[3] for row in rows],
        }
    )


def positions_of(*rows, symbol="A", **more):
    """Return changes of a position from (bar, quantity, liquidation price, stop price, take-profit price)."""
    frame = pd.DataFrame(
        [row[1:] for row in rows],
        columns=["quantity", "liquidation_price", "stop_price", "take_profit_price"],
        dtype=np.float64,
    )
    return frame.assign(time=at(*(row[0] for row in rows)), symbol=symbol, entry_price=100.0, margin=10.0, **more)


def table_of(settings, growth, **figures):
    """Return a sweep's table from dicts of settings and their growth a year; NaN where a setting could not run."""
    count = len(settings)
    growth = np.array(growth, np.float64)
    frame = pd.DataFrame(settings).assign(reason=["" if one == one else "no such leverage" for one in growth])
    columns = {"cagr": growth, "max_drawdown_low": -growth / 2, "liquidations": np.arange(count, dtype=np.float64)}
    return frame.assign(**(columns | {"ruined": growth <= -1} | figures))


def roles(figure):
    """Return the traces by their role; several of one role in a list."""
    found = {}
    for trace in figure.data:
        found.setdefault(trace.meta["role"], []).append(trace)
    return {role: traces[0] if len(traces) == 1 else traces for role, traces in found.items()}


def points(trace):
    """Return x and y of a trace as (x, y) pairs, None for NaN."""
    xs = times_in(trace) if np.asarray(trace.x).dtype.kind == "M" else map(float, trace.x)
    return [(x, None if y != y else float(y)) for x, y in zip(xs, np.asarray(trace.y, np.float64), strict=True)]


def said(figure):
    """Return the annotations of a figure."""
    return [annotation.text for annotation in figure.layout.annotations]
