"""The command line: `backtest COMMAND`, its options, and what its screens say."""
