"""How to teach: vocabulary, lessons, training, measuring and export of a small reasoning model."""
