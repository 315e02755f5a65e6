"""All examples on one device, looked up by index at the last moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from icl_data._banks.example_table import example_table
from icl_data._banks.index_bounds import check_bounds, holds_new_classes
from icl_data._banks.options import bank_example_shape
from icl_data._sequences.batch import SequenceBatch
from icl_data._sources.gaussian import draws_new_classes
from icl_data._sources.source import Kind, Source
from icl_data.jax._downsampling import downsample as downsample_images
from icl_data.jax._lookup import Meaning, Table, look_up, put_table

Index = jax.Array | npt.ArrayLike
Positions = jax.Array | npt.NDArray[Any]
_NEW = 0x6E6577  # what a key is folded with for the new classes of a batch
Device: TypeAlias = jax.Device | jax.sharding.Sharding | None


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """All of a bank but its numbers, which is what compiled code depends on."""

    kind: Kind
    n_classes: int
    n_exemplars: int
    example_shape: tuple[int, ...]
    deterministic: bool
    draws_new: bool  # it can make classes that it does not hold
    noise_scales: tuple[float, float]  # of the source, unless it is asked, and added to it
    downsample: bool
    meaning: Meaning | None
    # Only for what is looked up on the host, and so never in compiled code.
    source: Source | None = field(compare=False)
    device: Device = field(compare=False)


@jax.tree_util.register_pytree_node_class
class ExampleBank:
    """A source's examples on a device.

    Images stay bytes until they are looked up; augmentation, noise and downsampling happen then, on the device. On a
    CPU the bank shares the memory of an `OmniglotSource`; a packed one stays packed. A source that is not built in,
    and an array that stays in its file, is called on the host, and only outside `jax.jit`.

    A bank is a pytree. Pass it to a function under `jax.jit` as an argument: one that the function merely sees would
    be compiled into it as a constant.

    Args:
        source: where examples come from.
        device: where arrays are made, None for JAX's default device.
        downsample: bilinear 28x28 images, after any noise, as released.
        noise_scale: standard deviation of Gaussian noise added to vectors and images, on top of the source's own.

    Raises:
        ValueError: downsampling of other things than images, noise on ids, or negative noise.
    """

    def __init__(
        self, source: Source, *, device: Device = None, downsample: bool = False, noise_scale: float = 0.0
    ) -> None:
        shape = bank_example_shape(source, downsample=downsample, noise_scale=noise_scale)
        deterministic = not noise_scale and not source.noise_scale
        # Noise belongs on full-size images, so only without it can small ones be stored.
        table = example_table(source, small=downsample and deterministic)
        meaning = None
        if table is not None:
            stored = shape if table.small else tuple(source.example_shape)
            meaning = Meaning(shape=stored, packed=table.packed, scale=table.scale)
        self._table = None if table is None else put_table(table, device)
        self._settings = _Settings(
            kind=source.kind,
            n_classes=source.n_classes,
            n_exemplars=source.n_exemplars,
            example_shape=shape,
            deterministic=deterministic,
            draws_new=draws_new_classes(source),
            noise_scales=(0.0 if table is None else table.noise, noise_scale),
            downsample=downsample and not (table is not None and table.small),
            meaning=meaning,
            source=source if table is None else None,
            device=device,
        )

    @property
    def kind(self) -> Kind:
        """ "id", "vector" or "image"."""
        return self._settings.kind

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of an example, after downsampling."""
        return self._settings.example_shape

    @property
    def deterministic(self) -> bool:
        """No noise enters, so that one class and exemplar always give the same example."""
        return self._settings.deterministic

    def __call__(self, batch: SequenceBatch, *, key: jax.Array | None = None) -> jax.Array:
        """Examples of a batch.

        Args:
            batch: B sequences of length S.
            key: of `jax.random`, which the noise, and new classes, are a function of; None if the bank is deterministic
                and the batch has no new classes.

        Classes from n_classes of the source onwards are the batch's new ones (`Bursty(p_new)`), as many as it has
        sequences, where the source can draw such (`GaussianSource`).

        Returns:
            (B, S) int32 ids, or (B, S, *example_shape) float32, on the device.

        Raises:
            ValueError: noise or new classes enter, and there is no key.
            IndexError: as `gather`.
        """
        settings = self._settings
        new = None
        if settings.draws_new and holds_new_classes(batch.class_index, settings.n_classes):
            if key is None:
                raise ValueError("key must be a jax.random key where there are new classes, got None")
            shape = (len(batch), *settings.example_shape)
            new = jax.random.normal(jax.random.fold_in(key, _NEW), shape, jnp.float32) / shape[-1] ** 0.5
        elif key is None and not self.deterministic:
            raise ValueError("key must be a jax.random key where noise enters, got None; gather gives examples without")
        return self._examples(batch.class_index, batch.exemplar_index, key, new)

    def gather(self, class_index: Index, exemplar_index: Index, *, key: jax.Array | None = None) -> jax.Array:
        """Examples in the broadcast shape of the indices + example_shape, with noise if there is a key.

        Indices are checked where their values are at hand. Under `jax.jit`, where they are not, and on an accelerator,
        where looking would mean waiting, those outside count as the nearest inside.

        Args:
            class_index: class positions, any shape.
            exemplar_index: exemplar positions, a shape that broadcasts with that.
            key: of the noise, None for none.

        Raises:
            IndexError: a class or exemplar that the source does not have.
            ValueError: under `jax.jit`, a source that has to be asked on the host.
        """
        return self._examples(class_index, exemplar_index, key, None)

    def _examples(
        self, class_index: Index, exemplar_index: Index, key: jax.Array | None, new: jax.Array | None
    ) -> jax.Array:
        n_classes = self._settings.n_classes + (0 if new is None else len(new))
        classes = _checked("class_index", class_index, n_classes)
        exemplars = _checked("exemplar_index", exemplar_index, self._settings.n_exemplars)
        found = self._asked(classes, exemplars, key) if self._table is None else _found(self, classes, exemplars, new)
        if self._settings.downsample or (key is not None and any(self._settings.noise_scales)):
            found = _finished(self._settings, found, key)
        return found

    def _asked(self, classes: Positions, exemplars: Positions, key: jax.Array | None) -> jax.Array:
        """Examples from a source on the host, with its own noise."""
        source = self._settings.source
        assert source is not None
        if isinstance(classes, jax.core.Tracer) or isinstance(exemplars, jax.core.Tracer):
            raise ValueError(
                "under jax.jit only built-in sources in memory can be looked up, so call gather outside, "
                f"got {type(source).__name__}"
            )
        classes, exemplars = np.broadcast_arrays(np.asarray(classes), np.asarray(exemplars))
        noise = None
        if key is not None and source.noise_scale:
            shape = (*classes.shape, *source.example_shape)
            noise = np.asarray(jax.random.normal(jax.random.split(key)[0], shape, jnp.float32))
        dtype = np.int32 if source.kind == "id" else np.float32
        found = np.array(source.gather(classes, exemplars, noise), dtype=dtype)
        put: jax.Array = jax.device_put(found, self._settings.device)
        return put

    def tree_flatten(self) -> tuple[tuple[Table | None], _Settings]:
        """For JAX: the numbers, and the rest."""
        return (self._table,), self._settings

    @classmethod
    def tree_unflatten(cls, settings: _Settings, children: tuple[Table | None]) -> Self:
        """For JAX: a bank from numbers, and the rest.

        Args:
            settings, children: what `tree_flatten` returned, the other way round.
        """
        bank = object.__new__(cls)
        (bank._table,), bank._settings = children, settings
        return bank


