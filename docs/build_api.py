"""Build the API pages of all public modules: python docs/build_api.py FOLDER

Public are the modules of the four packages whose names do not start with an underscore. What their signatures name must
be installed, PyTorch and JAX as well; a module whose extra is not is left out, and named.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pdoc

PACKAGES = ("icl_data", "icl_models", "icl_train", "icl_eval")


def public_modules() -> Iterator[str]:
    """Names of the public modules that can be imported; pdoc by itself looks behind no `__all__`."""
    for package in PACKAGES:
        yield package
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if any(part.startswith("_") for part in found.name.split(".")):
                continue
            try:
                importlib.import_module(found.name)
                parent = importlib.import_module(found.name.rpartition(".")[0])
            except ImportError as error:
                if 'pip install "icl-' not in str(error):
                    raise
                print(f"without {found.name}: {error}")
            else:
                if hasattr(parent, "__all__"):  # without one, pdoc finds what is in it by itself
                    yield found.name


def main() -> None:
    (folder,) = sys.argv[1:]
    names = list(public_modules())
    warnings.simplefilter("error")  # such as a signature or a link that pdoc cannot make sense of
    pdoc.render.configure(docformat="google")
    pdoc.pdoc(*names, output_directory=Path(folder))
    print(f"{len(names)} modules in {folder}")


if __name__ == "__main__":
    main()
