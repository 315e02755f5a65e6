"""Who else is told of a run's records."""
