"""What the fields of a run's configuration are, and their plain form."""
