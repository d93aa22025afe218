"""Whether an answer is right: one file for each kind of answer."""
