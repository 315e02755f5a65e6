"""How run folders come to be: made whole, with where they were made, and the weights that they start from."""
