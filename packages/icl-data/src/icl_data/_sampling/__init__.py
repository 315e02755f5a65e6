"""The vectorised way of drawing: whole batches at once."""
