"""Reading Omniglot from a folder that TensorFlow Datasets has prepared; needs the extra `icl-data[tfds]`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from icl_data._omniglot.files import OmniglotError, PackedImages, Part, arrange
from icl_data.foundation.extras import import_extra

_NEEDED_BY = "OmniglotSource.from_tfds"


def read_tfds(data_dir: Path | None, part: Part) -> PackedImages:
    """The images of a part, in the order of its records.

    Raises:
        ImportError: the extra is not installed.
        OmniglotError: the folder holds no prepared Omniglot, or a damaged one.
    """
    tensorflow = import_extra("tensorflow", "icl-data[tfds]", _NEEDED_BY)
    tfds = import_extra("tensorflow_datasets", "icl-data[tfds]", _NEEDED_BY)
    builder = tfds.builder("omniglot", data_dir=None if data_dir is None else str(data_dir))
    if not builder.is_prepared():
        raise OmniglotError(
            f"Omniglot not found in {str(builder.data_path)!r}; prepare it with "
            f'tensorflow_datasets.load("omniglot", data_dir={str(builder.data_dir_root)!r})'
        )
    try:
        # The files' own bytes: they are the original one-bit PNGs, and decoding them here makes the pixels the zip
        # reader's. One shard at a time keeps the order of the records.
        records = builder.as_dataset(
            split=part.tfds_split,
            shuffle_files=False,
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        found = [(int(record["label"]), bytes(record["image"])) for record in tfds.as_numpy(records)]
        return arrange([label for label, _ in found], np.arange(len(found)), [image for _, image in found])
    except (ValueError, tensorflow.errors.OpError) as error:
        reason = " ".join(str(error).split())
        raise OmniglotError(
            f"{str(builder.data_path)!r} is not a readable Omniglot of TensorFlow Datasets ({reason})"
        ) from error
