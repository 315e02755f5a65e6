"""The options that people use, which the short help of run and sweep lists."""

from __future__ import annotations

from collections.abc import Sequence

from icl_train.command_line import given

__all__ = ["few_options"]

_FEW = (
    "--root",
    "--name",
    "--class-counts",
    "--run-seeds",
    "--dry-run",
    "--jobs",
    "--members",
    "--launcher",
    "--plot",
    "--preset",
    "--config",
    "--init-from",
    "--max-steps",
    "--batch-size",
    "--device",
    "--engine",
    "--train.precision",
    "--eval-interval",
    "--data.source",
    "--data.omniglot",
    "--data.downsample",
    "--data.p-bursty",
    "--data.n-rare-classes",
    "--data.n-labels",
    "--data.zipf-exponent",
    "--model.embedder",
    "--model.sequence-model",
    "--model.num-layers",
    "--optim.optimizer",
    "--optim.max-lr",
    "--seeds.init",
    "--seeds.data",
    "--train.tracker",
)
_COMPONENTS = ("--model.embedder", "--model.sequence-model", "--train.tracker", "--launcher")


def few_options(args: Sequence[str]) -> list[str]:
    """Their names, and the groups of own settings of the components that ``args`` choose."""
    return [*_FEW, *(f"{component}-config." for component in _COMPONENTS if given(args, component))]
