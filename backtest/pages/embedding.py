"""Figures inside a page: JSON that no text can break out of, with every array of numbers once."""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from markupsafe import Markup

__all__ = ["Arrays", "figure_text", "json_text"]

SMALL = 64
"""Characters of an array that are not worth a place of their own."""


class Arrays:
    """The arrays of a page by what they hold: charts of the same bars have the same times.

    Attributes
    ----------
    texts : dict               the name that an array goes by, by its bytes in base64
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def place(self, text: str, dtype: str) -> dict[str, str]:
        """Return what stands in a figure for an array given in base64."""
        return {"dtype": dtype, "array": self.texts.setdefault(text, f"array-{len(self.texts)}")}

    def numbers(self, values: npt.ArrayLike, dtype: str) -> dict[str, str]:
        """Return what stands in JSON for numbers, as 4 ("f4") or 8 ("f8") bytes each."""
        data = np.ascontiguousarray(values, dtype=f"<{dtype}").tobytes()
        return self.place(base64.b64encode(data).decode("ascii"), dtype)


def figure_text(figure: "go.Figure", arrays: Arrays) -> "Markup":
    """Return a figure as JSON for a script element, its arrays of numbers left to `arrays`."""
    from plotly.io.json import to_json_plotly

    return _harmless(to_json_plotly(_apart(figure.to_dict(), arrays)))


def json_text(value: object) -> "Markup":
    """Return a value as JSON for a script element."""
    return _harmless(json.dumps(value, allow_nan=False))


def _apart(value: Any, arrays: Arrays) -> Any:
    """Return part of a figure with every flat array of numbers replaced by its name."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "M":  # times, as milliseconds
        return arrays.numbers(value.astype("M8[ms]").view(np.int64), "f8")
    if isinstance(value, list):
        return [_apart(each, arrays) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "bdata" in value and "shape" not in value and len(value["bdata"]) > SMALL:
        return arrays.place(value["bdata"], value["dtype"])
    return {name: _apart(each, arrays) for name, each in value.items()}


def _harmless(text: str) -> "Markup":
    """Return JSON in which no name or text ends the element that it stands in."""
    from markupsafe import Markup

    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704
