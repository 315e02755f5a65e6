"""Passes of the paper's model as few kernels, for GPUs: with Triton, and where `fused_kernels` asks for them."""
