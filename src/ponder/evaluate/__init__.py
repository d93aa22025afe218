"""How good: tasks, scorers, and statistics with intervals."""
