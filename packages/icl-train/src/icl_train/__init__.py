"""Training runs and sweeps that measure in-context and in-weights learning."""
