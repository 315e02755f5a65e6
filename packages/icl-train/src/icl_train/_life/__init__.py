"""How a run starts, goes on and ends."""
