"""The vocabulary of both ways of drawing: kinds of sequence, class splits, labelings, batches."""
