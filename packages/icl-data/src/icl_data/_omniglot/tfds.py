"""Reading Omniglot from a folder that TensorFlow Datasets has prepared; needs the extra `icl-data[tfds]`."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from icl_data._omniglot.files import OmniglotError, PackedImages, Part, arrange
from icl_data._omniglot.limits import MOST_OF_AN_IMAGE, Allowance
from icl_data.foundation.extras import import_extra
from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import open_file, require_file

_NEEDED_BY = "OmniglotSource.from_tfds"
_MOST_OF_A_RECORD = MOST_OF_AN_IMAGE + 4096  # an image with its label, alphabet and number


def read_tfds(data_dir: Path | None, part: Part) -> PackedImages:
    """The images of a part, in the order of its records.

    Raises:
        ImportError: the extra is not installed.
        OmniglotError: the folder holds no prepared Omniglot, a damaged one, or one with far more or larger images.
    """
    import_extra("tensorflow", "icl-data[tfds]", _NEEDED_BY)
    tfds = import_extra("tensorflow_datasets", "icl-data[tfds]", _NEEDED_BY)
    where = None if data_dir is None else data_dir / "omniglot"
    try:
        if where is not None:  # the builder reads files already
            check_files(where, part)
        builder = tfds.builder("omniglot", data_dir=None if data_dir is None else str(data_dir))
        where = Path(builder.data_path)
        prepared = bool(builder.is_prepared())
        if prepared:
            check_files(where, part)
            return _read(builder, tfds, part)
    except Exception as error:  # a damaged folder can fail in any way
        reason = describe(error) if isinstance(error, OSError) else one_line(error) or "it is damaged"
        raise OmniglotError(f"{str(where)!r} is not a readable Omniglot of TensorFlow Datasets ({reason})") from error
    raise OmniglotError(
        f"Omniglot not found in {str(builder.data_path)!r}; prepare it with "
        f'tensorflow_datasets.load("omniglot", data_dir={str(builder.data_dir_root)!r})'
    )


def check_files(folder: Path, part: Part) -> None:
    """Look through a prepared folder before TensorFlow reads it, which waits for pipes and takes the memory that a
    record says it needs.

    Args:
        folder: with files, or with folders of them.
        part: what the records are of.

    Raises:
        OSError: NotAFile if something is neither a file nor a folder.
        ValueError: records, or folders and files, are more or larger than they may be.
    """
    allowance = Allowance(part.n_images)
    for path, folders, names in os.walk(folder):
        allowance.take_entries(len(folders) + len(names))
        for name in names:
            if name.startswith(f"omniglot-{part.tfds_split}.tfrecord"):
                _check_records(Path(path, name), Allowance(part.n_images))
            else:
                require_file(Path(path, name))


def _check_records(path: Path, allowance: Allowance) -> None:
    """That each record lies in the file: eight bytes of length, four of checksum, the record, four of checksum."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        while head := file.read(12):
            (length,) = struct.unpack("<Q", head[:8].ljust(8, b"\0"))
            if length > _MOST_OF_A_RECORD or file.tell() + length + 4 > size:
                raise ValueError(
                    f"a record of {str(path)!r} must have at most {_MOST_OF_A_RECORD:,} bytes, all of them there, got "
                    f"{length:,}"
                )
            allowance.take_image(length)
            file.seek(length + 4, os.SEEK_CUR)


def _read(builder: Any, tfds: Any, part: Part) -> PackedImages:
    # The files' own bytes: they are the original one-bit PNGs, and decoding them here makes the pixels the zip
    # reader's. One shard at a time keeps the order of the records.
    records = builder.as_dataset(
        split=part.tfds_split,
        shuffle_files=False,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
    )
    allowance, found = Allowance(part.n_images), []
    for record in tfds.as_numpy(records):
        image = bytes(record["image"])
        allowance.take_image(len(image))
        found.append((int(record["label"]), image))
    return arrange([label for label, _ in found], np.arange(len(found)), [image for _, image in found])
