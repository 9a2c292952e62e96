"""The table of liquidations: when, at what price, what triggered each, how sure it is, and what it cost."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from backtest.figures_in_words import Amount, spoken
from backtest.pages.event_tables import legs
from backtest.pages.runs import Run, Timeline
from backtest.pages.tables import Column, Table, costliest, number_column, rest_in_words, times_column, words
from backtest.text import price, quantity

__all__ = ["liquidations_table", "with_triggers"]

OPTIONAL = ("forfeited", "bad_debt")


def liquidations_table(run: Run, timeline: Timeline, amount: Amount) -> Table:
    """Return the liquidations of a run, those that cost most where there are many."""
    events = with_triggers(run)
    shown = costliest(events, events["loss"])
    columns = [
        times_column("time", shown["time"]),
        words("symbol", shown["symbol"]),
        *legs(shown),
        words("side", ["short" if held < 0 else "long" for held in shown["quantity"]]),
        number_column("quantity", shown["quantity"].abs(), quantity),
        *_prices(shown),
        words("what triggered it", shown["trigger"]),
        words("how", ["gap" if gap else "touch" for gap in shown["gap"]]),
        *_sureness(shown),
        number_column("loss", shown["loss"], amount, "bad"),
        number_column("penalty", shown["penalty"], amount),
        *(
            number_column(spoken(name), shown[name], amount, "bad")
            for name in OPTIONAL
            if name == "bad_debt" or (events[name] > 0).any()
        ),
    ]
    note = rest_in_words(len(events), "liquidation", "costliest")
    return Table(columns, note, timeline.around(shown["time"], list(shown["symbol"])))


def with_triggers(run: Run) -> pd.DataFrame:
    """Return the liquidations with two more columns: `trigger`, in words, and `verdict`, "" where it is not known."""
    events = run.liquidations.reset_index(drop=True)
    verdicts = run.verdicts["verdict"].to_numpy() if len(run.verdicts) == len(events) else ""
    called = set()
    if len(run.calls):
        forced = run.calls[run.calls["event"] == "forced"]
        called = set(zip(forced["time"], forced["symbol"], strict=True))
    before = _prices_before(events, run.positions)
    triggers = [_trigger(row, before[k], called) for k, row in enumerate(events.to_dict("records"))]
    return events.assign(trigger=pd.array(triggers, dtype="str"), verdict=verdicts)


def _trigger(row: Mapping[Any, Any], expected: float, called: set[tuple[object, object]]) -> str:
    """Return what triggered a liquidation."""
    mark, is_long = float(row["mark_price"]), row["quantity"] > 0.0
    if (row["time"], row["symbol"]) in called or (row["time"], "") in called:
        said = f"a margin call was not met, mark at {price(mark)}"
    elif row["gap"]:
        past = (
            f", {'below' if is_long else 'above'} {price(expected)}" if math.isfinite(expected) else ", past its price"
        )
        said = f"mark opened at {price(mark)}{past}"
    elif row["joint"]:
        said = f"all positions together, with this mark at {price(mark)}"
    else:
        said = f"mark {'fell' if is_long else 'rose'} to {price(mark)}"
    return f"{said}; closed in part" if row["partial"] else said


def _prices_before(events: pd.DataFrame, positions: pd.DataFrame) -> list[float]:
    """Return the liquidation price at the close before each liquidation, NaN where there was none."""
    names = ["symbol", "leg"] if "leg" in positions and "leg" in events else ["symbol"]
    held = dict(iter(positions.groupby(names, sort=False))) if len(positions) else {}
    found = []
    for key, time in zip(events[names].itertuples(index=False, name=None), events["time"], strict=True):
        rows = held.get(key)
        row = -1 if rows is None else int(rows["time"].searchsorted(time)) - 1
        found.append(math.nan if rows is None or row < 0 else float(rows["liquidation_price"].iloc[row]))
    return found


def _prices(shown: pd.DataFrame) -> list[Column]:
    """Return one column of prices, or two where fills were not at the mark."""
    mark = number_column("price", shown["mark_price"], price)
    if np.allclose(shown["mark_price"], shown["fill_price"], rtol=1e-12, atol=0.0):
        return [mark]
    return [Column("mark price", mark.cells, mark.keys), number_column("fill price", shown["fill_price"], price)]


def _sureness(shown: pd.DataFrame) -> list[Column]:
    """Return how sure each liquidation is, where that was tried."""
    if not (shown["verdict"] != "").any():
        return []
    return [words("how sure", [verdict or "not tried" for verdict in shown["verdict"]])]
