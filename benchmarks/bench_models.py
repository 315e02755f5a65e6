"""What variants of the transformer and looking inside cost: pairs measured alternately in one run, printed as ratios.

python benchmarks/bench_models.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch

from icl_models import InContextModel, ModelConfig, TransformerConfig, ablate, build_model, capture, edit

ROUNDS, CALLS = 15, 5
BATCH = 64
VARIANTS = {
    "post-norm": TransformerConfig(norm="post"),
    "attention only": TransformerConfig(mlp_layers=()),
    "learned positions": TransformerConfig(positions="learned"),
    "relative positions": TransformerConfig(positions="relative"),
    "rotary positions": TransformerConfig(positions="rotary"),
}


def build(own: TransformerConfig | None = None) -> InContextModel:
    """Two layers of the paper's width on vectors."""
    config = ModelConfig(
        num_classes=100,
        example_kind="vector",
        example_shape=(63,),
        embedder="vector",
        num_layers=2,
        sequence_model_config=own,
    )
    return build_model(config, seed=0)


def update(model: InContextModel, inside: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
    """Forward and backward of all tokens, the forward pass inside a context."""
    with inside():
        logits = model(EXAMPLES, LABELS)
    logits.square().mean().backward()


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - start) / CALLS


def compare(title: str, one: Callable[[], object], default: Callable[[], object]) -> None:
    one(), default()
    pairs = [(seconds(one), seconds(default)) for _ in range(ROUNDS)]
    a, b = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    ratio = statistics.median(ours / plain for ours, plain in pairs)
    print(f"{title:<40} {a:7.2f} ms, default {b:7.2f} ms: {ratio:.2f} times as long", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    EXAMPLES = torch.randn(BATCH, 9, 63, generator=generator)
    LABELS = torch.randint(100, (BATCH, 9), generator=generator)
    plain = build()
    print(f"Two layers of width 64, {BATCH} sequences of 17 tokens, forward and backward, one thread")
    compare("the default, against itself", partial(update, build()), partial(update, plain))
    for name, own in VARIANTS.items():
        compare(name, partial(update, build(own)), partial(update, plain))
    for names in (("blocks.*.residual_post",), ("blocks.*.attention.weights",), ("blocks.*.attention.heads",), ()):
        inside = partial(capture, plain, *names)
        compare(f"capturing {', '.join(names) or 'everything'}", partial(update, plain, inside), partial(update, plain))
    inside = partial(edit, plain, {"blocks.1.attention.heads.3": ablate()})
    compare("ablating one head", partial(update, plain, inside), partial(update, plain))
