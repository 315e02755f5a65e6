"""Commands about all runs below a folder at once."""
