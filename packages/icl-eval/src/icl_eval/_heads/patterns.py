"""Whom a head attends to in single sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from icl_eval._evaluate import load_checkpoint, under_interventions
from icl_eval._heads.estimates import Floats
from icl_eval._heads.passes import Asked, answers, attention_sites, looking_into
from icl_eval._heads.runs import ICL, opened, steps_of
from icl_eval._heads.tokens import Tokens
from icl_models import InContextModel, capture
from icl_train import EmbeddedSequences, Evaluator, RunFolder
from icl_train.config import Protocol

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AttentionPattern", "attention_patterns", "heads_to_show", "pattern_rows"]

Head = tuple[int, int]


@dataclass(frozen=True, eq=False)
class AttentionPattern:
    """The attention of one head in one sequence.

    Attributes:
        sequence: number of the sequence in its evaluation's stream, from 0.
        layer, head: of the head.
        tokens: what the tokens are: ``c17`` an item of class 17, ``y3`` label 3, ``c17 y3`` both in one; the last is
            the query, ``c17?``.
        right: whether a token carries the right label.
        weights: (T, T), from the token of the row to that of the column.
    """

    sequence: int
    layer: int
    head: int
    tokens: tuple[str, ...]
    right: tuple[bool, ...]
    weights: Floats


def attention_patterns(
    run: RunFolder,
    *,
    heads: Sequence[Head],
    sequences: Sequence[int] = (0, 1, 2, 3),
    step: int | None = None,
    split: str = ICL,
    protocol: Protocol | None = None,
    device: str = "cpu",
    trust: bool = False,
    interventions: bool = True,
) -> list[AttentionPattern]:
    """The attention of some heads of a run's model in some sequences of an evaluation.

    Args:
        run: the run.
        heads: (layer, head) of each, from 0.
        sequences: numbers of the sequences, from 0.
        step: which checkpoint; None for the last.
        split: the evaluation, by name or text.
        protocol: how sequences are drawn; None for the run's own.
        device: as for training.
        trust: import a source of somebody's own code, although no command of this user made the run in its folder.
        interventions: look at the model with what the run does to it at that step; False: the model by itself.

    Returns:
        A pattern for each sequence and head.

    Raises:
        ValueError: for a model without attention, a head or sequence that it has not, or as ``measure_heads``.
        CheckpointDamaged: if the checkpoint cannot be read.
    """
    if not sequences or min(sequences) < 0:
        raise ValueError(f"sequences must be numbers from 0, got {', '.join(map(str, sequences)) or 'none'}")
    (chosen,) = steps_of(run, None if step is None else [step])
    task, model = opened(run, device=device, trust=trust)
    evaluator = Evaluator(
        task, sequences=max(sequences) + 1, protocol=protocol or run.config.eval.protocol, splits=[split]
    )
    evaluator.check_lengths(model)
    load_checkpoint(run, chosen, model)
    with under_interventions(run, model, wanted=interventions) as put:
        (given,) = evaluator.embedded(model, None if put is None else put.at(chosen))
        weights = _weights(model, evaluator, given, sequences)
    for layer, head in heads:
        if not (0 <= layer < len(weights) and 0 <= head < weights[layer].shape[1]):
            counts = sorted({one.shape[1] for one in weights})
            there = f"{len(weights)} layers of {' or '.join(map(str, counts))} heads"
            raise ValueError(f"heads must be LAYER.HEAD of {there}, counted from 0, got {layer}.{head}")
    concatenated = model.config.concatenate_labels
    return [
        AttentionPattern(
            sequence=number,
            layer=layer,
            head=head,
            tokens=_names(given, number, concatenated=concatenated),
            right=_right(given, number, concatenated=concatenated),
            weights=weights[layer][place, head],
        )
        for place, number in enumerate(sequences)
        for layer, head in heads
    ]


def _weights(
    model: InContextModel, evaluator: Evaluator, given: EmbeddedSequences, sequences: Sequence[int]
) -> list[Floats]:
    """For each layer, (sequences, heads, T, T); in the very calls in which all sequences are looked at."""
    sites = attention_sites(model)
    found: dict[int, list[Floats]] = {}
    with looking_into(model), evaluator.autocast():
        asked = Asked.of(given)
        for place, one in enumerate(asked.calls()):
            start = place * asked.per_call
            here = [number for number in sequences if start <= number < start + asked.per_call]
            if not here:
                continue
            with capture(model, *(f"{name}.weights" for name in sites)) as trace:
                answers(model, one)
            for number in here:
                found[number] = [
                    trace[f"{name}.weights"][number - start].float().double().cpu().numpy() for name in sites
                ]
    return [np.stack([found[number][layer] for number in sequences]) for layer in range(len(sites))]


def _names(given: EmbeddedSequences, number: int, *, concatenated: bool) -> tuple[str, ...]:
    classes, labels = given.classes[number].tolist(), given.labels[number].tolist()
    pairs = [(f"c{one}", f"y{label}") for one, label in zip(classes[:-1], labels[:-1], strict=True)]
    context = (
        [f"{item} {label}" for item, label in pairs] if concatenated else [name for pair in pairs for name in pair]
    )
    return (*context, f"c{classes[-1]}?")


def _right(given: EmbeddedSequences, number: int, *, concatenated: bool) -> tuple[bool, ...]:
    tokens = Tokens(given.labels[number : number + 1], concatenated)
    found = np.zeros(len(tokens.names), dtype=bool)
    found[tokens.places.cpu().numpy()] = tokens.right[0].cpu().numpy()
    return tuple(found.tolist())


def heads_to_show(frame: pd.DataFrame) -> list[Head]:
    """The heads with the greatest scores of the last step: previous token, then induction; of attention alone.

    Args:
        frame: of ``measure_heads``.
    """
    last = frame[frame["step"] == frame["step"].max()]
    found: list[Head] = []
    for measure in ("previous_token", "induction"):
        scores = last[last["measure"] == measure].dropna(subset=["value"])
        if len(scores):
            best = scores.loc[scores["value"].idxmax()]
            found.append((int(best["layer"]), int(best["head"])))
    return list(dict.fromkeys(found)) or [(0, 0)]


def pattern_rows(patterns: Sequence[AttentionPattern]) -> list[dict[str, Any]]:
    """A row for each pair of tokens of each pattern: sequence, layer, head, from, to, their names and the attention."""
    return [
        {
            "sequence": one.sequence,
            "layer": one.layer,
            "head": one.head,
            "from": place,
            "from_token": one.tokens[place],
            "to": other,
            "to_token": one.tokens[other],
            "right_label": one.right[other],
            "attention": float(one.weights[place, other]),
        }
        for one in patterns
        for place in range(len(one.tokens))
        for other in range(place + 1)
    ]
