"""How long runs would take on this machine: one update of each kind of model is timed, on random examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_data import load_source
from icl_models import InContextModel, ModelConfig, build_model
from icl_train._runs.folder import available_cores
from icl_train._sweeps.cost import seconds_left
from icl_train._task import resolve_device
from icl_train.config import DataConfig, RunConfig
from icl_train.optim import build_optimizer

__all__ = ["HOW", "Stopwatch"]

HOW = (
    "Times: one update, and one forward pass, of each kind of model were timed just now on random examples; "
    "drawing sequences and writing checkpoints are left out."
)

_ENOUGH_SECONDS, _MOST_REPEATS = 0.1, 5
_OMNIGLOT, _DOWNSAMPLED = (105, 105, 1), (28, 28, 1)


class Stopwatch:
    """Times models, each kind of embedder and of sequence model once.

    An update of a run takes what its embedder takes and what the rest of its model takes, so that few need timing: a
    residual net on large images is timed once, whatever comes behind it.
    """

    def __init__(self) -> None:
        self._timed: dict[object, tuple[float, float]] = {}

    def seconds(self, configs: Sequence[RunConfig]) -> float:
        """Seconds that these runs would take together, one on each core at a time (on a GPU one after the other).

        Args:
            configs: settings of the runs.

        Raises:
            ValueError: if there is no such device, or a model that cannot be built.
        """
        device = resolve_device(configs[0].train.device)
        places = min(len(configs), available_cores()) if device.type == "cpu" else 1
        threads = torch.get_num_threads()
        try:
            torch.set_num_threads(max(1, available_cores() // places))
            each = [self._of_run(config, device) for config in configs]
        finally:
            torch.set_num_threads(threads)
        return seconds_left([], sorted(each, reverse=True), places)

    def _of_run(self, config: RunConfig, device: torch.device) -> float:
        parts = [self._embedder(config, device), self._rest(config, device)]
        update, forward = (sum(part[which] for part in parts) for which in (0, 1))
        evaluations = sum(step in config.evaluations for step in _steps_to_ask(config))
        batches = evaluations * config.eval.batches * n_evaluations(config)
        return config.train.max_steps * update + batches * forward

    def _embedder(self, config: RunConfig, device: torch.device) -> tuple[float, float]:
        model, batch = config.model, (config.train.batch_size, n_examples(config.data))
        kind, shape = _examples(config.data)
        own = ("embedder", device, batch, kind, shape, model.embedder, model.embedder_config, model.emb_dim)
        if own not in self._timed:
            built = build_model(_small(_model_config(config)), seed=0).to(device)
            examples = _random(built.config, batch, device)
            self._timed[own] = _timed(built, lambda: built.embed_examples(examples), device)
        return self._timed[own]

    def _rest(self, config: RunConfig, device: torch.device) -> tuple[float, float]:
        batch, model_config = (config.train.batch_size, n_examples(config.data)), _model_config(config)
        own = ("rest", device, batch, replace(model_config, **_CHEAPEST), config.optim.optimizer)
        if own not in self._timed:
            built = build_model(replace(model_config, **_CHEAPEST), seed=0).to(device)
            embedded = torch.rand(*batch, model_config.emb_dim, device=device)
            labels = torch.randint(model_config.num_classes, batch, device=device)
            positions = "all" if config.optim.w_interim_predictions else "query"
            self._timed[own] = _timed(built, lambda: built.from_embeddings(embedded, labels, positions), device)
        return self._timed[own]


# An embedder that costs nothing beside the rest, so that the rest can be timed without the one it has.
_CHEAPEST = {"embedder": "vector", "embedder_config": None, "example_kind": "vector", "example_shape": (1,), "num_ids": None}


def n_examples(data: DataConfig) -> int:
    """Examples in a training sequence, the query included."""
    few_shot = data.sequence.startswith("fewshot") or data.sequence == "mixed"
    return data.ways * data.fs_shots + 1 if few_shot else data.seq_len


def n_evaluations(config: RunConfig) -> int:
    """Splits of an evaluation inside training."""
    return 4


def _steps_to_ask(config: RunConfig) -> Sequence[int]:
    listed = config.evaluations.listed
    return sorted(listed) if listed is not None else range(0, config.train.max_steps + 1, config.eval.interval)


def _examples(data: DataConfig) -> tuple[str, tuple[int, ...]]:
    """Kind and shape of an example; of Omniglot without its files."""
    if data.source == "omniglot":
        return "image", _DOWNSAMPLED if data.downsample else _OMNIGLOT
    if data.source == "gaussian":
        return "vector", (data.dim or 63,)
    if data.source == "symbolic":
        return "id", ()
    source = load_source(data.source)
    return source.kind, source.example_shape


def _model_config(config: RunConfig) -> ModelConfig:
    kind, shape = _examples(config.data)
    data = config.data
    labels = data.n_labels or data.n_trained_classes * data.multiplicity + data.n_holdout_classes
    return config.model.model_config(
        num_classes=labels,
        example_kind=kind,
        example_shape=shape,
        num_ids=data.n_trained_classes + data.n_holdout_classes if kind == "id" else None,
    )


def _random(config: ModelConfig, batch: tuple[int, int], device: torch.device) -> Tensor:
    if config.example_kind == "id":
        return torch.randint(config.resolved_num_ids, batch, device=device)
    return torch.rand(*batch, *config.example_shape, device=device)


def _small(config: ModelConfig) -> ModelConfig:
    """The same embedder with little behind it."""
    return replace(
        config, sequence_model="transformer", sequence_model_config=None, num_layers=1, num_heads=1, hidden_size=None
    )


def _timed(model: InContextModel, forward: Callable[[], Tensor], device: torch.device) -> tuple[float, float]:
    """Seconds of an update and of a forward pass in evaluation."""
    optimizer = build_optimizer(model, optimizer="adam", weight_decay=0.0)

    def update() -> None:
        optimizer.zero_grad(set_to_none=True)
        rows = forward().flatten(0, -2)
        torch.autograd.backward(F.cross_entropy(rows, torch.zeros(len(rows), dtype=torch.int64, device=device)))
        optimizer.step()

    def evaluate() -> None:
        with torch.no_grad():
            forward()

    trained = _repeated(update, device)
    model.eval()
    return trained, _repeated(evaluate, device)


def _repeated(work: Callable[[], None], device: torch.device) -> float:
    """The shortest time of a few repetitions, after one that allocates memory; what is slow is done but once more."""
    times: list[float] = []
    work()
    while sum(times) < _ENOUGH_SECONDS and len(times) < _MOST_REPEATS:
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - started)
    return min(times)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
