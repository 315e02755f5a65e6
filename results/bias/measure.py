"""What the checkpoints of runs with and without a bias hold: its length and direction, and where tokens look.

    python results/bias/measure.py RUNS [RUNS ...] --out results/bias/checkpoints.csv

A row for each run and checkpoint, on 256 training sequences that are the same for all runs with one seed of the data.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from icl_eval import write_csv
from icl_models import capture_attention
from icl_train import RunFolder, Task, find_runs, load_model_weights

SEQUENCES = 256


def shared_vector(model: nn.Module) -> Tensor:
    """The vector that all items share, as it reaches them: a bias, a mark on items, or nothing."""
    mark = getattr(model.sequence_model, "mark", None)
    if mark is not None:
        own, done = model.sequence_model.own, int(model.sequence_model.updates)
        is_there = done >= own.since and (own.until is None or done < own.until)
        return own.scale * is_there * mark
    bias = getattr(getattr(model.embedder, "linear", None), "bias", None)
    return torch.zeros(model.config.emb_dim) if bias is None else bias


@torch.no_grad()
def measure(run: RunFolder, step: int, task: Task) -> dict[str, object]:
    """One row: a run at a checkpoint."""
    model = task.build_model()
    load_model_weights(run.checkpoints, step, model)
    model.eval()
    sampler = task.training_sampler()
    batches = [sampler(number) for number in range(-(-SEQUENCES // run.config.train.batch_size))]
    examples = torch.cat([task.bank(batch, seed=0, step=number) for number, batch in enumerate(batches)])
    labels = torch.cat([torch.tensor(batch.label, dtype=torch.int64) for batch in batches])
    with capture_attention(model) as attention:
        logits = model(examples, labels)[:, -1]
    shared, table = shared_vector(model), model.label_table.weight
    target = getattr(getattr(model.sequence_model, "own", None), "target", "items")
    embedded = model.embed_examples(examples)
    own = embedded - shared if hasattr(model.embedder, "linear") else embedded
    of_items = own.mean((0, 1)) + (shared if target != "labels" else 0)
    of_labels = table.mean(0) + (shared if target != "items" else 0)
    items, label_tokens = slice(0, -1, 2), slice(1, None, 2)  # tokens of the context; the last is the query
    matching = (labels[:, :-1] == labels[:, -1:]).float()  # (B, 8): the context's labels that are the answer
    row: dict[str, object] = {
        "shared": float(shared.norm()),
        "items_own": float(own.norm(dim=-1).mean()),
        "labels_own": float((table - table.mean(0)).norm(dim=-1).mean()),
        "items_from_labels": float((of_items - of_labels).norm()),
        "cosine_with_labels": float(torch.cosine_similarity(shared, table.mean(0), 0)) if shared.any() else None,
        "answer_in_context": float((labels[:, :-1] == logits.argmax(-1)[:, None]).any(1).double().mean()),
        "accuracy": float((logits.argmax(-1) == labels[:, -1]).double().mean()),
    }
    for layer, weights in enumerate(attention):  # (B, H, T, T)
        to_labels = weights[:, :, -1, label_tokens]  # (B, H, 8)
        own_item = torch.stack([weights[:, :, place, place - 1] for place in range(1, weights.shape[-1], 2)], -1)
        row |= {
            f"query_to_labels_{layer}": float(to_labels.sum(-1).mean()),
            f"query_to_items_{layer}": float(weights[:, :, -1, items].sum(-1).mean()),
            f"query_to_labels_head_{layer}": float(to_labels.sum(-1).mean(0).max()),
            f"query_to_answer_{layer}": float((to_labels * matching[:, None]).sum(-1).mean()),
            f"labels_to_own_item_{layer}": float(own_item.mean()),
            f"labels_to_own_item_head_{layer}": float(own_item.mean((0, 2)).max()),
        }
    return row


def main() -> None:
    """Measure every checkpoint of every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    rows = []
    for root in options.runs:
        for run in sorted(find_runs(root)[0], key=lambda run: run.config.seeds.data):
            if run.config.data.n_trained_classes != 8192:
                continue
            task = Task.build(run.config, device=torch.device("cpu"))
            for step in run.checkpoint_steps():
                if run.status() == "done":
                    rows.append(
                        {"group": root.name, "seed": run.config.seeds.data, "step": step} | measure(run, step, task)
                    )
    write_csv(options.out, rows)


if __name__ == "__main__":
    main()
