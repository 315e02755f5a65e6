"""One bit a pixel: the same images in an eighth of the memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from icl_data import Augmented, OmniglotSource
from icl_data.testing import check_source

RNG = np.random.default_rng(0)
OPTIONS = [
    {},
    {"split": "test"},
    {"exemplars": "single"},
    {"exemplars": "separated"},
    {"n_to_keep": 2},
    {"n_to_keep": 4},
    {"exemplars": "separated", "n_to_keep": 13},
]


def _both(folder: Path, **options) -> tuple[OmniglotSource, OmniglotSource]:
    return OmniglotSource(folder, **options), OmniglotSource(folder, packed=True, **options)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_packed_source_holds_the_same_classes_and_images(tiny_omniglot, options: dict) -> None:
    plain, packed = _both(tiny_omniglot.folder, **options)
    assert (packed.n_classes, packed.n_exemplars) == (plain.n_classes, plain.n_exemplars)
    np.testing.assert_array_equal(packed.class_keys, plain.class_keys)
    np.testing.assert_array_equal(packed.read_order, plain.read_order)
    np.testing.assert_array_equal(packed.images, plain.images)
    assert packed.images.dtype == plain.images.dtype


@pytest.mark.parametrize("augment", [False, True])
def test_packed_source_gathers_the_same_floats(tiny_omniglot, augment: bool) -> None:
    plain, packed = (Augmented(base) if augment else base for base in _both(tiny_omniglot.folder))
    classes, exemplars = RNG.integers(plain.n_classes, size=(5, 9)), RNG.integers(4, size=(5, 9))
    found, expected = packed.gather(classes, exemplars), plain.gather(classes, exemplars)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_packed_source_conforms(tiny_omniglot) -> None:
    check_source(OmniglotSource(tiny_omniglot.folder, packed=True))


def test_packed_source_has_one_bit_a_pixel(tiny_omniglot) -> None:
    plain, packed = _both(tiny_omniglot.folder)
    assert plain.bits is None
    assert packed.bits.shape == (5, 4, 1379)  # 11,025 pixels in bytes of eight


RESIDENT = """
import sys
from icl_data import Augmented, OmniglotSource

def resident():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024

before = resident()
source = Augmented(OmniglotSource(sys.argv[1], packed=True, cache=sys.argv[2] or False))
assert source.gather([0, 12983], [0, 19]).any()
print(source.n_classes, resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
@pytest.mark.parametrize("origin", ["zips", "filling the cache", "cache"])
def test_all_of_omniglot_is_resident_in_60_megabytes_as_is_its_augmentation(omniglot, tmp_path, origin: str) -> None:
    cache = "" if origin == "zips" else str(tmp_path)
    if origin == "cache":
        OmniglotSource(omniglot, n_to_keep=1, cache=cache)
    command = [sys.executable, "-c", RESIDENT, str(omniglot), cache]
    n_classes, n_bytes = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert n_classes == 12_984
    assert n_bytes <= 60e6


def test_every_real_image_is_the_same(omniglot: Path) -> None:
    plain, packed = _both(omniglot)
    np.testing.assert_array_equal(np.packbits(plain.images.reshape(1623, 20, -1), axis=-1), packed.bits)
