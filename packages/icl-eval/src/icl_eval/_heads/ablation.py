"""What a model loses without one of its heads, branches or layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from icl_eval._heads.estimates import mean_over
from icl_eval._heads.passes import Asked, answers, attention_sites, heads_at, is_place, looking_into, require_sequences
from icl_models import Edit, InContextModel, ablate, capture, edit, patch

__all__ = ["AblationEffect", "Kind", "Outcomes", "ablation_effects", "effects_on"]

Outcomes = Callable[[Tensor], Mapping[str, Tensor]]
Kind = Literal["head", "attention", "mlp", "layer"]


@dataclass(frozen=True, kw_only=True)
class AblationEffect:
    """One part of a model taken out, and one thing that is measured.

    Attributes:
        kind: head, attention (all heads of a layer and their bias), mlp, or layer (attention and MLP).
        layer: from 0.
        head: from 0; None for the other kinds.
        metric: what is measured: accuracy, loss.
        whole: its mean with the whole model.
        without: its mean without the part.
        difference, low, high: without less whole, and the 95% interval over sequences, which are paired.
        n: sequences.
    """

    kind: Kind
    layer: int
    head: int | None
    metric: str
    whole: float
    without: float
    difference: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class _Part:
    kind: Kind
    layer: int
    head: int | None
    places: tuple[str, ...]


def ablation_effects(
    model: InContextModel,
    embedded: Tensor,
    labels: Tensor,
    *,
    to: Literal["zero", "mean"] = "zero",
    outcomes: Outcomes | None = None,
) -> list[AblationEffect]:
    """Take out each head, attention, MLP and layer, one at a time, and measure what that changes.

    What a part adds to the residual stream is set to zero, or at each position to its mean over all of the sequences
    (mean ablation, Wang et al. 2022, arXiv 2211.00593, section 2; Olsson et al. 2022 ablate heads to zero). Everything
    behind it is computed anew. Parts of other packages' models are those that can be captured under these names
    (``*.attention``, ``*.attention.heads``, ``*.mlp``).

    Args:
        model: any with attention.
        embedded: (N, L, E) examples, the last one the query.
        labels: (N, L); the query's is the right answer.
        to: by what an output is replaced.
        outcomes: (N, C) logits at the query to (N,) numbers by name; by default ``accuracy`` over all labels and
            ``loss``.

    Returns:
        An effect for each part and outcome: heads first, layer by layer.

    Raises:
        ValueError: for a model without attention, tensors of other shapes, or an unknown `to`.
    """
    return effects_on(model, Asked(embedded, labels), to=to, outcomes=outcomes)


def effects_on(
    model: InContextModel, asked: Asked, *, to: Literal["zero", "mean"], outcomes: Outcomes | None
) -> list[AblationEffect]:
    """:func:`ablation_effects`, on top of what is done to the model anyway.

    Args:
        model: with attention.
        asked: the sequences.
        to, outcomes: as there.
    """
    if to not in ("zero", "mean"):
        raise ValueError(f"to must be one of zero, mean, got {to!r}")
    require_sequences(model, asked)
    measured = outcomes or (lambda logits: _over_all_labels(logits, asked.labels))
    effects = []
    with looking_into(model):
        sites = list(_sites(model))
        means = _means(model, asked, sites) if to == "mean" else {}
        whole = measured(_logits(model, asked, {}))
        for part in _parts(model, sites, asked):
            edits = {name: _change(name, means) for name in part.places}
            without = measured(_logits(model, asked, edits))
            for metric, values in without.items():
                paired = mean_over(values.double() - whole[metric].double())
                effects.append(
                    AblationEffect(
                        kind=part.kind,
                        layer=part.layer,
                        head=part.head,
                        metric=metric,
                        whole=float(whole[metric].double().mean()),
                        without=float(values.double().mean()),
                        difference=float(paired.value),
                        low=float(paired.low),
                        high=float(paired.high),
                        n=int(paired.n),
                    )
                )
    return effects


def _over_all_labels(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    right = labels[:, -1]
    loss = torch.nn.functional.cross_entropy(logits, right, reduction="none")
    return {"accuracy": (logits.argmax(1) == right).float(), "loss": loss}


def _sites(model: InContextModel) -> Iterator[str]:
    """Where the parts put what they add: heads, attention and MLP of each layer, as far as the model names them."""
    for name in attention_sites(model):
        mlp = f"{name.removesuffix('attention')}mlp"
        yield from (site for site in (f"{name}.heads", name, mlp) if is_place(model, site))


def _parts(model: InContextModel, sites: list[str], asked: Asked) -> list[_Part]:
    counts = heads_at(model, asked)
    heads: list[_Part] = []
    others: list[_Part] = []
    for layer, (name, count) in enumerate(counts.items()):
        mlp = f"{name.removesuffix('attention')}mlp"
        if f"{name}.heads" in sites:
            heads += [_Part("head", layer, head, (f"{name}.heads.{head}",)) for head in range(count)]
        branches = tuple(site for site in (name, mlp) if site in sites)
        others += [_Part("mlp" if site == mlp else "attention", layer, None, (site,)) for site in branches]
        others += [_Part("layer", layer, None, branches)] if branches else []
    return heads + others


def _logits(model: InContextModel, asked: Asked, edits: Mapping[str, Edit]) -> Tensor:
    with edit(model, edits):
        return torch.cat([answers(model, one, "query") for one in asked.calls()])


def _means(model: InContextModel, asked: Asked, sites: list[str]) -> dict[str, Tensor]:
    """Mean over all sequences of what passes each site, for each position."""
    sums: dict[str, Tensor] = {}
    for one in asked.calls():
        with capture(model, *sites) as trace:
            answers(model, one, "query")
        for name, value in trace.items():
            total = value.double().sum(0, keepdim=True)
            sums[name] = sums[name] + total if name in sums else total
    return {name: (total / len(asked)).float() for name, total in sums.items()}


def _change(name: str, means: Mapping[str, Tensor]) -> Edit:
    if not means:
        return ablate("zero")
    if name in means:
        return patch(means[name])
    whole, _, head = name.rpartition(".")
    return patch(means[whole][:, int(head)])
