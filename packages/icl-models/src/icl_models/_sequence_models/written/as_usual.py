"""Whether a pass may be written out: nobody watches the modules or the operations, and the parts are the usual ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules import module as global_hooks

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_GLOBAL_HOOKS = tuple(f"_global{name}" for name in _HOOKS)


def operations_are_unwatched() -> bool:
    """No tracing, transform, mode or autocast that has to see each operation or what it saves."""
    return not (
        torch.compiler.is_compiling()
        or torch.is_autocast_enabled("cpu")
        or torch._C._get_tracing_state() is not None
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._len_torch_function_stack()
        or forward_ad._current_level >= 0
        or torch._C._autograd._top_saved_tensors_default_hooks(True) is not None
        or any(getattr(global_hooks, name) for name in _GLOBAL_HOOKS)
    )


def is_unwatched(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether it is of this class, not of one made from it, with no hooks and no forward pass of its own."""
    own = module.__dict__
    return (
        type(module) is kind
        and not (own["_forward_hooks"] or own["_forward_pre_hooks"])
        and not (own["_backward_hooks"] or own["_backward_pre_hooks"])
        and "forward" not in own
        and own.get("_compiled_call_impl") is None
    )


def weight_and_bias(module: nn.Module, kind: type[nn.Module]) -> tuple[Tensor, Tensor] | None:
    """Of a usual module, if they are float32 on the CPU, row by row."""
    if not is_unwatched(module, kind):
        return None
    weight, bias = module._parameters.get("weight"), module._parameters.get("bias")
    if weight is None or bias is None or not (_is_usual(weight) and _is_usual(bias)):
        return None
    return weight, bias


def _is_usual(tensor: Tensor) -> bool:
    return (
        (type(tensor) is nn.Parameter or type(tensor) is Tensor)
        and tensor.dtype is torch.float32
        and tensor.is_cpu
        and tensor.is_contiguous()
    )
