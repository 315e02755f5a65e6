"""A conformance suite for anybody's own source.

In a test file, subclass `SourceConformance` and run pytest, or call `check_source` anywhere:

    from icl_data.testing import SourceConformance

    class TestMine(SourceConformance):
        def source(self):
            return Mine(n_classes=5)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._sources.source import KINDS, Source

__all__ = ["SourceConformance", "check_source"]

Indices = npt.NDArray[np.int64]


class SourceConformance:
    """One test for each promise of the `Source` protocol; subclass it and override `source`.

    pytest collects the subclass if its name starts with "Test". Choose small sizes: every test asks for the source
    anew. Nothing here needs pytest itself.
    """

    def source(self) -> Source:
        """The source under test, made anew or kept from an earlier call.

        Returns:
            A source in the state in which users get it.

        Raises:
            NotImplementedError: the subclass does not say which source.
        """
        raise NotImplementedError("override source() to return the source under test")

    def test_it_has_all_members_of_the_protocol(self) -> None:
        source = self.source()
        members = [*Source.__annotations__, "gather"]
        missing = [name for name in members if not hasattr(source, name)]
        assert not missing, f"{type(source).__name__} lacks {', '.join(missing)} of icl_data.Source"

    def test_kind_is_one_that_there_is(self) -> None:
        kind = self.source().kind
        assert kind in KINDS, f"kind must be one of {', '.join(KINDS)}, got {kind!r}"

    def test_there_are_classes_and_exemplars(self) -> None:
        source = self.source()
        for name in ("n_classes", "n_exemplars"):
            number = getattr(source, name)
            assert isinstance(number, int | np.integer), f"{name} must be an integer, got {number!r}"
            assert number >= 1, f"{name} must be at least 1, got {number}"

    def test_example_shape_suits_the_kind(self) -> None:
        source = self.source()
        axes = {"id": 0, "vector": 1, "image": 3}.get(source.kind)
        shape = source.example_shape
        assert isinstance(shape, tuple), f"example_shape must be a tuple, got {shape!r}"
        assert axes is None or len(shape) == axes, (
            f"example_shape of kind {source.kind} must have {axes} axes, got {shape}"
        )
        assert all(length >= 1 for length in shape), f"example_shape must have no empty axis, got {shape}"

    def test_class_keys_ascend_one_per_class(self) -> None:
        source = self.source()
        keys = np.asarray(source.class_keys)
        assert keys.shape == (source.n_classes,), f"class_keys must have shape ({source.n_classes},), got {keys.shape}"
        assert np.issubdtype(keys.dtype, np.integer), f"class_keys must be integers, got {keys.dtype}"
        assert (keys[1:] > keys[:-1]).all(), "class_keys must ascend without repeats"

    def test_noise_scale_is_finite_and_not_negative(self) -> None:
        noise_scale = self.source().noise_scale
        assert 0 <= noise_scale < np.inf, f"noise_scale must be >= 0 and finite, got {noise_scale}"

    def test_gather_returns_one_example_for_each_index(self) -> None:
        source = self.source()
        for shape in ((3, 4), (5,), (), (0,), (2, 1, 3)):
            expected = (*shape, *source.example_shape)
            found = source.gather(*_indices(source, shape))
            assert found.shape == expected, f"gather of {shape} indices must have shape {expected}, got {found.shape}"

    def test_gather_reaches_the_last_class_and_exemplar(self) -> None:
        source = self.source()
        try:
            source.gather(np.array([source.n_classes - 1]), np.array([source.n_exemplars - 1]))
        except IndexError as error:
            raise AssertionError(
                f"gather must know class {source.n_classes - 1} and exemplar {source.n_exemplars - 1}: {error}"
            ) from error

    def test_gather_takes_lists_of_indices(self) -> None:
        source = self.source()
        try:
            source.gather([0, 0], [0, 0])
        except (AttributeError, TypeError) as error:
            raise AssertionError(f"gather must take whatever is like an array: {error}") from error

    def test_examples_have_the_dtype_of_their_kind(self) -> None:
        source = self.source()
        dtype = np.dtype(np.int32 if source.kind == "id" else np.float32)
        found = source.gather(*_indices(source))
        assert found.dtype == dtype, f"gather must return {dtype}, got {found.dtype}"

    def test_examples_are_finite(self) -> None:
        source = self.source()
        assert np.isfinite(source.gather(*_indices(source))).all(), "examples must be finite"

    def test_images_lie_between_zero_and_one_and_ids_are_not_negative(self) -> None:
        source = self.source()
        found = source.gather(*_indices(source))
        if source.kind != "vector":
            assert not (found < 0).any(), f"{source.kind}s must be at least 0, got {found.min()}"
        if source.kind == "image":
            assert not (found > 1).any(), f"images must be at most 1, got {found.max()}"

    def test_gather_without_noise_returns_the_same_examples_again(self) -> None:
        source = self.source()
        first = source.gather(*_indices(source)).copy()
        again = source.gather(*_indices(source))
        assert _same(first, again), "gather without noise must always return the same examples"

    def test_an_example_does_not_depend_on_what_is_gathered_beside_it(self) -> None:
        source = self.source()
        classes, exemplars = _indices(source)
        many = source.gather(classes.copy(), exemplars.copy()).copy()
        one = source.gather(classes[1, 2], exemplars[1, 2])
        assert _same(one, many[1, 2]), "gather must return the same example whatever the shape of the indices"

    def test_gather_leaves_the_indices_as_they_are(self) -> None:
        source = self.source()
        classes, exemplars = _indices(source)
        source.gather(classes, exemplars)
        kept = _indices(source)
        assert _same(classes, kept[0]), "gather must not change class_index"
        assert _same(exemplars, kept[1]), "gather must not change exemplar_index"

    def test_what_is_done_to_examples_does_not_reach_the_source(self) -> None:
        source = self.source()
        found = source.gather(*_indices(source))
        kept = found.copy()
        assert found.flags.writeable, "gather must not hand out its own storage, nor anything that is read-only"
        found[...] = 0
        assert _same(source.gather(*_indices(source)), kept), "gather must not hand out its own storage"

    def test_noise_keeps_shape_and_dtype(self) -> None:
        source = self.source()
        clean, noisy = _with_and_without_noise(source)
        assert noisy.shape == clean.shape, f"noise must not change the shape, got {noisy.shape}"
        assert noisy.dtype == clean.dtype, f"noise must not change the dtype, got {noisy.dtype}"

    def test_noise_is_used_exactly_if_noise_scale_is_above_zero(self) -> None:
        source = self.source()
        clean, noisy = _with_and_without_noise(source)
        changed = not _same(clean, noisy)
        assert changed == (source.noise_scale > 0), "gather must use noise exactly if noise_scale is above 0"

    def test_equal_noise_gives_equal_examples(self) -> None:
        source = self.source()
        first, again = (_with_and_without_noise(source)[1] for _ in range(2))
        assert _same(first, again), "gather must draw no noise of its own beside the noise it is given"


class _Checked(SourceConformance):
    """The suite for a source that is already there."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def source(self) -> Source:
        return self._source


def check_source(source: Source) -> None:
    """Check that an object keeps what the `Source` protocol promises, as `SourceConformance` does.

    Args:
        source: the object.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    suite = _Checked(source)
    for name in vars(SourceConformance):
        if name.startswith("test_"):
            getattr(suite, name)()


def _indices(source: Source, shape: tuple[int, ...] = (3, 4)) -> tuple[Indices, Indices]:
    """Class and exemplar positions, the same each time, in arrays of their own."""
    rng = np.random.default_rng(0)
    return rng.integers(source.n_classes, size=shape), rng.integers(source.n_exemplars, size=shape)


def _with_and_without_noise(source: Source) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    clean = source.gather(*_indices(source)).copy()
    noise = np.random.default_rng(1).standard_normal(clean.shape)
    return clean, source.gather(*_indices(source), noise)


def _same(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    return np.array_equal(first, second, equal_nan=True)
