"""Sequences with controlled statistics for studying in-context and in-weights learning."""

import lazy_loader

# The names are listed in __init__.pyi, and each is imported when it is first used: what the four packages share needs
# no NumPy, and Ctrl+C is heard from the first hundredths of a second on.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
