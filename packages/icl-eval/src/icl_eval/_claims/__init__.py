"""What experiments claim, held against runs."""
