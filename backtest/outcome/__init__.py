"""What a replay came to: logs, trades and figures, in memory and on disk."""
