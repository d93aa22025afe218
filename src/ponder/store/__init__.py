"""What we keep: traces in SQLite, token-exact."""
