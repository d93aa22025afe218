"""Where problems come from: one file for each format."""
