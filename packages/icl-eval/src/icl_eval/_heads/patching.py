"""Activation patching: which values, at which tokens, carry the difference between two passes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from icl_data.foundation.command_line import nearest
from icl_eval._heads.estimates import Estimates, Floats, Z
from icl_eval._heads.passes import Asked, answers, attention_sites, heads_at, is_place, looking_into, require_sequences
from icl_eval._heads.tokens import Tokens
from icl_models import InContextModel, capture, edit, freeze, site_names

__all__ = ["Patching", "activation_patching", "patched_from"]


@dataclass(frozen=True, eq=False)
class Patching:
    """What patching recovers. :func:`activation_patching` makes it.

    Attributes:
        sites: what was patched, in the order of the model.
        positions: names of the tokens, ``x1 y1 x2 … q``.
        recovered: estimates of (sites, positions).
        clean, corrupted: mean difference of logits in the two passes.
    """

    sites: tuple[str, ...]
    positions: tuple[str, ...]
    recovered: Estimates
    clean: float
    corrupted: float

    def rows(self) -> list[dict[str, Any]]:
        """One for each site and position: site, position (from 0), token, recovered, low, high, n."""
        return [
            {
                "site": site,
                "position": place,
                "token": token,
                "recovered": float(self.recovered.value[row, place]),
                "low": float(self.recovered.low[row, place]),
                "high": float(self.recovered.high[row, place]),
                "n": int(self.recovered.n[row, place]),
            }
            for row, site in enumerate(self.sites)
            for place, token in enumerate(self.positions)
        ]


def activation_patching(
    model: InContextModel,
    clean: tuple[Tensor, Tensor],
    corrupted: tuple[Tensor, Tensor],
    *,
    sites: Sequence[str] | None = None,
) -> Patching:
    """Put values of a clean pass into a corrupted one, at one site and one token at a time.

    The difference of logits is that of the clean right answer less the corrupted one. What patching recovers is
    (patched - corrupted) / (clean - corrupted), a ratio of means over sequences: 1 where the patched value carries all
    of the difference, 0 where none (Wang et al. 2022, arXiv 2211.00593; denoising in Heimersheim and Nanda 2024,
    arXiv 2404.15255). The 95% interval is that of a ratio of means (normal, delta method) over sequences. All is NaN
    where the two passes do not differ: where the interval of clean - corrupted holds 0. Sequences whose right answer
    is the same in both do not count.

    Args:
        model: any with attention.
        clean, corrupted: (N, L, E) embedded examples and (N, L) labels of either pass, sequence by sequence; the right
            answer is the label of the query.
        sites: names as ``icl_models.site_names`` has them, ``*`` for anything, ``heads.*`` for each head; None for the
            residual stream before each block and after the last, attention, and MLP.

    Raises:
        ValueError: for a model without attention, tensors of other shapes, pairs that all have one right answer, or
            sites that are not there or have no tokens.
    """
    return patched_from(model, Asked(*clean), Asked(*corrupted), sites=sites)


def patched_from(model: InContextModel, clean: Asked, corrupted: Asked, *, sites: Sequence[str] | None) -> Patching:
    """:func:`activation_patching`, on top of what is done to the model anyway.

    Args:
        model: with attention.
        clean, corrupted: the sequences of either pass.
        sites: as there.
    """
    for asked in (clean, corrupted):
        require_sequences(model, asked)
    if clean.embedded.shape != corrupted.embedded.shape:
        shapes = f"{tuple(clean.embedded.shape)}, got {tuple(corrupted.embedded.shape)}"
        raise ValueError(f"corrupted must have the shape of clean, {shapes}")
    differs = clean.labels[:, -1] != corrupted.labels[:, -1]
    if not bool(differs.any()):
        raise ValueError("clean and corrupted must have different right answers, got the same in all sequences")
    clean, corrupted = clean[differs], corrupted[differs]
    tokens = Tokens(clean.labels[:1], model.config.concatenate_labels).names
    before, after, patched = [], [], []
    with looking_into(model):
        names = _named(model, sites, heads_at(model, clean)) if sites else _usual(model)
        for one, other in zip(clean.calls(), corrupted.calls(), strict=True):
            right, wrong = one.labels[:, -1:], other.labels[:, -1:]

            def difference(given: Asked, right: Tensor = right, wrong: Tensor = wrong) -> Tensor:
                logits = answers(model, given).double()
                return (logits.gather(1, right) - logits.gather(1, wrong))[:, 0]

            with capture(model, *names) as trace:
                before.append(difference(one))
            values = {name: trace[name] for name in names}
            after.append(difference(other))
            patched.append(_each(model, values, len(tokens), partial(difference, other)))
    whole, none = torch.cat(before).cpu().numpy(), torch.cat(after).cpu().numpy()
    recovered = _ratio(torch.cat(patched).cpu().numpy() - none[:, None, None], whole - none)
    return Patching(tuple(names), tokens, recovered, float(whole.mean()), float(none.mean()))


def _each(
    model: InContextModel, values: Mapping[str, Tensor], n_tokens: int, difference: Callable[[], Tensor]
) -> Tensor:
    """(n, sites, positions) differences with one value patched."""
    found = []
    for name, value in values.items():
        for position in range(n_tokens):
            with edit(model, {name: freeze({name: value}, positions=[position])}):
                found.append(difference())
    together = torch.stack(found, 1)
    return together.view(len(together), len(values), n_tokens)


def _ratio(gained: Floats, whole: Floats) -> Estimates:
    """Ratios of means over the first axis, and their intervals by the delta method."""
    n = len(whole)
    mean = whole.mean()
    shape = gained.shape[1:]
    counts = np.full(shape, n)
    unsure = Z * whole.std(ddof=1) / math.sqrt(n) if n > 1 else 0.0
    if abs(mean) <= unsure:
        nothing = np.full(shape, math.nan)
        return Estimates(nothing, nothing, nothing, counts)
    value = gained.mean(0) / mean
    half = np.full(shape, math.nan)
    if n > 1:
        half = Z * (gained - value * whole[:, None, None]).std(0, ddof=1) / math.sqrt(n) / abs(mean)
    return Estimates(value, value - half, value + half, counts)


def _usual(model: InContextModel) -> list[str]:
    """The residual stream before each block and after the last, attention and MLP, as far as the model names them."""
    layers = [name.removesuffix("attention") for name in attention_sites(model)]
    wanted = [f"{layer}{end}" for layer in layers for end in ("residual_pre", "attention", "mlp")]
    found = [name for name in (*wanted, f"{layers[-1]}residual_post") if is_place(model, name)]
    if not found:
        raise ValueError(f"sites must be given for sequence_model {model.config.sequence_model}, which names no stream")
    return found


def _named(model: InContextModel, patterns: Sequence[str], heads: Mapping[str, int]) -> list[str]:
    """The sites under these names, each once; ``heads.*`` is each head.

    Raises:
        ValueError: for a name that no site has, or values that have no axis of tokens.
    """
    with_heads = list(_with_each_head(model, heads))
    found: dict[str, None] = {}
    for pattern in patterns:
        expression = re.compile(re.escape(pattern).replace(r"\*", ".*"))
        matching = [name for name in with_heads if expression.fullmatch(name)]
        if not matching:
            short = list(dict.fromkeys(re.sub(r"\b\d+\b", "*", name) for name in with_heads))
            raise ValueError(f"sites must be of {', '.join(short)}, got {pattern!r}{nearest(pattern, with_heads)}")
        found |= dict.fromkeys(matching)
    return list(found)


def _with_each_head(model: InContextModel, heads: Mapping[str, int]) -> Iterator[str]:
    """Sites whose values belong to tokens, in the order of the modules, and each head behind all of its layer."""
    for name in site_names(model):
        if name != "embeddings":  # of examples
            yield name
            if name.endswith(".heads"):
                yield from (f"{name}.{head}" for head in range(heads[name.removesuffix(".heads")]))
