"""What a strategy says: targets, and what else it sets bar by bar."""
