"""The file of a saved model: what its header claims, and the hash that tells whether it is as it was written."""
