"""The options that name a source, and the source that they name."""

from __future__ import annotations

import argparse
from typing import Any

from icl_data._commands.field_options import flag
from icl_data._omniglot.source import OmniglotSource
from icl_data._sources.augmented import Augmented
from icl_data._sources.gaussian import GaussianSource
from icl_data._sources.loading import load_source
from icl_data._sources.source import Source, SymbolicSource
from icl_data._sources.source_name import FORMS, SourceName, read_source_name
from icl_data.foundation.command_line import listed, nearest, path_option
from icl_data.foundation.own_modules import modules_here
from icl_data.testing import check_source

_NAMES = ("symbolic", "gaussian", "omniglot")
_N_CLASSES = 1000  # where the source leaves it open

# option → the sources that have it
_OPTIONS = {
    "n_classes": _NAMES,
    "dim": ("gaussian",),
    "noise_scale": ("gaussian", "array file", "image folder"),
    "omniglot": ("omniglot",),
    "omniglot_split": ("omniglot",),
    "omniglot_exemplars": ("omniglot",),
    "key": ("array file",),
}


def add_source_options(parser: argparse.ArgumentParser, *, examples: bool) -> None:
    """Add `--source` and what belongs to it; without `examples`, nothing that changes only what they look like."""
    group = parser.add_argument_group("source of the examples")
    add = group.add_argument
    add(
        "--source",
        metavar="NAME",
        help="symbolic, gaussian (default), omniglot, an .npz, .npy or .h5 file (with :KEY for one of several arrays), "
        "a folder of image folders, or package.module:factory",
    )
    add("--n-classes", type=int, metavar="N", help=f"symbolic, gaussian: {_N_CLASSES}; omniglot: the first N, or all")
    if examples:
        add("--dim", type=int, metavar="N", help="gaussian: dimensions of the vectors")
        add("--noise-scale", type=float, metavar="X", help="gaussian, files: noise of an example within its class")
    add("--key", metavar="NAME", help="files: name of the array, as :KEY after the file")
    add(
        "--omniglot",
        type=path_option,
        metavar="FOLDER",
        help="folder with Omniglot's zips; --source omniglot is implied",
    )
    add("--omniglot-split", metavar="NAME", help="all, train or test")
    add("--omniglot-exemplars", metavar="NAME", help="all, single or separated")
    add("--augment", action="store_true", help="flips and quarter turns of square images, each a class")


def source_from(options: argparse.Namespace) -> Source:
    """The source that the options name.

    Raises:
        ImportError: an extra is not installed.
        OSError, ValueError: there is no such source, it cannot be read, or an option is not for it.
    """
    given = {name: value for name, value in vars(options).items() if name in _OPTIONS and value is not None}
    name = options.source or ("omniglot" if "omniglot" in given else "gaussian")
    found = None if name in _NAMES else _read(name)
    which = found.which if found else name
    for option in given:
        if which not in _OPTIONS[option]:
            valid = [flag(other) for other in vars(options) if which in _OPTIONS.get(other, ())]
            raise ValueError(f"{flag(option)} must be left out with source {name!r}, which has {listed(valid)}")
    if given.get("n_classes", 1) < 1:
        raise ValueError(f"--n-classes must be at least 1, got {given['n_classes']}")
    source = _built_in(name, given) if found is None else _loaded(name, found, given)
    return Augmented(source) if options.augment else source


def _read(name: str) -> SourceName:
    found = read_source_name(name)
    if found is None:
        raise ValueError(f"source must be {', '.join(_NAMES)}, {FORMS}, got {name!r}{nearest(name, _NAMES)}")
    return found


def _built_in(name: str, given: dict[str, Any]) -> Source:
    n_classes = given.get("n_classes", _N_CLASSES)
    if name == "symbolic":
        return SymbolicSource(n_classes)
    if name == "gaussian":
        return GaussianSource(n_classes, **{key: given[key] for key in ("dim", "noise_scale") if key in given})
    split, exemplars = given.get("omniglot_split", "all"), given.get("omniglot_exemplars", "all")
    return OmniglotSource(given.get("omniglot"), split, exemplars, given.get("n_classes"), packed=True)


def _loaded(name: str, found: SourceName, given: dict[str, Any]) -> Source:
    if found.which == "factory":
        return _checked(name)
    if "key" in given:
        if found.part is not None:
            raise ValueError(f"--key must be left out with source {name!r}, which names its array")
        name = f"{name}:{given['key']}"
    return load_source(name, noise_scale=given.get("noise_scale", 0.0))


def _checked(name: str) -> Source:
    """A source of somebody else's code, which can fail in any way and is tried out so that it fails here."""
    with modules_here():  # a console script does not look for modules here as `python -m` does
        source = load_source(name)
        try:
            check_source(source)
        except Exception as error:
            raise ValueError(f"source {name!r}: {str(error) or type(error).__name__}") from error
    return source
