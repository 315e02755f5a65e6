"""The residual net in training as fused kernels: values and gradients of the plain modules, in fewer passes over memory."""
