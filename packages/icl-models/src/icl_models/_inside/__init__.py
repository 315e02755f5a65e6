"""Seeing and replacing values inside a model."""
