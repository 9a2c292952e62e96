"""What the command line prints of files and checks."""

from backtest.command_line.tables import facts, show
from backtest.figures_in_words import count
from backtest.market.inspection import Inspection
from backtest.signalling.lookahead import LookaheadReport

__all__ = ["print_inspection", "print_report"]


def print_inspection(inspection: Inspection) -> None:
    """Print what is in a file."""
    table = facts()
    for label, text in inspection.lines():
        table.add_row(label, text.replace("; ", "\n"))
    show(inspection.path, style="bold")
    show(table)
    if not inspection.clean:
        show("Refused as it is; --repair drops or clips what breaks a rule.", style="yellow")
    show("")


def print_report(report: LookaheadReport) -> None:
    """Print what the look-ahead check found."""
    show(str(report), style="green" if report.passed else "bold red")
    if report.skipped:
        one = len(report.skipped) == 1
        skipped = "1 more prefix, which was" if one else f"{count(len(report.skipped))} more prefixes, which were"
        show(f"The strategy failed on {skipped} skipped.", style="dim")
