"""What we change: prefixes, budgets and forced answers."""
