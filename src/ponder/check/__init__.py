"""What is true of it: claims of a reasoning that can be checked, and whether they hold."""
