"""Scores of every attention head on sequences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from icl_eval._heads.copying import given_heads, label_copy, why_no_copying
from icl_eval._heads.direct import Direction, of_heads, why_no_path, why_not_direct
from icl_eval._heads.estimates import Estimates, mean_over
from icl_eval._heads.passes import Asked, answers, attention_sites, looking_into, require_sequences
from icl_eval._heads.tokens import Tokens
from icl_models import InContextModel, capture, head_matrices
from icl_train import Intervention

__all__ = ["MEASURES", "HeadScores", "head_scores", "scores_on"]

MEASURES = {
    "induction": "attention from the query to the right label, less that to the wrong ones",
    "previous_token": "attention from a label to the item before it",
    "label_copy": "logit that attending to a label gives this label, less that of the others",
    "entropy": "entropy of the query's attention (nats)",
    "direct": "what the head adds to the right logit, less the wrong ones",
}
"""Name of a score → what it is, in a few words."""


@dataclass(frozen=True, eq=False)
class HeadScores:
    """Scores of the heads of one model on the same sequences. :func:`head_scores` makes it.

    Attributes:
        sites: the attention of each layer, as ``icl_models.capture`` calls it, from the first up.
        scores: name of ``MEASURES`` → estimates of (layers, heads), NaN where a layer has fewer heads.
        uniform: name → what attending alike to all tokens that are seen would give; for those of attention alone.
        blank: name → why there are no scores.
        logits: (N, C) answers at the query, in the same passes.
    """

    sites: tuple[str, ...]
    scores: dict[str, Estimates]
    uniform: dict[str, float]
    blank: dict[str, str]
    logits: Tensor

    def rows(self) -> Iterator[dict[str, Any]]:
        """One for each head and score: layer, head, measure, value, low, high, uniform, n."""
        for measure, scores in self.scores.items():
            uniform = self.uniform.get(measure, math.nan)
            for layer, head in zip(*np.nonzero(~np.isnan(scores.value)), strict=True):
                yield {
                    "layer": int(layer),
                    "head": int(head),
                    "measure": measure,
                    "value": float(scores.value[layer, head]),
                    "low": float(scores.low[layer, head]),
                    "high": float(scores.high[layer, head]),
                    "uniform": uniform,
                    "n": int(scores.n[layer, head]),
                }


def head_scores(model: InContextModel, embedded: Tensor, labels: Tensor) -> HeadScores:
    """What every attention head does on these sequences, in one pass over them.

    - ``induction``: attention from the query to the tokens with the right label, summed, less that to the tokens with
      other labels, summed (Singh et al. 2024, arXiv 2404.07129; Reddy 2023, arXiv 2312.03002; after Olsson et al. 2022,
      arXiv 2209.11895). Sequences whose context lacks the right label do not count. With concatenated labels, tokens
      are pairs, and the query attends to pairs.
    - ``previous_token``: attention from a label's token to the item before it, mean over the labels of the context
      (Olsson et al. 2022; Singh et al. 2024). Not defined with concatenated labels.
    - ``label_copy``: if the head attends to a label alone, the logit of that label less the mean of the other labels of
      these contexts, through the direct path (Elhage et al. 2021, copying of output-value circuits): label table, the
      norm of the layer, values, output, readout; the final norm takes the mean away and divides by the standard
      deviation at the query, by the mean of its inverse. The mean, its interval (Student's t) and n are over labels:
      two tell little. Not defined with concatenated labels, post-norm, or heads of another package.
    - ``entropy`` of the query's attention, in nats.
    - ``direct``: what the head's output at the query adds to the logit of the right answer less the mean of the other
      labels of the context, the final norm's scale frozen (Elhage et al. 2021; Wang et al. 2022, arXiv 2211.00593;
      :func:`direct_contributions`). Not defined with post-norm, or heads of another package.

    Args:
        model: any with sites ``*.attention.weights``.
        embedded: (N, L, E) examples, the last one the query, as ``InContextModel.embed_examples`` gives them.
        labels: (N, L); the query's is the right answer.

    Returns:
        Means over sequences with 95% intervals.

    Raises:
        ValueError: for a model without attention, or tensors of other shapes.
    """
    return scores_on(model, Asked(embedded, labels))


def scores_on(model: InContextModel, asked: Asked) -> HeadScores:
    """:func:`head_scores`, of a model that something may be done to meanwhile.

    What attention does, and what heads add, is then what passes on; label copy is of the weights alone, without heads
    whose values or outputs are given. Where something is done between the heads and the answer, ``direct`` and
    ``label_copy`` are not defined.

    Args:
        model: with attention.
        asked: the sequences.
    """
    require_sequences(model, asked)
    sites, matrices = attention_sites(model), head_matrices(model)
    edits = [one for one in asked.acting.interventions if one.action != "fix"] if asked.acting else []
    blank = _blank(model, asked.labels, edits)
    wanted = [f"{name}.weights" for name in sites]
    added = "heads" if edits else "values"  # heads by themselves, (N, H, T, W), take longer
    if "direct" not in blank:
        last = list(matrices)[-1].removesuffix("attention") + "residual_post"
        wanted += [last, *(f"{name}.{added}" for name in matrices)]
    found: dict[str, list[list[Tensor]]] = {measure: [] for measure in MEASURES}
    logits, scales = [], []
    with looking_into(model), capture(model, *wanted) as trace:
        for one in asked.calls():
            tokens = Tokens(one.labels, model.config.concatenate_labels)
            logits.append(answers(model, one))
            weights = {name: trace[f"{name}.weights"].float() for name in sites}
            if "induction" not in blank:
                found["induction"].append([tokens.induction(layer) for layer in weights.values()])
            if "previous_token" not in blank:
                found["previous_token"].append([tokens.previous(layer) for layer in weights.values()])
            found["entropy"].append([torch.special.entr(layer[:, :, -1]).sum(-1) for layer in weights.values()])
            if "direct" not in blank:
                direction = Direction.of(model, trace[last][:, -1].float(), one.labels)
                scales.append(direction.scale)
                found["direct"].append(
                    [
                        direction.along(trace[f"{name}.heads"])
                        if edits
                        else of_heads(direction, weights[name], trace[f"{name}.values"], own)
                        for name, own in matrices.items()
                    ]
                )
        scores = {measure: mean_over(_together(parts)) for measure, parts in found.items() if parts}
        if "label_copy" not in blank:
            scheme = torch.unique(asked.labels[:, :-1])
            copied = label_copy(model, scheme, float(torch.cat(scales).mean()))
            for place in given_heads(model, edits):
                copied[:, *place] = math.nan
            scores["label_copy"] = mean_over(copied, few=True)
        uniform = Tokens(asked.labels, model.config.concatenate_labels).uniform()
    return HeadScores(
        sites=tuple(sites),
        scores={measure: scores[measure] for measure in MEASURES if measure in scores},
        uniform={name: value for name, value in uniform.items() if name in scores},
        blank=blank,
        logits=torch.cat(logits),
    )


def _blank(model: InContextModel, labels: Tensor, edits: Sequence[Intervention]) -> dict[str, str]:
    """Score → why it is not defined here."""
    between = why_no_path(model, edits)
    right = labels[:, :-1] == labels[:, -1:]
    reasons = {
        "induction": "" if bool(right.any()) else "no context has the right label",
        "previous_token": "a label has no token of its own with concatenate_labels"
        if model.config.concatenate_labels
        else "",
        "label_copy": why_no_copying(model, torch.unique(labels[:, :-1])) or between,
        "direct": why_not_direct(model) or between,
    }
    if not reasons["direct"] and bool((labels[:, :-1] == labels[:, -1:]).all()):
        reasons["direct"] = "no context has a wrong label"
    return {measure: reason for measure, reason in reasons.items() if reason}


def _together(parts: list[list[Tensor]]) -> Tensor:
    """(N, layers, heads), NaN where a layer has fewer heads than another."""
    layers = [torch.cat(of_layer) for of_layer in zip(*parts, strict=True)]
    most = max(layer.shape[1] for layer in layers)
    padded = [torch.nn.functional.pad(layer, (0, most - layer.shape[1]), value=math.nan) for layer in layers]
    return torch.stack(padded, 1)
