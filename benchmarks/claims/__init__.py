"""How good the claim checker is: on generated worked solutions, on noise, and on real traces."""
