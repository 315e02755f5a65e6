"""How long runs would take on this machine: one update of each kind of model is timed, on random examples."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models import InContextModel, ModelConfig, build_model
from icl_train._computing.device import resolve_device
from icl_train._run_data import RunData
from icl_train._runs.folder import available_cores
from icl_train._sweeps.cost import seconds_left
from icl_train.config import DataConfig, RunConfig
from icl_train.optim import build_optimizer

__all__ = ["HOW", "Stopwatch"]

HOW = (
    "Times are for this machine, with little else on it: an update and a forward pass of each kind of model were timed "
    "just now, on random examples, the shortest of a few; drawing sequences and writing checkpoints are left out."
)

_ENOUGH_SECONDS, _MOST_REPEATS = 0.05, 5
_FEW_SEQUENCES = 4
_IMAGES, _DOWNSAMPLED = (105, 105, 1), (28, 28, 1)
# In place of an embedder where the rest of the model is timed: it costs next to nothing.
_NO_EMBEDDER: dict[str, Any] = {
    "embedder": "vector",
    "embedder_config": None,
    "example_kind": "vector",
    "example_shape": (1,),
    "num_ids": None,
}

Seconds = tuple[float, float]
"""Of an update, and of a forward pass alone."""


class Stopwatch:
    """Times the parts of models, each kind of part once.

    An update takes what its embedder takes and what the rest of its model takes: a residual net on large images, the
    slowest part by far, is timed once, whatever comes behind it.
    """

    def __init__(self) -> None:
        self._timed: dict[object, Seconds] = {}

    def seconds(self, configs: Sequence[RunConfig]) -> float:
        """Seconds that these runs take together, as a sweep trains them: one on each core, or one after the other on a
        GPU.

        Args:
            configs: settings of the runs, of one device.

        Raises:
            ValueError: if there is no such device, a source cannot be opened, or a model cannot be built.
        """
        device = resolve_device(configs[0].train.device)
        places = min(len(configs), available_cores()) if device.type == "cpu" else 1
        threads = torch.get_num_threads()
        try:
            torch.set_num_threads(configs[0].train.threads or max(1, available_cores() // places))
            each = [self._run(config, device) for config in configs]
        finally:
            torch.set_num_threads(threads)
        return seconds_left([], sorted(each, reverse=True), places)

    def _run(self, config: RunConfig, device: torch.device) -> float:
        parts = [self._embedder(config, device), self._rest(config, device)]
        update, forward = (sum(part[which] for part in parts) for which in (0, 1))
        batches = _evaluations(config) * config.eval.batches * len(config.eval.measured)
        return config.train.max_steps * update + batches * forward

    def _embedder(self, config: RunConfig, device: torch.device) -> Seconds:
        model = _behind_it_little(_model_config(config))
        sequences, examples = config.train.batch_size, _sequence_length(config.data)
        few = sequences
        if model.example_kind == "image":  # what it takes is proportional to their number
            few = getattr(model.embedder_config, "sequences_per_statistics", None) or min(few, _FEW_SEQUENCES)
        own = (device, torch.get_num_threads(), few, examples, model)
        if own not in self._timed:
            built = build_model(model, seed=0).to(device)
            batch = _random_examples(model, few, examples).to(device)
            self._timed[own] = _timed(built, lambda: built.embed_examples(batch), device)
        update, forward = self._timed[own]
        return update * sequences / few, forward * sequences / few

    def _rest(self, config: RunConfig, device: torch.device) -> Seconds:
        model = replace(_model_config(config), **_NO_EMBEDDER)
        model = replace(model, num_classes=8 ** round(math.log(model.num_classes, 8)))  # to time few of them
        size = (config.train.batch_size, _sequence_length(config.data))
        positions: Literal["all", "query"] = "all" if config.optim.w_interim_predictions else "query"
        own = (device, torch.get_num_threads(), size, positions, model)
        if own not in self._timed:
            built = build_model(model, seed=0).to(device)
            embedded = torch.rand(*size, model.emb_dim, device=device)
            labels = torch.randint(model.num_classes, size, device=device)
            self._timed[own] = _timed(built, lambda: built.from_embeddings(embedded, labels, positions), device)
        return self._timed[own]


def _evaluations(config: RunConfig) -> int:
    """How many there are in a run."""
    asked, last = config.evaluations, config.train.max_steps
    steps = range(0, last + 1, config.eval.interval) if asked.listed is None else asked.listed
    return len(steps) + (last not in steps)


def _sequence_length(data: DataConfig) -> int:
    """Examples in a training sequence, the query included."""
    few_shot = data.sequence.startswith("fewshot") or data.sequence == "mixed"
    return data.ways * data.fs_shots + 1 if few_shot else data.seq_len


def _model_config(config: RunConfig) -> ModelConfig:
    """Of the model; without the files of Omniglot, whose examples are known."""
    data = config.data
    if data.source != "omniglot":
        return RunData.build(config).model_config()
    return config.model.model_config(
        num_classes=data.n_labels or data.n_trained_classes * data.multiplicity + data.n_holdout_classes,
        example_kind="image",
        example_shape=_DOWNSAMPLED if data.downsample else _IMAGES,
        num_ids=None,
    )


def _behind_it_little(config: ModelConfig) -> ModelConfig:
    """A model with the same embedder, and nothing else that would take time to build."""
    small: dict[str, Any] = {"num_layers": 1, "num_heads": 1, "hidden_size": None, "num_classes": 2}
    if config.example_kind == "id":
        small["num_ids"] = config.resolved_num_ids
    return replace(config, sequence_model="transformer", sequence_model_config=None, **small)


def _random_examples(config: ModelConfig, sequences: int, examples: int) -> Tensor:
    if config.example_kind == "id":
        return torch.randint(config.resolved_num_ids, (sequences, examples))
    return torch.rand(sequences, examples, *config.example_shape)


def _timed(model: InContextModel, forward: Callable[[], Tensor], device: torch.device) -> Seconds:
    optimizer = build_optimizer(model)

    def update() -> None:
        optimizer.zero_grad(set_to_none=True)
        rows = forward().flatten(0, -2)
        torch.autograd.backward(F.cross_entropy(rows, torch.zeros(len(rows), dtype=torch.int64, device=device)))
        optimizer.step()

    trained = _shortest(update, device)
    model.eval()
    with torch.no_grad():
        return trained, _shortest(forward, device)


def _shortest(work: Callable[[], object], device: torch.device) -> float:
    """The shortest time of some repetitions, after one that allocates memory; what is slow is repeated once."""
    work()
    times: list[float] = []
    while sum(times) < _ENOUGH_SECONDS and len(times) < _MOST_REPEATS:
        _wait_for(device)
        started = time.perf_counter()
        work()
        _wait_for(device)
        times.append(time.perf_counter() - started)
    return min(times)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
