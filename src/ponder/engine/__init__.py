"""What runs: the Engine protocol and the engines behind it."""
