"""The residual net in training as fused kernels: what the modules give, in fewer passes over memory."""
