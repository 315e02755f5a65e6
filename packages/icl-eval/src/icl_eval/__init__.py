"""Evaluation and figures for in-context learning runs."""

import lazy_loader

# The names are listed in __init__.pyi, each imported when it is first used: a mistake on the command line does not wait
# for PyTorch and matplotlib.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
