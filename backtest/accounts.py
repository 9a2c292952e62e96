"""The account: how much money, how much leverage, and what happens around a position."""

from typing import Annotated, Literal

from pydantic import Field

from backtest.settings import Settings

Positive = Annotated[float, Field(gt=0.0)]


class Account(Settings):
    """Describe the trader's side of a replay.

    Parameters
    ----------
    cash : float               equity before the first bar (quote), above 0
    leverage : float           notional that a full signal takes, per unit of `sizing`; at least 1
    margin_mode : str          "isolated": each position on its own margin; "cross": one wallet behind all positions
    sizing : str               "equity": signals are fractions of the equity at the open; "cash": of `cash`
    rebalance : str            "signal": order when the signal changes; "bar": on every bar
    reentry : str              after a forced exit: "signal": when the signal changes; "bar": at the next open;
                               "never": like "signal", but a liquidated instrument is not traded again
    intrabar : str             "worst": a bar goes to the worst price of the position first; "best": to the best;
                               "path": low first in a rising bar, high first in a falling one
    stop_loss : float, None    distance of the stop from the entry price, a fraction in (0, 1)
    take_profit : float, None  distance of the take-profit from the entry price, a fraction above 0

    Raises
    ------
    ConfigError                for a value outside its range, or a setting that does not exist
    """

    cash: Positive = 10_000.0
    leverage: Annotated[float, Field(ge=1.0)] = 1.0
    margin_mode: Literal["isolated", "cross"] = "isolated"
    sizing: Literal["equity", "cash"] = "equity"
    rebalance: Literal["signal", "bar"] = "signal"
    reentry: Literal["signal", "bar", "never"] = "signal"
    intrabar: Literal["worst", "path", "best"] = "worst"
    stop_loss: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    take_profit: Positive | None = None
