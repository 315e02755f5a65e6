"""A dataset of an HDF5 file, read piece by piece; needs the extra `icl-data[h5]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._sources.npz import unreadable_array
from icl_data.foundation.command_line import listed
from icl_data.foundation.extras import import_extra
from icl_data.foundation.printable import printable


class H5Rows:
    """Looks like the array it holds, as far as `ArraySource` looks at it.

    The file is opened for every read: an open one could not go to the worker processes of a data loader.

    Args:
        path: the file.
        key: path of the dataset in it; None for the only one.

    Raises:
        ImportError: the extra is not installed.
        ValueError: the file cannot be read, or has no such dataset.
    """

    def __init__(self, path: Path, key: str | None) -> None:
        self._path = path.absolute()
        h5py = import_extra("h5py", "icl-data[h5]", "ArraySource.from_h5")
        try:
            path.open("rb").close()  # h5py tells what the system says in words of its own, many of them
            with h5py.File(self._path) as file:
                if key is None and len(names := _datasets(file, h5py)) == 1:
                    key = names[0]
                dataset = file.get(key) if key else None
                if key is None or not isinstance(dataset, h5py.Dataset):
                    raise ValueError(f"key must be one of {printable(listed(_datasets(file, h5py)))}, got {key!r}")
                self._key: str = key
                self.shape: tuple[int, ...] = tuple(dataset.shape or ())
                self.dtype: np.dtype[Any] = dataset.dtype
        except (OSError, ValueError) as error:
            raise unreadable_array(path, error) from error
        self.size = int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, where: slice | tuple[npt.NDArray[Any], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """A block of classes, or the examples at class and exemplar positions of any shape."""
        h5py = import_extra("h5py", "icl-data[h5]", "ArraySource.from_h5")
        with h5py.File(self._path) as file:
            dataset = file[self._key]
            if isinstance(where, slice):
                return np.asarray(dataset[where])
            classes, exemplars = np.broadcast_arrays(*where)
            rows, places = np.unique(
                np.stack([classes.reshape(-1), exemplars.reshape(-1)]), axis=1, return_inverse=True
            )
            found = np.empty((rows.shape[1], *self.shape[2:]), dtype=self.dtype)
            for place, (index, exemplar) in enumerate(rows.T):
                found[place] = dataset[index, exemplar]
        return np.asarray(found[places.reshape(classes.shape)])


def _datasets(file: Any, h5py: Any) -> list[str]:
    """Paths of all data sets."""
    names: list[str] = []
    file.visititems(lambda name, found: names.append(name) if isinstance(found, h5py.Dataset) else None)
    return names
