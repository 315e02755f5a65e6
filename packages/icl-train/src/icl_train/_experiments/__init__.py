"""The built-in experiments, a module each: what is varied, at which sizes, and what should come out."""
