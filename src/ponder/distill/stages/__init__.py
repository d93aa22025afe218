"""The kinds of stages a recipe may have, one file each; every file ends with its `KIND`."""
