"""Checkpoints of the released code: reading, writing, and the names of their parameters."""
