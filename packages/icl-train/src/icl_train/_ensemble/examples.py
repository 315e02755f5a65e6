"""The examples of all members of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from icl_data import SequenceBatch
from icl_train._ensemble.member import Member

__all__ = ["Examples", "stacked"]


def stacked(batches: Sequence[SequenceBatch]) -> SequenceBatch:
    """Batches (B, S) one after the other, as one (M B, S)."""
    names = ("class_index", "exemplar_index", "label", "is_rare")
    return SequenceBatch(*(np.concatenate([getattr(one, name) for one in batches]) for name in names))


class Examples:
    """Looks up what indices stand for, with each member's own noise.

    Args:
        members: in order.

    Attributes:
        on_device: whether `look_up` can do it, from indices on the device alone.
        generators: that its noise is drawn from.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        banks = [member.task.bank for member in members]
        self.on_device = all(bank.is_on_device for bank in banks) and not any(m.config.data.p_new for m in members)
        self._noise = [None if bank.deterministic else torch.Generator(bank.device) for bank in banks]
        self.generators = [one for one in self._noise if one is not None]
        # One look-up for all where they have the same examples; noise is drawn by member.
        alike = len({_examples_of(member) for member in members}) == 1 and not self.generators
        self._one_bank = banks[0] if alike and members[0].config.data.source in ("omniglot", "gaussian") else None

    def seed(self, step: int) -> None:
        """Make the noise of `look_up` a function of each member's seed and the step."""
        for member, generator in zip(self._members, self._noise, strict=True):
            if generator is not None:
                member.task.bank.seed_noise(generator, seed=member.config.seeds.data, step=step)

    def look_up(self, classes: Tensor, exemplars: Tensor) -> Tensor:
        """(M, B, S, …) examples of indices (M, B, S) on the device."""
        if self._one_bank is not None:
            found = self._one_bank.look_up(classes.flatten(0, 1), exemplars.flatten(0, 1))
            return found.view(*classes.shape, *found.shape[2:])
        return torch.stack(
            [
                member.task.bank.look_up(classes[i], exemplars[i], self._noise[i])
                for i, member in enumerate(self._members)
            ]
        )

    def __call__(self, batches: Sequence[SequenceBatch], step: int) -> Tensor:
        """(M, B, S, …) examples of batches, each as its member's bank gives them."""
        return torch.stack(
            [
                member.task.bank(batch, seed=member.config.seeds.data, step=step)
                for member, batch in zip(self._members, batches, strict=True)
            ]
        )


def _examples_of(member: Member) -> tuple[object, ...]:
    """What a built-in source's examples hang on."""
    data = member.config.data
    gaussian = (member.config.seeds.split, data.n_trained_classes + data.n_holdout_classes, data.n_exemplars)
    own = gaussian if data.source == "gaussian" else ()
    return (data.source, data.omniglot, data.exemplars, data.augment, data.downsample, data.noise_scale, data.dim, *own)
