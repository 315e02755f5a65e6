"""Evaluations as values: what can be measured of a run, the built-in ones, and how they are spelled."""
