"""Sequences as text and pictures, and their measured statistics."""
