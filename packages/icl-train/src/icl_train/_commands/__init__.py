"""What the command `icl-train` runs."""
