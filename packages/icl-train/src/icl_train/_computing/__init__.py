"""The device that a run computes on, and the numbers that it computes with."""
