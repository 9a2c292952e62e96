"""A hash of bars that does not depend on how they were read: whole, or piece by piece."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from backtest.market.bars import Bars

__all__ = ["Fingerprint"]


class Fingerprint:
    """A running hash of times, prices, missing bars, marks and funding that is due."""

    def __init__(self) -> None:
        self._bars = 0
        self._parts = {name: hashlib.sha256() for name in ("time", "trade", "missing", "mark", "due", "funding")}

    def update(self, bars: "Bars") -> None:
        """Add bars that follow those added before, of the same symbols."""
        self._add("time", bars.time.asi8)
        self._add("trade", bars.trade)
        self._add("missing", self._counted(~bars.present))
        if bars.has_marks:
            self._add("mark", bars.mark)
        if len(bars.funding):
            due = bars.funding != 0.0
            self._add("due", self._counted(due))
            self._add("funding", bars.funding[due])
        self._bars += len(bars)

    def text(self, symbols: tuple[str, ...], has_marks: bool) -> str:
        """Return the hash; without marks those that were added count for nothing."""
        digest = hashlib.sha256(repr((symbols, has_marks, self._bars)).encode())
        for name, part in self._parts.items():
            if name != "mark" or has_marks:
                digest.update(part.digest())
        return f"sha256:{digest.hexdigest()}"

    def _counted(self, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the numbers of bars and instruments."""
        found = np.argwhere(which)
        found[:, 0] += self._bars
        return found

    def _add(self, part: str, values: NDArray[Any]) -> None:
        self._parts[part].update(np.ascontiguousarray(values).view(np.uint8).data)
