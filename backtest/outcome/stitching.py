"""The windows of a walk as one account: one curve, one summary."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from backtest.kernels.schema import ACCOUNT
from backtest.kernels.sums_schema import TRIP
from backtest.kernels.trips import OPEN
from backtest.outcome.metrics import EquityCurve, summarise
from backtest.outcome.results import Result
from backtest.replaying.records import new_logs
from backtest.terms.accounts import Account
from backtest.terms.venues import Venue

__all__ = ["CARRIED", "Money", "stitched", "summary_of"]

CARRIED = ("cash", "reserve", "insurance_fund")
"""What a walk carries from one window to the next, and cannot choose."""

SUMS = (
    *("fees", "funding", "interest", "liquidations", "liquidation_loss", "penalties", "forfeited", "bad_debt"),
    *("cut_orders", "refused_orders", "margin_calls", "forced_closes", "deposits", "refills", "refilled"),
    "socialised_loss",
)
HIGHEST = ("highest_margin_ratio", "highest_effective_leverage")
LOWEST = ("smallest_liquidation_distance",)


@dataclass
class Money:
    """What a walk carries from one window to the next."""

    cash: float
    reserve: float
    funds: dict[str, float] = field(default_factory=dict)  # insurance funds, by the name of their venue

    def account(self, account: Account) -> Account:
        """Return an account with the money that is left."""
        return account.model_copy(update={"cash": self.cash, "reserve": self.reserve})

    def venue(self, venue: Venue) -> Venue:
        """Return a venue with what is left in its insurance fund, itself where the fund has no limit."""
        if venue.insurance_fund is None or venue.name not in self.funds:
            return venue
        return venue.model_copy(update={"insurance_fund": self.funds[venue.name]})

    def take(self, result: Result, venue: Venue) -> None:
        """Take what a window leaves; a fund without limit starts every window at 0, and its changes are added up."""
        left = result.history.iloc[-1]
        self.cash, self.reserve = float(left["equity"]), float(left["reserve"])
        before = self.funds.get(venue.name, 0.0) if venue.insurance_fund is None else 0.0
        self.funds[venue.name] = before + float(left["insurance_fund"])


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


def summary_of(curve: EquityCurve, results: Sequence[Result], fund: float, has_marks: bool) -> pd.Series:
    """Return the figures of all windows, by the names of `Result.summary`.

    Those of the curve and of the trades are taken on all of them, the others are sums, and extremes of extremes, but
    for the insurance fund, which is a level: the last.
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
    summary["insurance_fund"] = fund
    for name in SUMS:
        summary[name] = sum(figures[name].tolist())
    for name in HIGHEST:
        summary[name] = float(figures[name].max())
    for name in LOWEST:
        summary[name] = float(figures[name].min())
    return summary
