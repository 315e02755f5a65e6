"""Training runs and sweeps that measure in-context and in-weights learning."""

import lazy_loader

# The names are listed in __init__.pyi, each imported when it is first used: a command that only reads settings or
# run folders does not wait for PyTorch.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
