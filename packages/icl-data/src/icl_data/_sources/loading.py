"""Finding a source by name: an array file, a folder of image folders, or "package.module:factory"."""

from __future__ import annotations

import importlib
from typing import cast

from icl_data._sources.array import ArraySource
from icl_data._sources.image_folder import ImageFolderSource
from icl_data._sources.source import KINDS, Source
from icl_data._sources.source_name import FORMS, SourceName, read_source_name
from icl_data.foundation.printable import one_line

_MEMBERS = ("n_classes", "n_exemplars", "example_shape", "kind", "class_keys", "noise_scale", "gather")


def load_source(name: str, *, noise_scale: float = 0.0) -> Source:
    """Open the array file or folder that a name means, or call the factory.

    Args:
        name: "features.npz", "features.npz:key", the same with .npy (which has no keys), .h5 or .hdf5; a folder that
            holds one folder of images a class; or "package.module:factory", where factory is a function or class that
            is called without arguments. The key may be left out if the file has one array. `~` is the home folder.
        noise_scale: standard deviation of the Gaussian noise that `gather` adds to examples from files.

    Raises:
        ImportError: the extra that the files need is not installed.
        ValueError: the name has another form, what it means cannot be read or imported, or does not give a source, or
            noise is asked for ids or a factory. What a module or a factory raised itself is the cause.
    """
    found = read_source_name(name)
    if found is None:
        raise ValueError(f"a source's name must be {FORMS}, got {name!r}")
    if found.which == "image folder":
        return ImageFolderSource(found.place, noise_scale)
    if found.which == "factory":
        if noise_scale:
            raise ValueError(f"source {name!r}: a factory's source has its own noise, got noise_scale={noise_scale}")
        return _from_factory(name, found)
    open_file = ArraySource.from_h5 if found.is_hdf5 else ArraySource.from_npz
    return open_file(found.place, found.part, noise_scale=noise_scale)


def _from_factory(name: str, found: SourceName) -> Source:
    module_name, factory_name = found.place, str(found.part)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever somebody's module does when it is run
        if isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(f"{error.name}."):
            raise ValueError(
                f"source {name!r}: module {module_name!r} must be found, got no {error.name} here: run the command "
                "from the folder that holds it, or name that folder in PYTHONPATH"
            ) from error
        raise ValueError(f"source {name!r}: module {module_name!r} could not be imported: {_told(error)}") from error
    factory = getattr(module, factory_name, None)
    if not callable(factory):
        raise ValueError(f"source {name!r}: module {module_name!r} has no callable {factory_name!r}")
    try:
        source = factory()
    except (Exception, SystemExit) as error:
        raise ValueError(f"source {name!r}: {factory_name}() failed: {_told(error)}") from error
    missing = [member for member in _MEMBERS if not hasattr(source, member)]
    if missing:
        kind = one_line(type(source).__name__)
        raise ValueError(f"source {name!r}: {factory_name}() returned a {kind} without {', '.join(missing)}")
    if source.kind not in KINDS:
        raise ValueError(f"source {name!r}: kind must be one of {', '.join(KINDS)}, got {one_line(repr(source.kind))}")
    return cast(Source, source)


def _told(error: BaseException) -> str:
    return one_line(f"{type(error).__name__}: {error}")
