"""The records of what a history is summed up in: falls of its equity, round trips, and their totals.

Units are those of `schema`.
"""

import numpy as np

from backtest.kernels.schema import record

FALLS = record(
    [
        ("mark", np.float64),  # see curves.Falls, whose fields these are
        ("lowest", np.float64),
        ("lowest_low", np.float64),
        ("since", np.int64),
        ("first", np.int64),
        ("below", np.int64),
        ("max_drawdown", np.float64),
        ("max_drawdown_low", np.float64),
        ("longest", np.int64),
        ("longest_first", np.int64),
    ]
)

TRIP = record(
    [
        ("instrument", np.int64),
        ("short", np.int64),  # 1: opened by a sale
        ("quantity", np.float64),  # the largest held, unsigned
        ("entry_bar", np.int64),
        ("exit_bar", np.int64),  # T while open
        ("entry_price", np.float64),  # average over what opened, weighted by quantity
        ("exit_price", np.float64),  # average over what closed, NaN where nothing did
        ("margin", np.float64),  # initial margin put up, summed over the openings
        ("realised", np.float64),
        ("fees", np.float64),
        ("funding", np.float64),
        ("interest", np.float64),
        ("penalty", np.float64),
        ("forfeited", np.float64),
        ("bad_debt", np.float64),
        ("pnl", np.float64),  # realised - fees - funding - interest - penalty - forfeited + bad_debt
        ("reason", np.int64),  # Reason of the last fill, or trips.OPEN
        ("liquidated", np.int64),  # 1: in full or in part
        ("opened", np.float64),  # quantity that opened, unsigned
        ("closed", np.float64),  # likewise
    ]
)

TOTALS = record(
    [
        ("equity", np.float64),  # at the last close
        ("max_drawdown", np.float64),  # see curves.Falls
        ("max_drawdown_low", np.float64),
        ("longest", np.int64),
        ("longest_first", np.int64),
        ("liquidations", np.int64),
        ("trades", np.int64),
        ("closed", np.int64),  # trades that are not open any more
        ("wins", np.int64),  # closed trades that earned something
        ("won", np.float64),  # by those
        ("lost", np.float64),  # by the other closed trades, above 0
        ("liquidation_loss", np.float64),  # by trades that were liquidated, in full or in part
        ("cut_orders", np.int64),
        ("refused_orders", np.int64),
        ("margin_calls", np.int64),
        ("forced_closes", np.int64),
        ("deposits", np.float64),  # from the reserve
        ("refilled", np.float64),  # from outside
    ]
)
