"""The command line, as `python -m backtest`."""

import sys

from backtest.command_line.app import main

if __name__ == "__main__":
    sys.exit(main())
