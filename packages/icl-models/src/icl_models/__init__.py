"""Embedders and sequence models for in-context learning, bit-compatible with Chan et al. 2022."""
