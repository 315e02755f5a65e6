"""What a run's sequences are drawn from, as indices: source, class split, labels, samplers. It needs no PyTorch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from icl_data import (
    Augmented,
    BatchSampler,
    ClassSplit,
    GaussianSource,
    OmniglotSource,
    Source,
    SymbolicSource,
    load_source,
)
from icl_data.foundation.own_modules import modules_here
from icl_models import ModelConfig
from icl_train._evaluations.exemplars import exemplar_range
from icl_train._memory import refuse_model
from icl_train._settings.class_counts import ClassCounts, refuse_counts
from icl_train.config import DataConfig, Protocol, RunConfig, SequenceKind

__all__ = ["RunData", "build_source", "fingerprint"]

_DOWNSAMPLED = (28, 28)
_FINGERPRINT = 256  # examples


def build_source(data: DataConfig, *, seed: int) -> Source:
    """The source of examples; ``seed`` draws the Gaussian class vectors.

    Raises:
        ValueError: if the source cannot be had, or an option does not fit its examples.
        ImportError: if the extra that its files need is not installed.
    """
    n_classes = data.n_trained_classes + data.n_holdout_classes
    source: Source
    if data.source == "symbolic":
        source = SymbolicSource(n_classes)
    elif data.source == "gaussian":
        gaussian = GaussianSource(
            n_classes,
            dim=63 if data.dim is None else data.dim,
            noise_scale=0.1 if data.noise_scale is None else data.noise_scale,
            seed=seed,
        )
        source = gaussian if data.n_exemplars is None else gaussian.with_exemplars(data.n_exemplars)
    elif data.source == "omniglot":
        # Without a folder, the one that `icl-data omniglot fetch` fills.
        source = OmniglotSource(data.omniglot, exemplars=data.exemplars)
    else:
        with modules_here():
            source = load_source(data.source)
    if source.kind != "image":
        for option in ("augment", "downsample"):
            if getattr(data, option):
                raise ValueError(f"data.{option} needs a source of images, got data.source {data.source}")
    if source.kind == "id" and data.noise_scale:
        raise ValueError(
            f"data.noise_scale must be 0 with a source of ids, which {data.source} is, got {data.noise_scale}"
        )
    return Augmented(source) if data.augment else source


def _block(data: DataConfig) -> int | None:
    """Consecutive classes that must stay on one side of the split: transforms, or drawings, of one character."""
    block = (8 if data.augment else 1) * (20 if data.exemplars == "separated" else 1)
    return block if block > 1 else None


@dataclass(frozen=True, eq=False)
class RunData:
    """The data of a run before any tensor is made. Build it with :meth:`build`.

    Attributes:
        config: the run's configuration.
        source: the examples.
        split: rare, common and holdout classes, the same for training and every evaluation.
        num_labels: size of the label range, and of the model's readout.
    """

    config: RunConfig
    source: Source
    split: ClassSplit
    num_labels: int

    @classmethod
    def build(cls, config: RunConfig) -> RunData:
        """Open the source and split its classes.

        Args:
            config: the run's settings.

        Raises:
            ValueError: if the source cannot be had or has too few classes or exemplars, or no memory of this machine
                could hold the classes and the model.
            ImportError: if the extra that its files need is not installed.
        """
        refuse_model(config)
        data = config.data
        source = build_source(data, seed=config.seeds.split)
        counts = ClassCounts(rare=data.n_rare_classes, common=data.n_common_classes, holdout=data.n_holdout_classes)
        refuse_counts(counts, source.n_classes, ways=data.ways)
        split = ClassSplit(
            source.class_keys,
            n_rare=data.n_rare_classes,
            n_common=data.n_common_classes,
            n_holdout=data.n_holdout_classes,
            zipf_exponent=data.zipf_exponent,
            use_zipf_for_common_rare=data.use_zipf_for_common_rare,
            preserve_ordering_every_n=_block(data),
            seed=config.seeds.split,
        )
        return cls(config=config, source=source, split=split, num_labels=_num_labels(data, split))

    def described(self) -> dict[str, Any]:
        """The split, by the classes' keys, and what tells other data in the place of these: see `fingerprint`."""
        keys = {name: self.split.keys[self.split.classes(name)].tolist() for name in ("rare", "common", "holdout")}
        return {"source": fingerprint(self.source), **keys}

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example as the model gets it."""
        shape = self.source.example_shape
        return (*_DOWNSAMPLED, *shape[2:]) if self.config.data.downsample else shape

    @property
    def additive_noise(self) -> float:
        """Noise on top of the source's own."""
        return 0.0 if self.config.data.source == "gaussian" else self.config.data.noise_scale or 0.0

    def sampler(
        self,
        kind: SequenceKind,
        *,
        stream: str,
        protocol: Protocol,
        exemplars: range | None = None,
        split: ClassSplit | None = None,
        n_labels: int | None = None,
    ) -> BatchSampler:
        """A sampler on this split, from the run's data seed and a stream of its own.

        Args:
            kind: what to draw.
            stream: name of the stream.
            protocol: "paper" or "released".
            exemplars: exemplar positions to draw from; None for all.
            split: another split, of other classes with as many exemplars; None for the run's.
            n_labels: labels that classes share; None for the run's.

        Raises:
            ValueError: if it can draw a label that the model has no output for.
        """
        sampler = BatchSampler(
            self.source if split is None else self.source.n_exemplars,
            split or self.split,
            kind,
            batch_size=self.config.train.batch_size,
            seed=self.config.seeds.data,
            stream=stream,
            protocol=protocol,
            n_labels=n_labels or self.config.data.n_labels,
            exemplars=exemplars,
        )
        if sampler.num_labels > self.num_labels:
            raise ValueError(
                f"labels must be below the model's {self.num_labels} outputs, got {sampler.num_labels - 1} from {kind}"
            )
        return sampler

    def training_sampler(self) -> BatchSampler:
        """The sampler of the training sequences."""
        data = self.config.data
        exemplars = exemplar_range("data.train_exemplars", data.train_exemplars, self.source.n_exemplars)
        return self.sampler(data.training_kind(), stream="train", protocol=data.protocol, exemplars=exemplars)

    def model_config(self) -> ModelConfig:
        """The model's complete configuration, for these labels and examples.

        Raises:
            ValueError: if a component cannot be used here, or a setting does not fit.
        """
        return self.config.model.model_config(
            num_classes=self.num_labels,
            example_kind=self.source.kind,
            example_shape=self.example_shape,
            num_ids=self.source.n_classes if self.source.kind == "id" else None,
        )


