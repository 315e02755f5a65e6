"""A conformance check for anybody's own source."""

from __future__ import annotations

import numpy as np

from icl_data._source import KINDS, Source


def check_source(source: Source) -> None:
    """Check that an object keeps what the `Source` protocol promises.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    assert isinstance(source, Source), f"{type(source).__name__} lacks attributes or methods of icl_data.Source"
    assert source.kind in KINDS, f"kind must be one of {', '.join(KINDS)}, got {source.kind!r}"
    assert source.n_classes >= 1, f"n_classes must be at least 1, got {source.n_classes}"
    assert source.n_exemplars >= 1, f"n_exemplars must be at least 1, got {source.n_exemplars}"
    axes = {"id": 0, "vector": 1, "image": 3}[source.kind]
    shape = source.example_shape
    assert isinstance(shape, tuple), f"example_shape must be a tuple, got {shape!r}"
    assert len(shape) == axes, f"example_shape of a {source.kind} must have {axes} axes, got {shape}"
    keys = np.asarray(source.class_keys)
    assert keys.shape == (source.n_classes,), f"class_keys must have shape ({source.n_classes},), got {keys.shape}"
    assert (np.diff(keys) > 0).all(), "class_keys must ascend without repeats"
    assert source.noise_scale >= 0, f"noise_scale must be >= 0, got {source.noise_scale}"
    _check_gather(source)
    _check_noise(source)


def _check_gather(source: Source) -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(source.n_classes, size=(3, 4))
    exemplars = rng.integers(source.n_exemplars, size=(3, 4))
    classes[-1, -1], exemplars[-1, -1] = source.n_classes - 1, source.n_exemplars - 1
    found = source.gather(classes, exemplars)
    expected = (3, 4, *source.example_shape)
    assert found.shape == expected, f"gather of (3, 4) indices must have shape {expected}, got {found.shape}"
    dtype = np.int32 if source.kind == "id" else np.float32
    assert found.dtype == dtype, f"gather must return {np.dtype(dtype)}, got {found.dtype}"
    assert np.isfinite(found).all(), "examples must be finite"
    if source.kind == "image":
        assert found.min() >= 0, f"images must be at least 0, got {found.min()}"
        assert found.max() <= 1, f"images must be at most 1, got {found.max()}"
    kept = found.copy()
    assert np.array_equal(source.gather(classes, exemplars), kept), (
        "gather without noise must always return the same examples"
    )
    one = source.gather(classes[1, 2], exemplars[1, 2])
    assert np.array_equal(one, kept[1, 2]), "gather must return the same example whatever the shape of the indices"
    found[...] = 0
    assert np.array_equal(source.gather(classes, exemplars), kept), "gather must not hand out its own storage"


def _check_noise(source: Source) -> None:
    classes = np.zeros(5, dtype=np.int64)
    clean = source.gather(classes, classes)
    noise = np.random.default_rng(1).standard_normal(clean.shape)
    noisy = source.gather(classes, classes, noise)
    assert noisy.shape == clean.shape, f"noise must not change the shape, got {noisy.shape}"
    assert noisy.dtype == clean.dtype, f"noise must not change the dtype, got {noisy.dtype}"
    changed = not np.array_equal(noisy, clean)
    assert changed == (source.noise_scale > 0), "gather must use noise exactly if noise_scale is above 0"
