"""Modules from tokens to features, and the parts they are made of."""
