"""Configurations as files: a full one to be edited, and one made from the file of another code."""
