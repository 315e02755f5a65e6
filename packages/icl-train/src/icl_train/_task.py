"""What the loop and the evaluations draw from, on the device: a run's data, its examples, its labels and its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from icl_data import BatchSampler, ClassSplit, Source
from icl_data.torch import ExampleBank
from icl_models import InContextModel, build_model
from icl_train._computing.precision import autocast
from icl_train._evaluating.data import EvaluationData
from icl_train._intervening.interventions import Acting
from icl_train._life.classes import require_same_data
from icl_train._run_data import RunData
from icl_train._runs.folder import RunFolder
from icl_train.config import DataConfig, Protocol, RunConfig, SequenceKind
from icl_train.metrics import LabelGroups

__all__ = ["Task", "example_logits", "intervened_logits"]


def example_logits(
    model: InContextModel,
    examples: Tensor,
    labels: Tensor,
    config: RunConfig,
    *,
    call: Callable[..., Tensor] | None = None,
) -> Tensor:
    """(B, S, C) logits that the loss is about, at the examples' tokens; (B, 1, C) at the query alone where the context
    has no loss. float32, whatever the model runs in. `call` is what is called in place of the model, such as its
    compiled form."""
    forward = model if call is None else call
    with autocast(config.train.precision, examples.device):
        if config.optim.w_interim_predictions == 0:
            query: Tensor = forward(examples, labels, positions="query")
            return query[:, None].float()
        logits: Tensor = forward(examples, labels)
    return (logits if model.config.concatenate_labels else logits[:, ::2]).float()


def intervened_logits(
    model: InContextModel, acting: Acting | None, examples: Tensor, labels: Tensor, config: RunConfig
) -> Tensor:
    """`example_logits` of a model with the interventions that act in it."""
    if acting is None:
        return example_logits(model, examples, labels, config)
    with (
        autocast(config.train.precision, examples.device),
        acting.on(labels, lambda other: other.embed_examples(examples)),
    ):
        return example_logits(model, examples, labels, config)


@dataclass(frozen=True, eq=False)
class Task:
    """What a run's sequences are drawn from. Build it with :meth:`build`.

    Attributes:
        data: source, class split and samplers.
        bank: the examples on the device.
        groups: which labels are rare, common, few-shot.
    """

    data: RunData
    bank: ExampleBank
    groups: LabelGroups

    @classmethod
    def build(cls, config: RunConfig, *, device: torch.device) -> Task:
        """Open the source and split its classes.

        Args:
            config: the run's settings.
            device: where images are kept and batches are made.

        Raises:
            ValueError: if the source cannot be had or has too few classes or exemplars.
            ImportError: if the extra that its files need is not installed.
        """
        return cls.on(RunData.build(config), device=device)

    @classmethod
    def of_run(cls, run: RunFolder, *, device: torch.device) -> Task:
        """The task of a run: its data must be those that it was trained on, as far as classes.json says.

        Args:
            run: the run.
            device: where images are kept and batches are made.

        Raises:
            RunError: if the file or code of its source has other classes or examples now.
            ValueError, ImportError: as :meth:`build`.
        """
        task = cls.build(run.config, device=device)
        require_same_data(run, task.data.described())
        return task

    @classmethod
    def on(cls, data: RunData, *, device: torch.device) -> Task:
        """The task of data that are opened already.

        Args:
            data: source, class split and samplers.
            device: where images are kept and batches are made.
        """
        config = data.config
        additive = data.additive_noise
        bank = ExampleBank(data.source, device=device, downsample=config.data.downsample, noise_scale=additive)
        return cls(data=data, bank=bank, groups=_groups(config.data, data.split).to(device))

    def bank_of(self, evaluation: EvaluationData) -> ExampleBank:
        """The examples of an evaluation, which are the run's own unless it asks for others.

        Args:
            evaluation: where its examples come from.
        """
        if evaluation.bank == (False, None):
            return self.bank
        return ExampleBank(
            evaluation.source,
            device=self.bank.device,
            downsample=self.config.data.downsample,
            noise_scale=evaluation.additive_noise,
        )

    @property
    def config(self) -> RunConfig:
        """The run's configuration."""
        return self.data.config

    @property
    def source(self) -> Source:
        """The examples."""
        return self.data.source

    @property
    def split(self) -> ClassSplit:
        """Rare, common and holdout classes, the same for training and every evaluation."""
        return self.data.split

    @property
    def num_labels(self) -> int:
        """Size of the label range, and of the model's readout."""
        return self.data.num_labels

    def sampler(self, kind: SequenceKind, *, stream: str, protocol: Protocol) -> BatchSampler:
        """A sampler on the run's split, from its data seed and a stream of its own.

        Args:
            kind: what to draw.
            stream: name of the stream.
            protocol: "paper" or "released".
        """
        return self.data.sampler(kind, stream=stream, protocol=protocol)

    def training_sampler(self) -> BatchSampler:
        """The sampler of the training sequences."""
        return self.data.training_sampler()

    def build_model(self) -> InContextModel:
        """The model for this task's labels and examples, initialised from the run's seed, on the bank's device."""
        return build_model(self.data.model_config(), seed=self.config.seeds.init).to(self.bank.device)


def _groups(data: DataConfig, split: ClassSplit) -> LabelGroups:
    if data.n_labels is not None:
        return LabelGroups.shared_labels(n_labels=data.n_labels, ways=data.ways)
    groups = LabelGroups.ordered(
        n_rare=data.n_rare_classes,
        n_common=data.n_common_classes,
        ways=data.ways,
        multiplicity=data.multiplicity,
    )
    if data.labeling_rare == "original":
        groups = replace(groups, rare=torch.tensor(np.sort(split.keys[split.rare])))
    if data.labeling_common == "original":
        groups = replace(groups, common=torch.tensor(np.sort(split.keys[split.common])))
    return groups
