"""A seeded batch of our loader, and its first difference from what it should be."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._released.generator import SeqGenerator
from icl_data._released.sanity_cases import Case, Fields
from icl_data._sources.source import Source


def checksums(images: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """(B, L) numbers, one for the bytes of each of the images (B, L, ...)."""
    digests = [
        hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=8).digest()
        for image in images.reshape(-1, *images.shape[2:])
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").reshape(images.shape[:2])


def first_difference(case: Case, source: Source, expected: Fields) -> str | None:
    """Draw a case's batch with the PyTorch loader and compare it with what is expected.

    Returns:
        One line that names the field, the sequence and the position, counted from 0, or None if all are equal.
    """
    from icl_data.torch import create_sequence_dataloader

    def records() -> Any:
        generator = SeqGenerator(source, **case.generator, seed=case.seed)
        return getattr(generator, f"get_{case.kind}_seq")(**case.args)

    (batch,) = create_sequence_dataloader(records, batch_size=case.n, n_steps=1)
    for name in Fields._fields:
        got, wanted = batch[name].numpy(), getattr(expected, name)
        is_image = name == "examples" and not case.is_symbolic
        shape, dtype = (*wanted.shape, *source.example_shape * is_image), "float32" if is_image else "int64"
        if (got.shape, got.dtype) != (shape, dtype):
            return f"{name}: expected shape {shape} of {dtype}, got {got.shape} of {got.dtype}"
        got = checksums(got) if is_image else got
        different = np.argwhere(got != wanted)
        if len(different):
            sequence, position = map(int, different[0])
            values = [int(array[sequence, position]) for array in (wanted, got)]
            told = [f"an image with checksum {value:016x}" if is_image else str(value) for value in values]
            return f"{name}: sequence {sequence}, position {position}: expected {told[0]}, got {told[1]}"
    return None
