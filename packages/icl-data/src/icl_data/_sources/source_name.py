"""What the name of a source means: an array in a file, a folder of images, or a factory in a module."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from icl_data.foundation.paths import user_path

Which = Literal["array file", "image folder", "factory"]
NUMPY, HDF5 = (".npz", ".npy"), (".h5", ".hdf5")
FORMS = (
    f"an array file ({', '.join(NUMPY + HDF5)}; with :key for one of several arrays), a folder that holds one folder "
    "of images a class, or package.module:factory"
)
# The ending comes before the first colon that can begin a key, so that neither C:\ nor a dot in a key misleads.
_ARRAY_FILE = re.compile(r"(.+?\.(npz|npy|h5|hdf5))(?::(.*))?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SourceName:
    """A source's name, taken apart.

    Attributes:
        which: what it names.
        place: the file, the folder or the module.
        part: the array in the file, or the factory; None for the only array, and for folders.
    """

    which: Which
    place: str
    part: str | None = None

    @property
    def is_hdf5(self) -> bool:
        """Whether it names an array of an HDF5 file."""
        return self.which == "array file" and self.place.lower().endswith(HDF5)


def read_source_name(name: str) -> SourceName | None:
    """Take a name apart; None if it has none of the forms.

    A name with the ending of an array file is one, whether it exists or not.
    """
    array_file = _ARRAY_FILE.fullmatch(name)
    if array_file is not None:
        return SourceName(which="array file", place=array_file[1], part=array_file[3])
    if name and os.path.isdir(user_path(name)):
        return SourceName(which="image folder", place=name)
    module, colon, factory = name.partition(":")
    if not (module and colon and factory) or module.startswith(".") or re.search(r"[/\\]", name):
        return None
    if user_path(module).is_file():  # the file of a format that cannot be read, and a key
        return None
    return SourceName(which="factory", place=module, part=factory)
