"""A dataset of an HDF5 file, read piece by piece; needs the extra `icl-data[h5]`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._array_files.h5_datasets import find_dataset
from icl_data._array_files.h5_storage import check_stored
from icl_data._array_files.unreadable import UnreadableArray
from icl_data.foundation.extras import import_extra
from icl_data.foundation.regular_file import open_file


class H5Rows:
    """Looks like the array it holds, as far as `ArraySource` looks at it.

    The file is opened for every read: an open one could not go to the worker processes of a data loader.

    Args:
        path: the file.
        key: path of the dataset in it; None for the only one.

    Raises:
        ImportError: the extra is not installed.
        ValueError: the file cannot be read, has no such dataset, or has it not whole in itself.
    """

    def __init__(self, path: Path, key: str | None) -> None:
        self._path = path.absolute()
        self._key = key
        try:
            with self._dataset() as dataset:
                check_stored(dataset, os.stat(path).st_size)
                self.shape: tuple[int, ...] = tuple(dataset.shape or ())
                self.dtype: np.dtype[Any] = dataset.dtype
        except ImportError:
            raise
        except Exception as error:  # a damaged file can fail in any way
            raise UnreadableArray(path, error) from error
        self.size = math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, where: slice | tuple[Any, Any]) -> npt.NDArray[Any]:
        """A block of classes, some exemplars of one class (an integer and a slice), or the examples at class and
        exemplar positions of any shape.

        Raises:
            IndexError: a position beyond the last.
            ValueError: the file cannot be read any more, is not there, or has another array.
        """
        try:
            with self._dataset() as dataset:
                if (dataset.shape, dataset.dtype) != (self.shape, self.dtype):
                    raise ValueError(f"its array must have the shape {self.shape} that it had, got {dataset.shape}")
                if isinstance(where, slice) or isinstance(where[1], slice):
                    return np.asarray(dataset[where])
                return self._rows(dataset, *where)
        except (ImportError, IndexError):
            raise
        except Exception as error:
            raise UnreadableArray(self._path, error) from error

    @contextmanager
    def _dataset(self) -> Iterator[Any]:
        """The data set, in its opened file."""
        h5py = import_extra("h5py", "icl-data[h5]", "ArraySource.from_h5")
        open_file(self._path).close()  # h5py tells what the system says in words of its own, many of them
        with h5py.File(self._path) as file:
            yield find_dataset(file, self._key, h5py)

    def _rows(self, dataset: Any, class_index: npt.NDArray[Any], exemplar_index: npt.NDArray[Any]) -> npt.NDArray[Any]:
        classes, exemplars = np.broadcast_arrays(class_index, exemplar_index)
        rows, places = np.unique(np.stack([classes.reshape(-1), exemplars.reshape(-1)]), axis=1, return_inverse=True)
        found = np.empty((rows.shape[1], *self.shape[2:]), dtype=self.dtype)
        for place, (index, exemplar) in enumerate(rows.T):
            found[place] = dataset[index, exemplar]
        return np.asarray(found[places.reshape(classes.shape)])
