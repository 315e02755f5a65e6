"""What a component is: its name, its own settings, how it is built, and what it may ask of a model."""
