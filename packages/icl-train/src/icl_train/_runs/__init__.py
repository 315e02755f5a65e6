"""Run folders: what is in them, and what is told while one is made."""
