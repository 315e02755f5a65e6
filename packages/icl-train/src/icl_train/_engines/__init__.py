"""Ways to make a run's updates: each operation on its own, compiled, or a whole update as one CUDA graph."""