# Two compiled steps, since XLA for the CPU is slower at both if it fuses noise with what turns images.
@jax.jit
def _found(bank: ExampleBank, classes: Positions, exemplars: Positions, new: jax.Array | None) -> jax.Array:
    settings = bank._settings
    beyond = jnp.asarray(classes) - settings.n_classes
    assert bank._table is not None
    assert settings.meaning is not None
    classes, exemplars = jnp.broadcast_arrays(
        jnp.clip(classes, 0, settings.n_classes - 1), jnp.clip(exemplars, 0, settings.n_exemplars - 1)
    )
    found = look_up(bank._table, settings.meaning, classes.reshape(-1), exemplars.reshape(-1))
    found = found.reshape(*classes.shape, *settings.meaning.shape)
    if new is None:
        return found
    fresh = new[jnp.clip(beyond, 0)] * jnp.float32(settings.meaning.scale)
    return jnp.where((beyond >= 0)[..., None], fresh, found)


@partial(jax.jit, static_argnames="settings")
def _finished(settings: _Settings, found: jax.Array, key: jax.Array | None) -> jax.Array:
    if key is not None:
        for scale, its_key in zip(settings.noise_scales, jax.random.split(key), strict=True):
            if scale:
                found = found + scale * jax.random.normal(its_key, found.shape, found.dtype)
    return downsample_images(found) if settings.downsample else found


def _checked(name: str, index: Index, n: int) -> Positions:
    """Positions as an array, none of them outside, if that can be seen without waiting for a device."""
    if isinstance(index, jax.core.Tracer):
        return index
    if isinstance(index, jax.Array) and any(device.platform != "cpu" for device in index.devices()):
        return index
    positions = np.asarray(index)
    check_bounds(name, positions, n)
    return index if isinstance(index, jax.Array) else positions
