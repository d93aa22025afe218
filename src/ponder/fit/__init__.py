"""What fits: this machine, memory, speed, placement and a recommendation."""
