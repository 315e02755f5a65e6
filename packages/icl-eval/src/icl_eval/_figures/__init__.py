"""Figures of the paper, and the values that it published."""
