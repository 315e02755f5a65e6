"""Embedders and sequence models for in-context learning, bit-compatible with Chan et al. 2022."""

import lazy_loader

# The names are listed in __init__.pyi, and each is imported when it is first used: settings need no PyTorch, and a
# command that only reads or refuses them should not wait for it.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
