"""The heads of a run's model, at one checkpoint or along its training."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import torch

from icl_data.foundation.command_line import CommandFailed
from icl_eval._evaluate import load_checkpoint, under_interventions
from icl_eval._heads.ablation import effects_on
from icl_eval._heads.composition import composition_scores, why_no_composition
from icl_eval._heads.passes import Asked, attention_sites
from icl_eval._heads.scores import HeadScores, scores_on
from icl_eval._runs import require_checkpoints
from icl_models import InContextModel
from icl_train import EmbeddedSequences, Evaluator, Interventions, RunFolder, Task, resolve_device
from icl_train.config import Protocol
from icl_train.evaluation import workers_of
from icl_train.metrics import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "ICL", "IWL", "measure_heads", "opened", "steps_of"]

ICL, IWL = "fewshot_holdout", "no_support_zipfian"
COLUMNS = {
    "step": "Int64",
    "split": "str",
    "measure": "str",
    "kind": "str",
    "layer": "Int64",
    "head": "Int64",
    "reading_layer": "Int64",
    "reading_head": "Int64",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "reference": "float64",
    "n": "Int64",
}
"""Columns of :func:`measure_heads` → what pandas keeps them as."""

Row = dict[str, Any]
_Worker = tuple[InContextModel, Interventions | None]


def measure_heads(
    run: RunFolder,
    *,
    steps: Sequence[int] | Literal["all"] | None = None,
    split: str = ICL,
    sequences: int = 1000,
    ablate: Literal["zero", "mean"] | None = None,
    protocol: Protocol | None = None,
    device: str = "cpu",
    workers: int | None = None,
    trust: bool = False,
    interventions: bool = True,
    done: Callable[[int], None] = lambda step: None,
    left_out: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Scores of every head of a run's checkpoints, beside the loss; what ablation does; and how the heads compose.

    Args:
        run: the run.
        steps: which checkpoints; "all" of them; None for the last.
        split: the evaluation on whose sequences heads are scored, by name or text (see ``icl_train.read_evaluation``).
        sequences: how many, the first ones of the evaluation's stream.
        ablate: take out each head, branch and layer, too, by zero or by the mean, at the last of the steps, and
            measure that on ``split`` and on ``no_support_zipfian``, the run's in-weights learning.
        protocol: how sequences are drawn; None for the run's own.
        device: as for training.
        workers: checkpoints measured beside each other, on a CPU; None for as many as there are cores. It changes no
            number.
        trust: import a source of somebody's own code, although no command of this user made the run in its folder.
        interventions: measure with what the run does to its model at each step, as in training; False: the model by
            itself.
        done: called with each step when it is measured.
        left_out: called with a line for what cannot be measured.

    Returns:
        A row for each number: ``step``, ``split``, ``measure``, ``kind`` and place of the part, ``value`` with its 95%
        interval (``low``, ``high``), ``reference``, and ``n``, the sequences it is a mean over.

        - kind ``head``: the scores that :func:`head_scores` defines; the reference of those of attention is what
          attending to all tokens alike would give.
        - kind ``model``: ``accuracy`` (the evaluation's headline; the reference is chance) and ``loss`` on the same
          sequences.
        - ``ablation_accuracy`` and ``ablation_loss`` of kind ``head``, ``attention``, ``mlp`` and ``layer``: the
          difference that :func:`ablation_effects` measures at the last step; the reference is the whole model's value.
        - kind ``pair``: ``q_composition``, ``k_composition`` and ``v_composition`` of the last step, of a head with a
          reading head, less the reference, that of random matrices (:func:`composition_scores`).

        ``attrs["blank"]`` says which scores are not defined at the last step and why. Ablation comes on top of the
        run's interventions; composition is of the weights alone.

    Raises:
        ValueError: for a model without attention, or if a checkpoint, evaluation, device or plugin is not to be had.
        CheckpointDamaged: if a checkpoint cannot be read.
        CommandFailed: if the device's memory is too small.
    """
    import pandas as pd

    chosen = steps_of(run, steps)
    task, model = opened(run, device=device, trust=trust)
    evaluator = Evaluator(task, sequences=sequences, protocol=protocol or run.config.eval.protocol, splits=[split])
    evaluator.check_lengths(model)
    iwl = _in_weights(evaluator, model, left_out) if ablate else None
    parallel = _workers(run, model, len(chosen), workers)
    blank: dict[str, str] = {}
    why = why_no_composition(model)
    if why:
        left_out(f"left out: composition; {why}")

    def measure(model: InContextModel, step: int, put: Interventions | None) -> list[Row]:
        load_checkpoint(run, step, model, ended=step == chosen[0])
        acting = None if put is None else put.at(step)
        (given,) = evaluator.embedded(model, acting)
        with evaluator.autocast():
            scored = scores_on(model, Asked.of(given))
            if step == chosen[-1]:
                blank.update(scored.blank)
            rows = [*_of_heads(scored), *_of_model(scored, given)]
            if step == chosen[-1] and not why:
                rows += _of_composition(model)
            if step == chosen[-1] and ablate is not None:
                for one in (given, *(iwl.embedded(model, acting) if iwl else ())):
                    rows += _of_ablation(model, one, ablate)
        return [{"step": step, "split": given.evaluation.name, **row} for row in rows]

    with ExitStack() as stack:
        put = stack.enter_context(under_interventions(run, model, wanted=interventions))
        each: list[_Worker] = [(model, put)]
        for _ in range(1, 1 if put is not None and put.draws else parallel):
            own = copy.deepcopy(model)
            each.append((own, stack.enter_context(under_interventions(run, own, wanted=interventions))))
        rows = _each(each, chosen, measure, done)
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    frame.attrs["blank"] = blank
    return frame


