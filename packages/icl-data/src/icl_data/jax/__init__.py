"""Examples and batches as JAX arrays; needs the extra `icl-data[jax]`, and no PyTorch."""

from icl_data.foundation.extras import import_extra

import_extra("jax", "icl-data[jax]", "icl_data.jax")

from icl_data.jax._bank import ExampleBank  # noqa: E402
from icl_data.jax._conversion import to_jax  # noqa: E402
from icl_data.jax._downsampling import downsample  # noqa: E402

__all__ = ["ExampleBank", "downsample", "to_jax"]
