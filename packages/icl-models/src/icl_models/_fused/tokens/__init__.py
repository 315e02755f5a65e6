"""The transformer as two kernels a layer, forward and backward, and one for all gradients of parameters."""
