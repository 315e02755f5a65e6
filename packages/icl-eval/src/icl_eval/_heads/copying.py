"""Whether a head that attends to a label speaks for that label."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import product

import torch
from torch import Tensor

from icl_models import InContextModel, final_norm, head_matrices
from icl_train import Intervention

__all__ = ["given_heads", "label_copy", "why_no_copying"]


def why_no_copying(model: InContextModel, labels: Tensor) -> str:
    """Why there is no score of copying; empty if there is.

    Args:
        model: the model.
        labels: (K,) distinct labels of the sequences' contexts.
    """
    if model.config.concatenate_labels:
        return "a label has no token of its own with concatenate_labels"
    if not head_matrices(model):
        return f"the heads of sequence_model {model.config.sequence_model} have no matrices that are known"
    if final_norm(model) is None:
        return "behind a post-norm, there is no direct path from a head to the answer"
    return "" if len(labels) > 1 else "the contexts have a single label"


def given_heads(model: InContextModel, edits: Sequence[Intervention]) -> set[tuple[int, int]]:
    """(layer, head) of those whose values or outputs are given by interventions, so that their matrices copy nothing.

    Args:
        model: whose heads have matrices.
        edits: what changes values of it.
    """
    found = set()
    for layer, (name, matrices) in enumerate(head_matrices(model).items()):
        for head, site, one in product(range(len(matrices.values)), ("values", "heads"), edits):
            whole = fnmatchcase(f"{name}.{site}", one.name) and head not in one.but
            if whole or fnmatchcase(f"{name}.{site}.{head}", one.name):
                found.add((layer, head))
    return found


def label_copy(model: InContextModel, labels: Tensor, scale: float) -> Tensor:
    """(K, layers, heads): the logit of a label less the mean of the others', if a head attends to that label alone.

    The direct path through the head's output-value circuit (Elhage et al. 2021, "copying"): label table, the norm of
    the head's layer, values, output, final norm, readout. Positions are left out, as are the biases behind the norm,
    which cancel in the mean over labels.

    Args:
        model: interleaved and pre-norm.
        labels: (K,) distinct ones: the scheme.
        scale: of the final norm, 1 over a standard deviation of the stream at the query.
    """
    norm = final_norm(model)
    assert norm is not None
    stream = model.label_table(labels)  # (K, W)
    reading = model.readout.weight[labels].float() * norm.weight.float()
    reading = (reading - reading.mean(1, keepdim=True)) * scale
    found = []
    for own in head_matrices(model).values():
        read = stream if own.norm is None else own.norm(stream)
        values = torch.einsum("hdw,kw->hkd", own.values, read).float()
        readers = torch.einsum("kw,hwd->hkd", reading, own.out.float())
        same = (values * readers).sum(-1)  # (H, K)
        all_labels = (values * readers.sum(1, keepdim=True)).sum(-1)
        found.append(same - (all_labels - same) / (len(labels) - 1))
    return torch.stack(found).permute(2, 0, 1)
