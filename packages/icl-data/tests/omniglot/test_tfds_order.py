"""Images come in TensorFlow Datasets' order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icl_data._omniglot.files import BACKGROUND, EVALUATION, Part, _hash, _named
from icl_data._omniglot.stores import ZipStore

ORDER = np.load(Path(__file__).parents[1] / "golden" / "tfds_order.npz")


@pytest.mark.parametrize("part", [BACKGROUND, EVALUATION], ids=lambda part: part.name)
def test_read_order_of_every_image_equals_tensorflow_datasets(part: Part, omniglot: Path) -> None:
    names, contents = _named(ZipStore(omniglot / f"{part.name}.zip", part.n_images).files())
    ordered = sorted(range(len(names)), key=lambda place: _hash(names[place][1], part))
    assert [names[place][0] for place in ordered] == ORDER[f"{part.tfds_split}_label"].tolist()

    # Two drawings of one Braille character are the same file, so that only content tells whether the order is right.
    content = {(key, int(name[-6:-4]) - 1): file for (key, name), file in zip(names, contents, strict=True)}
    table = zip(ORDER[f"{part.tfds_split}_label"].tolist(), ORDER[f"{part.tfds_split}_exemplar"].tolist(), strict=True)
    assert [contents[place] for place in ordered] == [content[entry] for entry in table]
