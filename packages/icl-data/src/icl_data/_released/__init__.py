"""The exact way of drawing, as the released code does it, and the check that it is."""
