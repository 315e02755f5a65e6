"""Omniglot from TensorFlow Datasets and from the zips is the same, image by image.

Needs TensorFlow and TensorFlow Datasets, ICL_OMNIGLOT (the folder of the zips) and ICL_TFDS (a folder that TensorFlow
Datasets has prepared).
"""

import os
from pathlib import Path

import numpy as np
import pytest

from icl_data import OmniglotSource

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own


@pytest.fixture(scope="module")
def folders():
    """The zips' folder and TensorFlow Datasets'."""
    missing = [name for name in ("ICL_OMNIGLOT", "ICL_TFDS") if not os.environ.get(name)]
    if missing:
        pytest.skip(
            f"set {' and '.join(missing)}: the folder of the zips, and one that TensorFlow Datasets has prepared"
        )
    for module in ("tensorflow", "tensorflow_datasets", "importlib_resources"):
        pytest.importorskip(module, reason=f'{module} is not installed: pip install "icl-data[tfds]"')
    return Path(os.environ["ICL_OMNIGLOT"]), Path(os.environ["ICL_TFDS"])


def test_classes_order_and_pixels_of_all_32460_images_are_the_same(folders):
    zips, prepared = folders
    expected, found = OmniglotSource(zips, packed=True), OmniglotSource.from_tfds(prepared, packed=True)
    assert found.bits.shape[:2] == (1623, 20)
    np.testing.assert_array_equal(found.class_keys, expected.class_keys)
    np.testing.assert_array_equal(found.read_order, expected.read_order)
    np.testing.assert_array_equal(found.bits, expected.bits)


@pytest.mark.parametrize("split", ["train", "test"])
def test_floats_are_those_that_tensorflow_makes_of_its_records_in_their_order(folders, split):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    source = OmniglotSource(folders[0], split, packed=True)
    seen = np.zeros(source.n_classes, dtype=np.int64)
    config = tfds.ReadConfig(interleave_cycle_length=1)
    dataset = tfds.load("omniglot", data_dir=folders[1], split=split, download=False, read_config=config)
    for batch in dataset.batch(256):
        classes = np.searchsorted(source.class_keys, batch["label"].numpy())
        exemplars = np.empty_like(classes)
        for place, index in enumerate(classes):  # the n-th record of a class is its exemplar n
            exemplars[place], seen[index] = seen[index], seen[index] + 1
        grey = tf.image.rgb_to_grayscale(tf.cast(batch["image"], tf.float32) / 255)
        np.testing.assert_array_equal(source.gather(classes, exemplars), grey.numpy())
    assert (seen == 20).all()
