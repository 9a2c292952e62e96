"""The windows of a walk as one account: one curve, one summary."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from backtest.kernels.schema import ACCOUNT, TRIP
from backtest.kernels.trips import OPEN
from backtest.outcome.metrics import EquityCurve, summarise
from backtest.outcome.results import Result
from backtest.replaying.records import new_logs

__all__ = ["stitched", "summary_of"]

SUMS = (
    *("fees", "funding", "interest", "liquidations", "liquidation_loss", "penalties", "forfeited", "bad_debt"),
    *("cut_orders", "refused_orders", "margin_calls", "forced_closes", "deposits", "refills", "refilled"),
    *("insurance_fund", "socialised_loss"),
)
HIGHEST = ("highest_margin_ratio", "highest_effective_leverage")
LOWEST = ("smallest_liquidation_distance",)


def stitched(curves: Sequence[EquityCurve]) -> EquityCurve:
    """Return curves that follow each other as one, each from where the one before it ended."""
    level, equity, equity_low = curves[0].cash, [], []
    for curve in curves:
        scale = level / curve.cash  # 1 but after a refill, which is no return
        equity.append(curve.equity * scale)
        equity_low.append(curve.equity_low * scale)
        level = float(equity[-1][-1])
    time = pd.DatetimeIndex(np.concatenate([curve.time.asi8 for curve in curves]).view("M8[ns]"), name="time")
    return EquityCurve(time.tz_localize("UTC"), np.concatenate(equity), np.concatenate(equity_low), curves[0].cash)


def summary_of(curve: EquityCurve, results: Sequence[Result], has_marks: bool) -> pd.Series:
    """Return the figures of all windows, by the names of `Result.summary`.

    Those of the curve and of the trades are taken on all of them, the others are sums, and extremes of extremes.
    """
    trades = pd.concat([result.trades for result in results], ignore_index=True)
    trips = np.zeros(len(trades), TRIP)
    trips["pnl"] = trades["pnl"]
    trips["reason"] = np.where(trades["exit_reason"] == "open", OPEN, 0)  # all that matters of the reason
    figures = pd.DataFrame([result.summary for result in results])
    summary = summarise(curve, trips, new_logs(0, 0, 0, 0), np.zeros(1, ACCOUNT)[0], False, has_marks)
    lengths = [len(result.equity) for result in results]
    summary["exposure"] = float(np.average(figures["exposure"].astype(np.float64), weights=lengths))
    summary["ruined"] = bool(figures["ruined"].iloc[-1])
    for name in SUMS:
        summary[name] = sum(figures[name].tolist())
    for name in HIGHEST:
        summary[name] = float(figures[name].max())
    for name in LOWEST:
        summary[name] = float(figures[name].min())
    return summary
