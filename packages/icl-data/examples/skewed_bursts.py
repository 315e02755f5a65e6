"""Train a small transformer on bursty sequences of Zipf-skewed classes, and ask what it learned: weights or context?

    pip install "icl-data[torch]"
    python skewed_bursts.py [STEPS]

The model is plain PyTorch. Two evaluations tell the two kinds of learning apart: sequences whose context does not show
the query's class (in weights), and few-shot sequences of classes that training never shows (in context).
"""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_data import BatchSampler, Bursty, ClassSplit, Fewshot, GaussianSource, NoSupport
from icl_data.torch import ExampleBank, create_sequence_dataloader

DIM, WIDTH, WAYS = 32, 64, 2


class Learner(nn.Module):
    """Tokens x1 y1 x2 y2 ... xq, a causal transformer, and logits at the query."""

    def __init__(self, n_labels: int) -> None:
        super().__init__()
        self.example = nn.Linear(DIM, WIDTH)
        self.label = nn.Embedding(n_labels, WIDTH)
        self.position = nn.Parameter(0.02 * torch.randn(64, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, 0.0, F.gelu, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.readout = nn.Linear(WIDTH, n_labels)

    def forward(self, examples: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, n_labels) of examples (B, S, DIM) and labels (B, S), the last of which is not looked at."""
        pairs = torch.stack([self.example(examples), self.label(labels)], dim=2)
        tokens = pairs.flatten(1, 2)[:, :-1]  # (B, 2S - 1, WIDTH)
        n = tokens.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(n)
        return self.readout(self.blocks(tokens + self.position[:n], mask=mask, is_causal=True)[:, -1])


@torch.inference_mode()
def accuracy(model: Learner, sampler: BatchSampler, bank: ExampleBank, n_answers: int | None = None) -> float:
    """Share of right answers over 8 batches, among the first `n_answers` labels if given."""
    right = []
    for step in range(8):
        batch = sampler(step)
        labels = torch.from_numpy(batch.label).long()
        logits = model(bank(batch, seed=sampler.seed, step=step), labels)[:, :n_answers]
        right.append(logits.argmax(1) == labels[:, -1])
    return torch.cat(right).float().mean().item()


def main() -> None:
    n_steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    torch.manual_seed(0)
    source = GaussianSource(600, dim=DIM, noise_scale=0.1)
    # 500 trained classes, of which the one of rank r comes up in proportion to 1 / r; 100 are kept for the evaluation.
    split = ClassSplit(source.class_keys, n_rare=490, n_common=10, n_holdout=100, zipf_exponent=1.0)
    train = BatchSampler(source, split, Bursty(p_bursty=0.9, ways=WAYS), batch_size=64, seed=0)
    evaluate = {"batch_size": 128, "seed": 0, "stream": "evaluation"}
    in_weights = BatchSampler(source, split, NoSupport(), **evaluate)
    in_context = BatchSampler(source, split, Fewshot(class_type="holdout", ways=WAYS), **evaluate)

    model, bank = Learner(train.num_labels), ExampleBank(source)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for step, batch in enumerate(create_sequence_dataloader(train, source, n_steps=n_steps), start=1):
        loss = F.cross_entropy(model(batch["examples"], batch["labels"]), batch["labels"][:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == n_steps:
            model.eval()
            print(
                f"step {step:5d}  loss {sum(losses) / len(losses):.3f}  "
                f"in weights {accuracy(model, in_weights, bank):.3f}  "
                f"in context, 0 or 1: {accuracy(model, in_context, bank, WAYS):.3f} (chance {1 / WAYS})"
            )
            model.train()
            losses.clear()


if __name__ == "__main__":
    main()
