"""On what terms an account trades: its own settings, and those of the venue."""
