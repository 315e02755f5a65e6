"""Figures of the papers that came after."""
