"""What each part of a model adds, by itself, to the difference of logits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from icl_eval._heads.passes import Asked, answers, looking_into, require_sequences
from icl_models import HeadMatrices, InContextModel, capture, final_norm, head_matrices, site_names
from icl_train import Intervention, intervention_text

__all__ = ["Direction", "direct_contributions", "of_heads", "why_no_path", "why_not_direct", "wrong_mean"]


# What changes here changes what heads, MLPs and the embedding add, and nothing behind that.
_OFF_THE_PATH = re.compile(
    r"embeddings|tokens|blocks\.0\.residual_pre|.*\.(mlp|attention\.(queries|keys|values|weights|heads)(\.\d+)?)"
)


@dataclass(frozen=True, eq=False)
class Direction:
    """Where the residual stream must grow at the query so that right answers gain on wrong ones.

    Args:
        vector: (N, W); its product with what a part adds to the stream is what that part adds to the difference.
        constant: (N,), of the biases of final norm and readout.
        scale: (N,), 1 over the standard deviation by which the final norm divides.
    """

    vector: Tensor
    constant: Tensor
    scale: Tensor

    @classmethod
    def of(cls, model: InContextModel, stream: Tensor, labels: Tensor) -> Direction:
        """The final norm is taken apart: its scale is frozen at that of this pass.

        Args:
            model: with a final norm.
            stream: (N, W) before it, at the query.
            labels: (N, L); the query's is the right answer.
        """
        norm = final_norm(model)
        assert norm is not None
        scale = (stream.var(1, unbiased=False) + norm.eps).rsqrt()
        weight, bias = model.readout.weight, model.readout.bias
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        table = torch.cat((weight, bias[:, None]), 1).float()  # (C, W + 1)
        right = labels[:, -1]
        difference = table[right] - wrong_mean(labels, len(table)) @ table
        read, constant = difference[:, :-1], difference[:, -1]
        vector = read * norm.weight.float()
        vector = (vector - vector.mean(1, keepdim=True)) * scale[:, None]
        return cls(vector, read @ norm.bias.float() + constant, scale)

    def along(self, added: Tensor) -> Tensor:
        """(N, H): what heads add at the query.

        Args:
            added: (N, H, T, W), to the residual stream.
        """
        return (added[:, :, -1].float() * self.vector[:, None]).sum(-1)


def wrong_mean(labels: Tensor, num_classes: int) -> Tensor:
    """(N, C) weights of the mean over the distinct wrong labels of each context; NaN where there is none."""
    wrong = torch.zeros(len(labels), num_classes, device=labels.device)
    wrong = wrong.scatter(1, labels[:, :-1], 1.0).scatter(1, labels[:, -1:], 0.0)
    return wrong / wrong.sum(1, keepdim=True)


def of_heads(direction: Direction, weights: Tensor, values: Tensor, matrices: HeadMatrices) -> Tensor:
    """(N, H): what each head adds at the query.

    Args:
        direction: of these sequences.
        weights: (N, H, Q, T); the query is the last.
        values: (N, H, T, D).
        matrices: of the layer.
    """
    mixed = (weights[:, :, -1, None].float() @ values.float())[:, :, 0]  # (N, H, D)
    return (mixed * torch.einsum("nw,hwd->nhd", direction.vector, matrices.out.float())).sum(-1)


def why_not_direct(model: InContextModel) -> str:
    """Why a model's answer is no sum of what its parts add; empty if it is."""
    if not head_matrices(model):
        return f"the heads of sequence_model {model.config.sequence_model} have no matrices that are known"
    if final_norm(model) is None:
        return "behind a post-norm, the answer is no sum of what the parts add"
    return ""


def why_no_path(model: InContextModel, edits: Sequence[Intervention]) -> str:
    """Which of these interventions stand between what heads add and the answer; empty if none does.

    Args:
        model: with attention.
        edits: what changes values of it.
    """
    for one in edits:
        names = [name for name in site_names(model) if fnmatchcase(name, one.name)] or [one.name]
        if one.action == "copy" or not all(map(_OFF_THE_PATH.fullmatch, names)):
            return f"{intervention_text(one)} stands between the heads and the answer"
    return ""


def direct_contributions(model: InContextModel, embedded: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """What each part adds directly to the logit of the right answer less the mean logit of the wrong ones.

    The residual stream at the query is a sum of what embedding, heads and MLPs add, and the readout is linear in it but
    for the final norm, whose scale is frozen at that of the pass itself (Elhage et al. 2021, direct paths; Wang et al.
    2022, arXiv 2211.00593). Wrong answers are the other labels of the context. The parts sum to the difference.

    Args:
        model: a pre-norm transformer of icl_models.
        embedded: (N, L, E) examples, as `InContextModel.embed_examples` gives them.
        labels: (N, L); the query's is the right answer.

    Returns:
        Part to (N,) differences of logits, NaN where a context has no wrong label: ``embedding``,
        ``blocks.0.attention.heads.0`` and so on, ``blocks.0.attention.bias``, ``blocks.0.mlp``, and ``bias``, of the
        final norm and the readout.

    Raises:
        ValueError: for another model, or tensors of other shapes.
    """
    why = why_not_direct(model)
    if why:
        raise ValueError(f"the model must be a pre-norm transformer of icl_models: {why}")
    asked = Asked(embedded, labels)
    require_sequences(model, asked)
    matrices = head_matrices(model)
    first, last = (name.removesuffix("attention") for name in (next(iter(matrices)), list(matrices)[-1]))
    mlps = [name for name in site_names(model) if name.endswith(".mlp")]
    wanted = [f"{first}residual_pre", f"{last}residual_post", *mlps]
    wanted += [f"{name}.{site}" for name in matrices for site in ("weights", "values")]
    parts: dict[str, list[Tensor]] = {}
    with looking_into(model):
        for one in asked.calls():
            with capture(model, *wanted) as trace:
                answers(model, one)
            direction = Direction.of(model, trace[f"{last}residual_post"][:, -1].float(), one.labels)

            def add(name: str, stream: Tensor, direction: Direction = direction) -> None:
                parts.setdefault(name, []).append((stream.float() * direction.vector).sum(1))

            add("embedding", trace[f"{first}residual_pre"][:, -1])
            for name, own in matrices.items():
                heads = of_heads(direction, trace[f"{name}.weights"], trace[f"{name}.values"], own)
                for head in range(heads.shape[1]):
                    parts.setdefault(f"{name}.heads.{head}", []).append(heads[:, head])
                add(f"{name}.bias", own.out_bias[None])
                mlp = name.removesuffix("attention") + "mlp"
                if mlp in mlps:
                    add(mlp, trace[mlp][:, -1])
            parts.setdefault("bias", []).append(direction.constant)
    return {name: torch.cat(values) for name, values in parts.items()}