def steps_of(run: RunFolder, steps: Sequence[int] | Literal["all"] | None) -> list[int]:
    """The checkpoints that are meant, each once, ascending.

    Raises:
        RunError: where the run has no such checkpoint.
    """
    there = sorted({*run.checkpoint_steps(), *run.promised_checkpoints()})  # of one that is gone, no older one is taken
    every = {"all": there, None: there[-1:]}
    chosen = every[steps] if steps is None or steps == "all" else sorted(set(steps))
    require_checkpoints(run, chosen)
    return chosen


def opened(run: RunFolder, *, device: str, trust: bool) -> tuple[Task, InContextModel]:
    """What a run draws from, and its model, which has attention.

    Raises:
        ValueError: if one of them is not to be had, or the model has no attention.
    """
    if not trust:
        run.require_trusted()
    run.require_components()
    task = Task.of_run(run, device=resolve_device(device))
    model = task.build_model()
    attention_sites(model)
    return task, model


def _in_weights(evaluator: Evaluator, model: InContextModel, left_out: Callable[[str], None]) -> Evaluator | None:
    """Of in-weights learning, beside an evaluation of something else; None if the run cannot give it."""
    if evaluator.evaluations[0].name == IWL:
        return None
    try:
        other = Evaluator(evaluator.task, sequences=evaluator.n_sequences, protocol=evaluator.protocol, splits=[IWL])
        other.check_lengths(model)
    except ValueError as error:
        left_out(f"left out: {error}")
        return None
    return other


def _workers(run: RunFolder, model: InContextModel, n_steps: int, asked: int | None) -> int:
    """Random numbers have an order, plugins may have state, and a GPU is shared by all."""
    if next(model.parameters()).device.type != "cpu" or model.config.example_dropout_prob:
        return 1
    return max(1, min(n_steps, workers_of(run.config, asked)))


def _each(
    workers: Sequence[_Worker],
    steps: Sequence[int],
    measure: Callable[[InContextModel, int, Interventions | None], list[Row]],
    done: Callable[[int], None],
) -> list[Row]:
    """Rows of each step, in order; each worker has a model of its own, with what is done to it, and one thread."""
    free: SimpleQueue[_Worker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def call(step: int) -> list[Row]:
        model, put = worker = free.get()
        try:
            return measure(model, step, put)
        finally:
            free.put(worker)

    threads = torch.get_num_threads()
    on_cpu = next(workers[0][0].parameters()).device.type == "cpu"
    rows: list[Row] = []
    try:
        if on_cpu:  # in one thread, numbers hang on nothing but weights and sequences
            torch.set_num_threads(1)
        with ThreadPoolExecutor(len(workers), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            try:
                each = pool.map(call, steps) if len(workers) > 1 else map(call, steps)
                for step, found in zip(steps, each, strict=True):
                    rows += found
                    done(step)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return rows
    except torch.cuda.OutOfMemoryError as error:
        why = " ".join(str(error).split())
        raise CommandFailed(f"the model needs more memory than its device has (--device cpu?): {why}") from error
    finally:
        torch.set_num_threads(threads)


def _of_heads(scored: HeadScores) -> Iterator[Row]:
    for row in scored.rows():
        reference = row.pop("uniform")
        yield {"kind": "head", **row, "reference": reference}


def _of_model(scored: HeadScores, given: EmbeddedSequences) -> Iterator[Row]:
    for measure, values in given.outcomes(scored.logits).items():
        mean, n = float(values.double().mean()), len(values)
        low = high = reference = math.nan
        if measure == "accuracy":
            interval = wilson_interval(float(values.sum()), n)
            low, high, reference = interval.low, interval.high, given.scoring.chance(given.labels)
        elif n > 1:
            half = 1.959963984540054 * float(values.double().std()) / math.sqrt(n)
            low, high = mean - half, mean + half
        yield {
            "measure": measure,
            "kind": "model",
            "value": mean,
            "low": low,
            "high": high,
            "reference": reference,
            "n": n,
        }


def _of_ablation(model: InContextModel, given: EmbeddedSequences, to: Literal["zero", "mean"]) -> Iterator[Row]:
    for one in effects_on(model, Asked.of(given), to=to, outcomes=given.outcomes):
        yield {
            "split": given.evaluation.name,
            "measure": f"ablation_{one.metric}",
            "kind": one.kind,
            "layer": one.layer,
            "head": one.head,
            "value": one.difference,
            "low": one.low,
            "high": one.high,
            "reference": one.whole,
            "n": one.n,
        }


def _of_composition(model: InContextModel) -> Iterator[Row]:
    for one in composition_scores(model):
        row = asdict(one)
        yield {
            "measure": f"{row.pop('kind')}_composition",
            "split": "",
            "kind": "pair",
            "reference": row.pop("random"),
            **row,
        }
