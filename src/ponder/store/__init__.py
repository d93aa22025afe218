"""What is kept: every run in one SQLite file, token by token as it arrives, branches sharing their prefix."""

from ponder.store.fleeting import fleeting_store
from ponder.store.journal import Journal
from ponder.store.rescue import Rescue, rescue
from ponder.store.store import Store, open_store
from ponder.store.values import Bundle, Note, Start, Summary

__all__ = [
    "Bundle",
    "Journal",
    "Note",
    "Rescue",
    "Start",
    "Store",
    "Summary",
    "fleeting_store",
    "open_store",
    "rescue",
]
