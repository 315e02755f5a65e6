"""The runs of a sweep as values: what is varied, around one configuration, and what the runs are called."""
