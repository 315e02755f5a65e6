"""The transformer without autograd: what it computes on the way there and back, written out for short sequences."""
