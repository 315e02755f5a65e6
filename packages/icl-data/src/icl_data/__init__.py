"""Sequences with controlled statistics for studying in-context and in-weights learning."""
