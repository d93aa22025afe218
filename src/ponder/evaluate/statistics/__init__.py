"""What a number of samples says about a model, and how sure that is."""
