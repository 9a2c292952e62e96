"""The account: how much money, how much leverage, and what happens around a position."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from backtest.errors import ConfigError
from backtest.terms.settings import Settings

Positive = Annotated[float, Field(gt=0.0)]


class Account(Settings):
    """Describe the trader's side of a replay.

    Parameters
    ----------
    cash : float               equity before the first bar, above 0 (quote; coin where `currency` is "base", where it
                               must be given)
    leverage : float           notional that a full signal takes, per unit of `sizing`; at least 1
    margin_mode : str          "isolated": each position on its own margin; "cross": one wallet behind all positions
    sizing : str               "equity": signals are fractions of the equity at the open; "cash": of `cash`
    rebalance : str            "signal": order when the signal changes; "bar": on every bar
    reentry : str              after a stop or take-profit: "signal": when the signal changes; "bar": at the next open
    on_liquidation : str       after a liquidation: "wait": until the signal changes; "reenter": order at the next open;
                               "stop": never open again what was closed in full; "refill": wait, and bring
                               the equity back to `cash` at the next open
    reserve : float            money outside of the account that answers margin calls, at least 0 (as `cash`)
    intrabar : str             "worst": a bar goes to the worst price of the position first; "best": to the best;
                               "path": low first in a rising bar, high first in a falling one
    stop_loss : float, None    distance of the stop from the entry price, a fraction in (0, 1)
    take_profit : float, None  distance of the take-profit from the entry price, a fraction above 0
    currency : str             what money is: "quote", or "base": the coin of inverse contracts

    Raises
    ------
    ConfigError                for a value outside its range, or a setting that does not exist
    """

    cash: Positive = 10_000.0
    leverage: Annotated[float, Field(ge=1.0)] = 1.0
    margin_mode: Literal["isolated", "cross"] = "isolated"
    sizing: Literal["equity", "cash"] = "equity"
    rebalance: Literal["signal", "bar"] = "signal"
    reentry: Literal["signal", "bar"] = "signal"
    on_liquidation: Literal["wait", "reenter", "stop", "refill"] = "wait"
    reserve: Annotated[float, Field(ge=0.0)] = 0.0
    intrabar: Literal["worst", "path", "best"] = "worst"
    stop_loss: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    take_profit: Positive | None = None
    currency: Literal["quote", "base"] = "quote"

    @model_validator(mode="after")
    def _say_how_many_coins(self) -> Self:
        if self.currency == "base" and "cash" not in self.model_fields_set:
            raise ConfigError("Account.cash must be given, in coin, where currency is 'base'")
        return self

    @field_validator("reentry", mode="before")
    @classmethod
    def _refuse_never(cls, reentry: Any) -> Any:
        if isinstance(reentry, str) and reentry == "never":
            raise ConfigError(
                "Account.reentry must be 'signal' or 'bar', got 'never'; what follows a liquidation is "
                'on_liquidation="stop" (--on-liquidation stop in the shell)'
            )
        return reentry
