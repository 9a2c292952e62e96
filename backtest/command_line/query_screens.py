"""What the command line prints of the answer to a query."""

import pandas as pd

from backtest.command_line.tables import facts, fitted, show, terminal

__all__ = ["print_answer"]


def print_answer(answer: pd.DataFrame) -> None:
    """Print a table, every row of it; a block for each row where its columns are too many for the screen."""
    if not len(answer):
        show("no rows", style="dim")
        return
    columns = {str(name): [cell(value) for value in answer[name].tolist()] for name in answer}
    left = {str(name) for name in answer if not pd.api.types.is_numeric_dtype(answer[name])}
    table, dropped = fitted(columns, kept=1, left=left, width=terminal().width)
    if not dropped:
        show(table)
        return
    for row in range(len(answer)):
        lines = facts()
        for name, cells in columns.items():
            lines.add_row(name, cells[row])
        show(lines, *([""] if row < len(answer) - 1 else []))


def cell(value: object) -> str:
    """Return one value: numbers with nine digits at most."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return "-"
    return f"{value:.9g}" if isinstance(value, float) else str(value)
