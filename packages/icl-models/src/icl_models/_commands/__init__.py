"""What the command `icl-models` runs, one module a command."""
