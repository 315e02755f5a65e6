"""When a curve leaves its plateau, how fast it changes then, and which of several curves changed first."""
