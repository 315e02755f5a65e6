"""What runs cost: which should start first, and when a sweep will be done."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from icl_train._runs.folder import RunFolder
from icl_train.config import RunConfig

__all__ = ["clock", "cost_left", "expected_cost", "longest_first", "seconds_left"]


def expected_cost(config: RunConfig) -> float:
    """Multiplications that an update is expected to need, in the sequence model and the readout, forward.

    12 d² a token and layer, as in a transformer, and d for each label at each prediction that is trained. The embedder
    is left out: no setting of its own is known here. The number means nothing by itself; it puts runs in an order, and
    tells how much longer one takes than another that was measured.

    Args:
        config: a run's settings.
    """
    data, model = config.data, config.model
    few_shot = data.sequence.startswith(("fewshot", "label_elsewhere")) or data.sequence == "mixed"
    examples = data.ways * data.fs_shots + 1 if few_shot else data.seq_len
    tokens = examples if model.concatenate_labels else 2 * examples - 1
    labels = data.n_labels or data.n_trained_classes * data.multiplicity + data.n_holdout_classes
    predictions = examples if config.optim.w_interim_predictions else 1
    body = tokens * model.num_layers * 12 * model.emb_dim**2
    return float(config.train.batch_size * (body + predictions * model.emb_dim * labels))


def cost_left(run: RunFolder) -> float:
    """Expected cost of the updates that a run still needs, from its newest checkpoint."""
    done = max(run.checkpoint_steps(), default=0)
    return (run.config.train.max_steps - done) * expected_cost(run.config)


def longest_first(runs: Sequence[RunFolder]) -> list[RunFolder]:
    """Runs by the cost they have left, so that no long one starts last; equal ones as they came."""
    return sorted(runs, key=cost_left, reverse=True)


def seconds_left(running: Sequence[float], waiting: Sequence[float], jobs: int) -> float:
    """Time until all runs are done, where each waiting one starts, in order, at the first place that becomes free.

    Args:
        running: seconds that each running one still needs.
        waiting: seconds that each other one will need.
        jobs: places.
    """
    places = [*running, *([0.0] * max(0, jobs - len(running)))]
    heapq.heapify(places)
    for seconds in waiting:
        heapq.heapreplace(places, places[0] + seconds)
    return max(places, default=0.0)


def clock(seconds: float) -> str:
    """A duration as ``h:mm:ss``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
