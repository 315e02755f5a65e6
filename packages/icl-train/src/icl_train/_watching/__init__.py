"""A run as other processes see it: its heartbeat, and what its folder says."""
