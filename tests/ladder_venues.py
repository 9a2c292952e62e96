"""Venues of a few tiers, for the tests of margin arithmetic."""

import backtest as bt

NAMES = ("floor", "maintenance_rate", "max_leverage", "short_maintenance_rate", "cap")
ROWS = ((0, 0.005, 50), (10_000, 0.01, 25), (50_000, 0.025, 10), (200_000, 0.1, 4), (1_000_000, 0.25, 2))


def venue_of(rows=ROWS, **settings):
    """Return a venue of tiers, rows of (floor, rate, leverage) that may go on with a short rate and a cap."""
    return bt.Venue(tiers=[bt.Tier(**dict(zip(NAMES, row, strict=False))) for row in rows], **settings)


VENUE = venue_of()
INVERSE = venue_of(contract="inverse")
