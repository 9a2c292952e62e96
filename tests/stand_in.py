"""A run without an engine behind it: frames as Result documents them, for pages of cases that are hard to reach."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from frames import made

import backtest as bt

HISTORY = (
    *("wallet", "margin", "initial_margin", "maintenance_margin", "margin_ratio", "notional", "effective_leverage"),
    *("realised", "fees", "funding", "interest", "penalties", "forfeited", "bad_debt", "reserve", "deposits"),
    *("insurance_fund", "socialised_loss"),
)
COLUMNS = {
    "positions": "time symbol quantity entry_price margin liquidation_price stop_price take_profit_price",
    "liquidations": "time symbol quantity mark_price fill_price bankruptcy_price margin_lost penalty forfeited bad_debt"
    " gap joint partial loss",
    "verdicts": "time symbol gap verdict happens_in",
    "trades": "symbol side quantity entry_time exit_time entry_price exit_price margin realised fees funding interest"
    " penalty forfeited bad_debt pnl return_on_margin bars exit_reason",
    "orders": "time symbol wanted filled reason",
    "calls": "time symbol event balance maintenance asked amount reserve",
}
WORDS = ("symbol", "side", "exit_reason", "reason", "event", "verdict", "happens_in")
FLAGS = ("gap", "joint", "partial")


def frame(name, *rows):
    """Return one of COLUMNS as a frame of rows, given as dicts; what they leave out is 0, False or empty."""
    columns = {}
    for column in COLUMNS[name].split():
        values = [row.get(column) for row in rows]
        if column.endswith("time"):
            columns[column] = pd.to_datetime(pd.Series(values, dtype=object), utc=True).astype("datetime64[ns, UTC]")
        elif column in WORDS:
            columns[column] = pd.Series([value or "" for value in values], dtype="str")
        elif column in FLAGS:
            columns[column] = np.array([bool(value) for value in values], np.bool_)
        else:
            columns[column] = np.array([0.0 if value is None else value for value in values], np.float64)
    return pd.DataFrame(columns)


def liquidation(time, symbol="BTCUSDT", **more):
    """Return a liquidation of a long of 2 at 90, which cost 100."""
    figures = {"quantity": 2.0, "mark_price": 90.0, "fill_price": 90.0, "bankruptcy_price": 89.0, "loss": 100.0}
    return {"time": time, "symbol": symbol, "penalty": 2.0, "margin_lost": 100.0} | figures | more


@dataclass
class StandIn:
    """A run of one or more symbols, flat unless told otherwise."""

    bars: bt.Bars
    equity: np.ndarray | None = None
    positions: pd.DataFrame = field(default_factory=lambda: frame("positions"))
    liquidations: pd.DataFrame = field(default_factory=lambda: frame("liquidations"))
    verdicts: pd.DataFrame = field(default_factory=lambda: frame("verdicts"))
    trades: pd.DataFrame = field(default_factory=lambda: frame("trades"))
    orders: pd.DataFrame = field(default_factory=lambda: frame("orders"))
    calls: pd.DataFrame = field(default_factory=lambda: frame("calls"))
    figures: dict = field(default_factory=dict)
    reserve: float = 0.0  # at the end

    @cached_property
    def history(self):
        """Return a history in which equity is all there is."""
        rows = len(self.bars)
        equity = np.full(rows, 10_000.0) if self.equity is None else np.asarray(self.equity, np.float64)
        columns = {"equity": equity, "equity_low": equity * 0.99} | {name: np.zeros(rows) for name in HISTORY}
        columns |= {"wallet": equity, "free_margin": equity, "reserve": np.full(rows, self.reserve)}
        return pd.DataFrame(columns, index=self.bars.time.rename("time"))

    @cached_property
    def drawdowns(self):
        """Return the falls of equity."""
        peak = self.history["equity"].cummax().clip(lower=10_000.0)
        falls = {"drawdown": self.history["equity"] / peak - 1, "drawdown_low": self.history["equity_low"] / peak - 1}
        return pd.DataFrame(falls)

    @cached_property
    def monthly_returns(self):
        """Return the years of the bars, with nothing earned in any month."""
        years = sorted(set(self.bars.time.year))
        return pd.DataFrame(0.0, index=pd.Index(years, name="year"), columns=[*range(1, 13), "year"])

    @cached_property
    def summary(self):
        """Return a summary of the frames."""
        from backtest.figures_in_words import WRITERS

        figures = dict.fromkeys(WRITERS, 0.0) | {"max_drawdown_duration": pd.Timedelta(0), "marks": "traded prices"}
        figures |= dict.fromkeys(("cut_orders", "margin_calls", "forced_closes", "refills"), 0)
        lost = bool(self.history["equity"].iloc[-1] <= 0.01)
        figures |= {"liquidations": len(self.liquidations), "trades": len(self.trades), "ruined": lost}
        figures |= {"refused_orders": len(self.orders)}
        figures["total_return"] = self.history["equity"].iloc[-1] / 10_000.0 - 1.0
        figures["win_rate"] = float("nan") if self.trades.empty else 0.5
        return pd.Series(figures | self.figures, dtype=object)

    @cached_property
    def description(self):
        """Return a description of the kind that results give."""
        tier = {"floor": 0.0, "maintenance_rate": 0.004, "max_leverage": 125.0, "cap": None}
        return {
            "strategy": {"name": "stand_in", "source": "sha256:00", "params": {"fast": 20, "size": 0.5}},
            "signals": "sha256:11",
            "account": {
                "cash": 10_000.0,
                "leverage": 5.0,
                "margin_mode": "isolated",
                "currency": "quote",
                "reserve": 0.0,
            },
            "venue": {"name": "made_up", "as_of": "", "taker_fee": 0.0005, "symbols": {}, "tiers": {"": [tier]}},
            "data": {
                "symbols": list(self.bars.symbols),
                "bars": len(self.bars),
                "first": str(self.bars.time[0]),
                "last": str(self.bars.time[-1]),
                "source": "frames",
                "marks": False,
                "funding": False,
                "fingerprint": self.bars.fingerprint,
            },
            "versions": {"python": "3.11", "margin-backtest": "0.1.0"},
        }


def bars_of(rows, *symbols, start="2020-01-01", step="1h"):
    """Return bars of random walks."""
    names = symbols or ("BTCUSDT",)
    return bt.Bars.from_frames({name: made(rows, seed, start, step) for seed, name in enumerate(names)})
