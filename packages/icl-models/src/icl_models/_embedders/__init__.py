"""Modules from examples to vectors."""
