"""Runs as tables of pandas."""
