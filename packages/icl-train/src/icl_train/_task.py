"""From a data configuration to what the loop and the evaluations draw from: source, split, samplers, labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

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
from icl_data.torch import ExampleBank
from icl_models import InContextModel, build_model
from icl_train.config import DataConfig, Protocol, RunConfig, SequenceKind
from icl_train.metrics import LabelGroups

__all__ = ["Task", "build_source", "resolve_device"]


def resolve_device(name: str) -> torch.device:
    """The device behind ``--device``.

    Args:
        name: cpu, cuda, cuda:1, …, or auto: cuda where there is one.

    Raises:
        ValueError: if this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available = {"cpu": 1, "cuda": torch.cuda.device_count()}
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or (device.index or 0) >= available.get(device.type, 0):
        found = ", ".join(kind for kind, count in available.items() if count)
        raise ValueError(f"device must be one that this machine has ({found}), got {name!r}")
    return device


def build_source(data: DataConfig, *, seed: int) -> Source:
    """The source of examples; ``seed`` draws the Gaussian class vectors.

    Raises:
        ValueError: if the source cannot be had, or an option does not fit its examples.
    """
    n_classes = data.n_trained_classes + data.n_holdout_classes
    source: Source
    if data.source == "symbolic":
        source = SymbolicSource(n_classes)
    elif data.source == "gaussian":
        source = GaussianSource(
            n_classes,
            dim=63 if data.dim is None else data.dim,
            noise_scale=0.1 if data.noise_scale is None else data.noise_scale,
            seed=seed,
        )
    elif data.source == "omniglot":
        # Without a folder, the one that `icl-data omniglot fetch` fills.
        source = OmniglotSource(data.omniglot, exemplars=data.exemplars)
    else:
        source = load_source(data.source)
    if source.kind != "image":
        for option in ("augment", "downsample"):
            if getattr(data, option):
                raise ValueError(f"data.{option} needs a source of images, got data.source {data.source}")
    return Augmented(source) if data.augment else source


def _block(data: DataConfig) -> int | None:
    """Consecutive classes that must stay on one side of the split: transforms, or drawings, of one character."""
    block = (8 if data.augment else 1) * (20 if data.exemplars == "separated" else 1)
    return block if block > 1 else None


@dataclass(frozen=True, eq=False)
class Task:
    """What a run's sequences are drawn from. Build it with :meth:`build`.

    Attributes:
        config: the run's configuration.
        source: the examples.
        split: rare, common and holdout classes, the same for training and every evaluation.
        bank: the examples on the device.
        groups: which labels are rare, common, few-shot.
        num_labels: size of the label range, and of the model's readout.
    """

    config: RunConfig
    source: Source
    split: ClassSplit
    bank: ExampleBank
    groups: LabelGroups
    num_labels: int

    @classmethod
    def build(cls, config: RunConfig, *, device: torch.device) -> Task:
        """Open the source and split its classes.

        Args:
            config: the run's settings.
            device: where images are kept and batches are made.

        Raises:
            ValueError: if the source cannot be had or has too few classes or exemplars.
        """
        data = config.data
        source = build_source(data, seed=config.seeds.split)
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
        additive = 0.0 if data.source == "gaussian" else data.noise_scale or 0.0
        bank = ExampleBank(source, device=device, downsample=data.downsample, noise_scale=additive)
        groups, num_labels = _labels(data, split)
        return cls(
            config=config, source=source, split=split, bank=bank, groups=groups.to(device), num_labels=num_labels
        )

    def sampler(self, kind: SequenceKind, *, stream: str, protocol: Protocol) -> BatchSampler:
        """A sampler on this split, from the run's data seed and a stream of its own.

        Args:
            kind: what to draw.
            stream: name of the stream.
            protocol: "paper" or "released".

        Raises:
            ValueError: if it can draw a label that the model has no output for.
        """
        sampler = BatchSampler(
            self.source,
            self.split,
            kind,
            batch_size=self.config.train.batch_size,
            seed=self.config.seeds.data,
            stream=stream,
            protocol=protocol,
            n_labels=self.config.data.n_labels,
        )
        if sampler.num_labels > self.num_labels:
            raise ValueError(
                f"labels must be below the model's {self.num_labels} outputs, got {sampler.num_labels - 1} from {kind}"
            )
        return sampler

    def training_sampler(self) -> BatchSampler:
        """The sampler of the training sequences."""
        data = self.config.data
        return self.sampler(data.sequence_kind(data.sequence), stream="train", protocol=data.protocol)

    def build_model(self) -> InContextModel:
        """The model for this task's labels and examples, initialised from the run's seed, on the bank's device."""
        config = self.config.model.model_config(
            num_classes=self.num_labels,
            example_kind=self.bank.kind,
            example_shape=self.bank.example_shape,
            num_ids=self.source.n_classes if self.bank.kind == "id" else None,
        )
        return build_model(config, seed=self.config.seeds.init).to(self.bank.device)


def _labels(data: DataConfig, split: ClassSplit) -> tuple[LabelGroups, int]:
    if data.n_labels is not None:
        return LabelGroups.shared_labels(n_labels=data.n_labels, ways=data.ways), data.n_labels
    groups = LabelGroups.ordered(
        n_rare=data.n_rare_classes,
        n_common=data.n_common_classes,
        ways=data.ways,
        multiplicity=data.multiplicity,
    )
    # As released, the readout also has an output for each holdout class, which no training label ever names.
    num_labels = len(groups.rare) + len(groups.common) + data.n_holdout_classes
    if data.labeling_rare == "original":
        groups = replace(groups, rare=torch.tensor(np.sort(split.keys[split.rare])))
    if data.labeling_common == "original":
        groups = replace(groups, common=torch.tensor(np.sort(split.keys[split.common])))
    if "original" in (data.labeling_rare, data.labeling_common):
        num_labels = max(num_labels, int(split.keys[-1]) + 1)
    return groups, num_labels
