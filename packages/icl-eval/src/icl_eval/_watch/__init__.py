"""Runs while they are trained, on a terminal: their curves, last values and what is left."""
