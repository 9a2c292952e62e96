"""The result of a replay: frames that are built when they are first looked at."""

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from backtest.errors import DataError
from backtest.market.bars import Bars
from backtest.outcome import storage
from backtest.outcome.growth import curve_of, drawdowns_of, monthly_returns_of
from backtest.outcome.metrics import EquityCurve
from backtest.outcome.sources import FILES, FRAMES, LONG, Saved, Source
from backtest.text import grouped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Result", "load"]


class Result:
    """Everything that happened in a replay.

    Attributes
    ----------
    equity : Series            at every close, by time (quote)
    history : DataFrame        per bar, by time: equity equity_low wallet margin initial_margin maintenance_margin
        margin_ratio notional effective_leverage free_margin (what no position ties up), running totals: realised fees
        funding interest penalties forfeited bad_debt, then reserve, deposits (a total: from the reserve and by
        refills), insurance_fund, socialised_loss
    positions : DataFrame      time symbol quantity entry_price margin liquidation_price stop_price take_profit_price:
        a row for every bar at whose close one of them is not what it was at the close before. The row of a position
        that is gone has a quantity of 0 and no prices. `liquidation_price` is the mark at which its margin unit is down
        to its maintenance margin, other marks as they close; NaN where no mark is
    fills : DataFrame          time symbol quantity price fee reason
    trades : DataFrame         a row per round trip
    liquidations : DataFrame   time symbol quantity mark_price fill_price bankruptcy_price margin_lost penalty
        forfeited bad_debt gap joint partial loss (what it took from equity: realised loss, penalty and forfeited
        margin, less bad debt)
    verdicts : DataFrame       how sure they are, a row for each: time symbol gap verdict happens_in. "certain" is what
        happens in whatever order the bar reached its extremes, "possible" what does not; see `bracket`
    orders : DataFrame         what margin cut, refused or left waiting: time symbol wanted filled reason
    calls : DataFrame          margin calls and money that was moved: time symbol ("" for a cross account) event balance
        maintenance asked amount reserve
    summary : Series           figures by name
    drawdowns : DataFrame      drawdown drawdown_low, by time: fractions of the high-water mark
    curve : EquityCurve        what returns are taken on: equity and reserve, of which no refill is a return
    monthly_returns : DataFrame  a row a year, columns 1 to 12 and "year"
    bars : Bars                what was replayed; of a saved run without volume

    In hedge mode events have one more column, `leg`: "long" or "short".
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    @cached_property
    def equity(self) -> pd.Series:
        """Return equity at every close."""
        return self._source.equity()

    @cached_property
    def history(self) -> pd.DataFrame:
        """Return what is known at every close, and the ledger's running totals."""
        return self._source.frame("history")

    @cached_property
    def positions(self) -> pd.DataFrame:
        """Return what positions are, at every close at which that changes."""
        return self._source.frame("positions")

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Return every fill in the order in which it happened."""
        return self._source.frame("fills")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Return every round trip."""
        return self._source.frame("trades")

    @cached_property
    def liquidations(self) -> pd.DataFrame:
        """Return every liquidation."""
        return self._source.frame("liquidations")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """Return how sure every liquidation is: each bar that has one is tried in every order."""
        return self._source.frame("verdicts")

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Return every order that got less than it wanted, with the reason."""
        return self._source.frame("orders")

    @cached_property
    def calls(self) -> pd.DataFrame:
        """Return margin calls, what became of them, refills, and margin that the strategy added."""
        return self._source.frame("calls")

    @cached_property
    def summary(self) -> pd.Series:
        """Return the run's figures by name."""
        return self._source.summary()

    @cached_property
    def drawdowns(self) -> pd.DataFrame:
        """Return the falls below the high-water mark, at closes and at the lows inside the bars."""
        return drawdowns_of(self.curve)

    @cached_property
    def monthly_returns(self) -> pd.DataFrame:
        """Return the returns of every month and year."""
        return monthly_returns_of(self.curve)

    @cached_property
    def curve(self) -> EquityCurve:
        """Return what returns are taken on: equity and reserve, of which no refill is a return."""
        account = self.description["account"]
        return curve_of(self.history, self.calls, account["cash"], account["reserve"])

    @cached_property
    def bars(self) -> Bars:
        """Return the bars that were replayed."""
        return self._source.bars()

    @cached_property
    def description(self) -> dict[str, Any]:
        """Return settings, venue, data fingerprint and versions."""
        return self._source.description()

    def __repr__(self) -> str:
        summary = self.summary
        return (
            f"Result(bars {grouped(len(self._source))}, total_return {summary['total_return']:+.2%}, max_drawdown "
            f"{summary['max_drawdown']:.2%}, trades {summary['trades']}, liquidations {summary['liquidations']})"
        )

    def _repr_html_(self) -> str:
        """Return the summary as a table, as notebooks show it."""
        from backtest.pages.notebook import summary_html

        return summary_html(self.summary, currency=self.description["account"]["currency"])

    def plot(self) -> "Figure":
        """Return price, equity, drawdown and margin ratio on one axis of time; `bt.plots` has every figure by itself.

        The price is that of the symbol with the most trades.
        """
        from backtest import plots

        traded = self.trades["symbol"]
        symbol = str(traded.mode().iloc[0]) if len(traded) else self.bars.symbols[0]
        return plots.overview(
            self.bars.frame(symbol),
            self.history,
            self.drawdowns,
            trades=self.trades,
            liquidations=self.liquidations,
            symbol=symbol,
        )

    def report(self, path: str | os.PathLike[str], *, shared_script: bool = False) -> None:
        """Write a page on the run that any browser opens: where the account died, and why.

        Parameters
        ----------
        path : path                an .html file; it may be there, if it is such a page
        shared_script : bool       put plotly's script beside the page, for many pages to share, instead of inside

        Raises
        ------
        DataError                  if something else is there
        """
        from backtest.pages.run_pages import write_run_page

        write_run_page(self, path, shared_script=shared_script)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write one Parquet file per frame and run.json into a folder, all or nothing.

        Raises
        ------
        DataError              if the folder holds something other than a run
        """
        frames: dict[str, storage.Frame] = {name: getattr(self, name) for name in FRAMES if name not in LONG}
        for name in LONG:
            looked_at = name in self.__dict__ and name in FRAMES
            frames[name] = getattr(self, name) if looked_at else self._source.pieces(name)
        storage.save(folder, frames, {**self.description, "summary": self.summary.to_dict()})


def load(folder: str | os.PathLike[str]) -> Result:
    """Return a saved result, with frames equal to those saved.

    Raises
    ------
    DataError                  if the folder holds no run, or a damaged one
    """
    frames, run = storage.load(folder)
    missing = [name for name in FILES if name not in frames]
    if "summary" not in run:
        missing.append("summary")
    if missing:
        raise DataError(
            f"a run must hold {', '.join(FILES)} and a summary, got no {missing[0]} in {folder}; "
            "one that an earlier version saved is to be run again"
        )
    return Result(Saved(frames, run))
