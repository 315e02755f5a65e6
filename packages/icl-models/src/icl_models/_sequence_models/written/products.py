"""Matrix products of rows, by the kernel that is fastest on this machine's CPU.

PyTorch sends float32 products to MKL, which stops at AVX2 on processors that are not Intel's; oneDNN, which PyTorch
brings along, uses AVX-512 there and takes half the time at a transformer's shapes (benchmarks/bench_products.py).
"""

from __future__ import annotations

import torch
from torch import Tensor

_linear_pointwise = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
_WORTH_ONEDNN = 2**20  # multiply-adds; before them its longer way to the kernel tells
_by_onednn = None if _linear_pointwise is None else _linear_pointwise.default


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b of rows (N, I), a weight (O, I) of any strides, and a bias (O,); no gradients are recorded."""
    if _by_onednn is not None and x.dtype is torch.float32 and len(x) * weight.numel() >= _WORTH_ONEDNN:
        product: Tensor = _by_onednn(x, weight, bias, "none", [], "")
        return product
    return x @ weight.t() if bias is None else torch.addmm(bias, x, weight.t())


def weight_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    """(O, I), the gradient of the weight of `affine`, from rows (N, I) and the gradient (N, O) of what it gave.

    oneDNN wants the first factor as rows, so the narrower one is copied; that is not worth it for a small square.
    """
    if x.shape[1] < gradient.shape[1]:
        return affine(x.t().contiguous(), gradient.t()).t().contiguous()
    return affine(gradient.t().contiguous(), x.t()) if x.shape[1] > gradient.shape[1] else gradient.t() @ x
