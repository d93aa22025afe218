"""What it thought: tokens to events, events to steps."""
