"""Where kernels run in tests."""

import importlib.util
from typing import Any

import pytest
import torch


@pytest.fixture(scope="session")
def device() -> torch.device:
    """Where kernels can run: a GPU, or the CPU where Triton interprets them."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("needs triton")
    if torch.cuda.is_available():
        return torch.device("cuda")
    from icl_models._fused.switch import interprets

    if not interprets():
        pytest.skip("needs a GPU, or TRITON_INTERPRET=1 before triton is imported")
    _let_scalars_count()
    return torch.device("cpu")


def _let_scalars_count() -> None:
    """Triton 3.6 keeps scalars as arrays of one number, which NumPy from 2.4 on does not take for integers."""
    from triton.runtime import interpreter

    patch = interpreter._patch_lang_tensor

    def patched(tensor: Any, scope: Any) -> None:
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    interpreter._patch_lang_tensor = patched
