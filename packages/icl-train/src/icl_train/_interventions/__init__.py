"""Interventions as values: what is done to a part of a model while it trains, and how that is spelled."""
