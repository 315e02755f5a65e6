"""Runs of one shape trained together in one process, as one batched model."""
