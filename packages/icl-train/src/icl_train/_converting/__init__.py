"""Configurations of other codes read as data, never executed, and turned into ours."""