def fingerprint(source: Source) -> dict[str, Any]:
    """What a source is: its kind and counts, and the SHA-256 of its classes' keys and of some examples without noise.

    Args:
        source: of it, at most 256 examples are looked at, evenly spread over its classes and exemplars: enough to tell
            another file, or classes in another order; a single example that has changed may go unseen.
    """
    total = source.n_classes * source.n_exemplars
    places = np.unique(np.linspace(0, total - 1, min(total, _FINGERPRINT), dtype=np.int64))
    examples = source.gather(places // source.n_exemplars, places % source.n_exemplars)
    content = np.ascontiguousarray(examples, dtype="<i8" if source.kind == "id" else "<f4")
    digest = hashlib.sha256(np.ascontiguousarray(source.class_keys, dtype="<i8").tobytes())
    digest.update(content.tobytes())
    return {
        "kind": str(source.kind),
        "shape": list(source.example_shape),
        "classes": source.n_classes,
        "exemplars": source.n_exemplars,
        "sha256": digest.hexdigest(),
    }


def _num_labels(data: DataConfig, split: ClassSplit) -> int:
    if data.n_labels is not None:
        return data.n_labels
    # As released, the readout also has an output for each holdout class, which no training label ever names.
    num_labels = data.n_trained_classes * data.multiplicity + data.n_holdout_classes
    if "original" in (data.labeling_rare, data.labeling_common):
        return max(num_labels, int(split.keys[-1]) + 1)
    return num_labels
