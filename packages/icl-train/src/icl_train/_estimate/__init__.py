"""How long runs take: what is left of them, times the seconds of each piece of it."""
