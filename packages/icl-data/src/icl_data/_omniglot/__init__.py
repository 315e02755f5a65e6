"""Omniglot: its files, where they come from, and the source that reads them."""
