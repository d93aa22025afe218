"""The world of the built-in model: questions without end, each with its reasoning written out and its answer.

One file a task. A task makes a `Problem` from a random source and a level; `reasoning.reasoned` writes how it
is solved. Standard library only: what is here is exact, and the same seed gives the same text everywhere.
"""
