"""What the command `icl-data` runs, one module a command."""
