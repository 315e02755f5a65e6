"""What every other wing, and the other packages, stand on: whole files, extras, memory."""
