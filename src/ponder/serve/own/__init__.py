"""What only ponder has: traces, steps, claims, forks, live control, the stream of events, and what fits."""
