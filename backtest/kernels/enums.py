"""The choices that settings make, and the reasons that logs give, as the integers that kernels compare."""

from enum import IntEnum


class MarginMode(IntEnum):
    """What backs a position: its own margin, or the whole wallet."""

    ISOLATED = 0
    CROSS = 1


class Sizing(IntEnum):
    """What a signal is a fraction of."""

    EQUITY = 0
    CASH = 1


class Rebalance(IntEnum):
    """When an instrument is ordered: when its signal changes, or on every bar."""

    SIGNAL = 0
    BAR = 1


class Reentry(IntEnum):
    """When a position is opened again after a stop or take-profit."""

    SIGNAL = 0
    BAR = 1


class OnLiquidation(IntEnum):
    """What follows a liquidation: waiting for a signal, an order at the next open, nothing any more, or new money."""

    WAIT = 0
    REENTER = 1
    STOP = 2
    REFILL = 3


class Intrabar(IntEnum):
    """The order in which a bar reaches its extremes."""

    WORST = 0
    PATH = 1
    BEST = 2
    ALONE = 3  # one instrument goes to its worst price first, while all others go to their best


class Liquidation(IntEnum):
    """How much of a position a breach closes."""

    FULL = 0
    STEP_DOWN = 1
    SHARE = 2
    RESTORE = 3


class LiquidationOrder(IntEnum):
    """Which positions of a cross account a breach closes first."""

    EVERYTHING = 0
    LARGEST_LOSS = 1
    LARGEST_MAINTENANCE = 2


class MaintenanceOn(IntEnum):
    """The notional that the maintenance curve is read at."""

    MARK = 0
    ENTRY = 1
    NET = 2


class Reason(IntEnum):
    """Why a fill happened."""

    SIGNAL = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2
    LIQUIDATION = 3


class Shortfall(IntEnum):
    """Why an order got less than it wanted."""

    TIER = 0
    FEES = 1
    MARGIN = 2
    REFUSED = 3
    WAITING = 4
    RUINED = 5
    MINIMUM = 6


class CallEvent(IntEnum):
    """What happened to a margin call, or which money was moved."""

    CALL = 0
    DEPOSIT = 1
    CURE = 2
    FORCED = 3
    REFILL = 4
    MARGIN_ADD = 5


class Barred(IntEnum):
    """Until when a forced exit keeps an instrument flat."""

    NO = 0
    UNTIL_SIGNAL = 1
    FOREVER = 2


class Change(IntEnum):
    """What a strategy changes at the close of a bar."""

    SIGNAL = 0
    LEVERAGE = 1
    STOP_LOSS = 2
    TAKE_PROFIT = 3
    MARGIN_ADD = 4
