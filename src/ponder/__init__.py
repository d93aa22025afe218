"""ponder: choose, run, inspect and correct reasoning models on your own hardware."""
