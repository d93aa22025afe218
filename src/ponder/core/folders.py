"""What lies in ponder's data folder, by name: for those who may not import each other."""

TRACES = "traces.db"
CACHES = "caches"
