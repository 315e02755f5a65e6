"""Evaluation and figures for in-context learning runs."""
