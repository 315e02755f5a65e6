"""Examples and batches as JAX arrays; needs the extra `icl-data[jax]`, and no PyTorch."""

try:
    import jax as _jax
except ModuleNotFoundError as error:
    if error.name != "jax":
        raise
    raise ImportError('icl_data.jax needs JAX, which is not installed: pip install "icl-data[jax]"') from error

from icl_data.jax._bank import ExampleBank
from icl_data.jax._conversion import to_jax
from icl_data.jax._downsampling import downsample

__all__ = ["ExampleBank", "downsample", "to_jax"]

del _jax
