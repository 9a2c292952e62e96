"""What a replay walks: bars, read, checked and packed."""
