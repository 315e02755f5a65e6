"""The conformance suite shipped to authors of sources: built-in sources pass it, and it finds each broken promise."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from icl_data import ArraySource, Augmented, GaussianSource, ImageFolderSource, OmniglotSource, Source, SymbolicSource
from icl_data.testing import SourceConformance, check_source

TESTS = [name for name in vars(SourceConformance) if name.startswith("test_")]


class TestSymbolic(SourceConformance):
    def source(self) -> Source:
        return SymbolicSource(7)


class TestGaussian(SourceConformance):
    def source(self) -> Source:
        return GaussianSource(7, dim=5)


class TestGaussianWithoutNoise(SourceConformance):
    def source(self) -> Source:
        return GaussianSource(7, noise_scale=0.0)


class TestIds(SourceConformance):
    def source(self) -> Source:
        return ArraySource(np.arange(15).reshape(5, 3))


class TestVectorsWithNoise(SourceConformance):
    def source(self) -> Source:
        return ArraySource(np.random.default_rng(0).normal(size=(5, 3, 4)), noise_scale=0.2)


class TestImages(SourceConformance):
    def source(self) -> Source:
        return ArraySource(np.random.default_rng(0).random((5, 3, 8, 6)))


class TestBytesOfColouredImages(SourceConformance):
    def source(self) -> Source:
        return ArraySource(np.random.default_rng(0).integers(256, size=(5, 3, 8, 8, 3), dtype=np.uint8))


class TestAugmented(SourceConformance):
    def source(self) -> Source:
        return Augmented(ArraySource(np.random.default_rng(0).random((5, 3, 8, 8))))


class TestAugmentedWithNoise(SourceConformance):
    def source(self) -> Source:
        return Augmented(ArraySource(np.random.default_rng(0).random((5, 3, 8, 8, 3)), noise_scale=0.1))


class TestNpzFile(SourceConformance):
    @pytest.fixture(autouse=True)
    def _write(self, tmp_path) -> None:
        np.savez(tmp_path / "classes.npz", images=np.random.default_rng(0).random((5, 3, 8, 6)))
        self.path = tmp_path / "classes.npz"

    def source(self) -> Source:
        return ArraySource.from_npz(self.path)


class TestH5File(SourceConformance):
    @pytest.fixture(autouse=True)
    def _write(self, tmp_path) -> None:
        h5py = pytest.importorskip("h5py")
        self.path = tmp_path / "classes.h5"
        with h5py.File(self.path, "w") as file:
            file["images"] = np.random.default_rng(0).random((5, 3, 8, 6))

    def source(self) -> Source:
        return ArraySource.from_h5(self.path, "images", noise_scale=0.1)


class TestImageFolder(SourceConformance):
    @pytest.fixture(autouse=True)
    def _write(self, tmp_path) -> None:
        image = pytest.importorskip("PIL.Image")
        self.folder = tmp_path / "shapes"
        for name in ("circle", "cross"):
            (self.folder / name).mkdir(parents=True)
            for number in range(3):
                pixels = np.random.default_rng(number).integers(256, size=(8, 6, 3), dtype=np.uint8)
                image.fromarray(pixels).save(self.folder / name / f"{number}.png")

    def source(self) -> Source:
        return ImageFolderSource(self.folder)


class _Omniglot(SourceConformance):
    exemplars = "all"
    packed = False

    @pytest.fixture(autouse=True)
    def _folder(self, tiny_omniglot) -> None:
        self.folder = tiny_omniglot.folder

    def source(self) -> Source:
        return OmniglotSource(self.folder, exemplars=self.exemplars, packed=self.packed)


class TestOmniglot(_Omniglot):
    pass


class TestOmniglotSingle(_Omniglot):
    exemplars = "single"


class TestOmniglotSeparated(_Omniglot):
    exemplars = "separated"


class TestOmniglotPacked(_Omniglot):
    packed = True


class TestOmniglotAugmented(_Omniglot):
    def source(self) -> Source:
        return Augmented(super().source())


class Stripes:
    """A third-party source: images of stripes, one exemplar for each phase."""

    kind = "image"
    n_classes, n_exemplars, example_shape, noise_scale = 4, 3, (8, 8, 1), 0.0
    class_keys = np.arange(4)

    def gather(self, class_index, exemplar_index, noise=None):
        frequency, phase = np.asarray(class_index)[..., None], np.asarray(exemplar_index)[..., None]
        row = ((np.arange(8) * (frequency + 1) + phase) % 5 / 5).astype(np.float32)
        return np.repeat(row[..., None, :, None], 8, axis=-3)


class TestStripes(SourceConformance):
    def source(self) -> Source:
        return Stripes()


class Grainy(Stripes):
    """The same with noise."""

    noise_scale = 0.5

    def gather(self, class_index, exemplar_index, noise=None):
        found = super().gather(class_index, exemplar_index)
        return found if noise is None else found + np.float32(0.5) * noise.astype(np.float32)


class TestGrainy(SourceConformance):
    def source(self) -> Source:
        return Grainy()


def _with(base: type = Stripes, **members) -> type:
    return type("Broken", (base,), members)


def _changed(change, base: type = Stripes, **members) -> type:
    """A source whose examples are changed: (examples, class_index, noise) -> examples."""

    def gather(self, class_index, exemplar_index, noise=None):
        return change(base.gather(self, class_index, exemplar_index, noise), class_index, noise)

    return _with(base, gather=gather, **members)


def _without(name: str) -> type:
    return type("Broken", (), {key: value for key, value in vars(Stripes).items() if key not in (name, "__dict__")})


class Sharing(Stripes):
    """Hands out its own storage."""

    def __init__(self) -> None:
        self.shared = {}

    def gather(self, class_index, exemplar_index, noise=None):
        key = (np.shape(class_index), np.asarray(class_index).tobytes(), np.asarray(exemplar_index).tobytes())
        return self.shared.setdefault(key, super().gather(class_index, exemplar_index))


class Forgetful(Stripes):
    """Shows other examples the second time."""

    seen = 0

    def gather(self, class_index, exemplar_index, noise=None):
        forgotten = self.seen if noise is None else 0
        self.seen += 1
        return super().gather(class_index, np.asarray(exemplar_index) + forgotten)


class OnlyArrays(Stripes):
    """Asks its indices for what only arrays have."""

    def gather(self, class_index, exemplar_index, noise=None):
        return super().gather(class_index.astype(np.int32), exemplar_index)


def _last_class_lost(examples, class_index, noise):
    if np.any(np.asarray(class_index) == 999):
        raise IndexError("index 999 is out of bounds")
    return examples


def _with_a_hole(examples, class_index, noise):
    examples[..., 0, 0, 0] = np.nan
    return examples


def _overwriting(examples, class_index, noise):
    if np.ndim(class_index) == 2:
        class_index[...] = 0
    return examples


def _read_only(examples, class_index, noise):
    examples.flags.writeable = False
    return examples


def _noisier(examples, class_index, noise):
    return examples if noise is None else examples + np.random.default_rng().random(dtype=np.float32)


def _darker_in_tables(examples, class_index, noise):
    return examples * np.float32(0.5 if np.ndim(class_index) == 2 else 1)


# A broken source, what fails of the suite (first of all the test of the promise itself), and what that test says
BROKEN = {
    "no keys": (
        _without("class_keys"),
        ["it_has_all_members_of_the_protocol", "class_keys_ascend_one_per_class"],
        "Broken lacks class_keys of icl_data.Source",
    ),
    "unknown kind": (_with(kind="sound"), ["kind_is_one_that_there_is"], "id, vector, image, got 'sound'"),
    "classes by halves": (
        _with(n_classes=4.0),
        ["there_are_classes_and_exemplars"],
        r"n_classes must be an integer, got 4\.0",
    ),
    "shape as a list": (
        _with(example_shape=[8, 8, 1]),
        ["example_shape_suits_the_kind"],
        r"must be a tuple, got \[8, 8, 1\]",
    ),
    "image without channels": (
        _changed(lambda found, *_: found[..., 0], example_shape=(8, 8)),
        ["example_shape_suits_the_kind"],
        r"example_shape of kind image must have 3 axes, got \(8, 8\)",
    ),
    "descending keys": (_with(class_keys=np.arange(4)[::-1]), ["class_keys_ascend_one_per_class"], "must ascend"),
    "keys that are no integers": (
        _with(class_keys=np.arange(4) / 2),
        ["class_keys_ascend_one_per_class"],
        "must be integers, got float64",
    ),
    "too few keys": (_with(class_keys=np.arange(3)), ["class_keys_ascend_one_per_class"], r"shape \(4,\), got \(3,\)"),
    "negative noise": (_with(noise_scale=-0.5), ["noise_scale_is_finite_and_not_negative"], r"got -0\.5"),
    "another shape": (
        _changed(lambda found, *_: found[..., 0]),
        ["gather_returns_one_example_for_each_index"],
        r"must have shape \(3, 4, 8, 8, 1\), got \(3, 4, 8, 8\)",
    ),
    "last class out of reach": (
        _changed(_last_class_lost, n_classes=1000, class_keys=np.arange(1000)),
        ["gather_reaches_the_last_class_and_exemplar"],
        "must know class 999 and exemplar 2: index 999 is out of bounds",
    ),
    "no lists": (OnlyArrays, ["gather_takes_lists_of_indices"], "whatever is like an array"),
    "another dtype": (
        _changed(lambda found, *_: found.astype(np.float64)),
        ["examples_have_the_dtype_of_their_kind"],
        "float32, got float64",
    ),
    "not a number": (_changed(_with_a_hole), ["examples_are_finite"], "must be finite"),
    "too bright": (
        _changed(lambda found, *_: found + 1),
        ["images_lie_between_zero_and_one_and_ids_are_not_negative"],
        "images must be at most 1, got 1",
    ),
    "negative ids": (
        _changed(lambda found, *_: found - 1, SymbolicSource, __init__=lambda self: SymbolicSource.__init__(self, 4)),
        ["images_lie_between_zero_and_one_and_ids_are_not_negative"],
        "ids must be at least 0, got -1",
    ),
    "forgetful": (
        Forgetful,
        [
            "gather_without_noise_returns_the_same_examples_again",
            "an_example_does_not_depend_on_what_is_gathered_beside_it",
            "what_is_done_to_examples_does_not_reach_the_source",
        ],
        "always return the same",
    ),
    "other examples in tables": (
        _changed(_darker_in_tables),
        ["an_example_does_not_depend_on_what_is_gathered_beside_it"],
        "whatever the shape of the indices",
    ),
    "overwriting": (
        _changed(_overwriting),
        ["gather_leaves_the_indices_as_they_are"],
        "must not change class_index",
    ),
    "sharing": (Sharing, ["what_is_done_to_examples_does_not_reach_the_source"], "own storage"),
    "read-only": (_changed(_read_only), ["what_is_done_to_examples_does_not_reach_the_source"], "read-only"),
    "noise of another shape": (
        _changed(lambda found, _, noise: found if noise is None else found[..., 0], Grainy),
        ["noise_keeps_shape_and_dtype"],
        "must not change the shape",
    ),
    "noise of another dtype": (
        _changed(lambda found, _, noise: found if noise is None else found.astype(np.float64), Grainy),
        ["noise_keeps_shape_and_dtype"],
        "must not change the dtype, got float64",
    ),
    "claims noise": (_with(noise_scale=0.5), ["noise_is_used_exactly_if_noise_scale_is_above_zero"], "exactly if"),
    "denies noise": (
        _with(Grainy, noise_scale=0.0),
        ["noise_is_used_exactly_if_noise_scale_is_above_zero"],
        "exactly if",
    ),
    "noise of its own": (_changed(_noisier, Grainy), ["equal_noise_gives_equal_examples"], "no noise of its own"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_promise_fails_its_own_test_and_no_other(name: str) -> None:
    make, expected, message = BROKEN[name]
    suite = type("Suite", (SourceConformance,), {"source": lambda self: make()})()
    failures = {test: _failure(getattr(suite, test)) for test in TESTS}
    assert [test.removeprefix("test_") for test, failure in failures.items() if failure] == expected
    assert re.search(message, failures[f"test_{expected[0]}"])


def _failure(test: Callable[[], None]) -> str:
    try:
        test()
    except Exception as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", BROKEN)
def test_check_says_which_promise_is_broken(name: str) -> None:
    make, _, message = BROKEN[name]
    with pytest.raises(AssertionError, match=message):
        check_source(make())


def test_every_promise_has_a_source_that_breaks_it() -> None:
    assert {f"test_{expected[0]}" for _, expected, _ in BROKEN.values()} == set(TESTS)


def test_check_passes_a_third_party_source() -> None:
    check_source(Stripes())


def test_suite_without_a_source_says_what_to_override() -> None:
    with pytest.raises(NotImplementedError, match="override source"):
        SourceConformance().test_kind_is_one_that_there_is()
