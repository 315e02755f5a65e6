"""What the command `icl-eval` runs."""
