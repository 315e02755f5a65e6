"""The noise of a batch as a function of its seed and step, also for a process that takes some of the rows."""

from __future__ import annotations

import hashlib

import torch

from icl_data._sources.counts import check_integers


class Normal:
    """Standard normal numbers for examples first..first+n-1 of a batch of N; each call draws new ones.

    Those of all N are drawn and the others dropped, so that the parts of a batch have the noise of the whole.

    Args:
        generator: where they come from, seeded for the batch.
        device: where they are made.
        n_all: N.
        first: the first example that is wanted.
    """

    def __init__(self, generator: torch.Generator, *, device: torch.device, n_all: int, first: int) -> None:
        self._generator, self._device, self._n_all, self._first = generator, device, n_all, first

    def __call__(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Numbers in the shape (n, ...)."""
        drawn = torch.randn((self._n_all, *shape[1:]), generator=self._generator, device=self._device)
        return drawn[self._first : self._first + shape[0]]


def normal_of_new_classes(shape: tuple[int, ...], *, seed: int, step: int, device: torch.device) -> torch.Tensor:
    """Standard normal numbers that the new classes of a batch are made of, from a stream of their own."""
    return torch.randn(shape, generator=_generator(seed, step, device, of="new"), device=device)


def normal_of_batch(*, seed: int, step: int, device: torch.device, n_all: int, first: int) -> Normal:
    """The noise of one batch, from a generator of its own; the arguments are those of `Normal` and `noise_seed`."""
    return Normal(_generator(seed, step, device), device=device, n_all=n_all, first=first)


def _generator(seed: int, step: int, device: torch.device, of: str = "noise") -> torch.Generator:
    return torch.Generator(device).manual_seed(noise_seed(seed, step, of))


def noise_seed(seed: int, step: int, of: str = "noise") -> int:
    """What a generator is seeded with for the numbers of one batch, which are a function of it on a sort of device."""
    check_integers(seed=seed, step=step)  # others have a text of their own, and so other noise
    digest = hashlib.blake2b(f"icl-data/{of}/{seed}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
