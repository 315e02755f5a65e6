"""What a component is, which there are, and whose they are."""
