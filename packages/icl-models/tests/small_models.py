"""Small models on ids, and batches for them, which several tests need."""

from typing import Any

import torch

from icl_models import InContextModel, ModelConfig, TransformerConfig, build_model

IDS: dict[str, Any] = {
    "num_classes": 12,
    "example_kind": "id",
    "example_shape": (),
    "embedder": "embedding",
    "emb_dim": 16,
    "num_layers": 2,
    "num_heads": 4,
}
VARIANTS = [
    TransformerConfig(),
    TransformerConfig(norm="post", positions="rotary"),
    TransformerConfig(positions="relative", mlp_layers=()),
    TransformerConfig(positions="learned", mlp_layers=(1,)),
]


def build_lopsided(own: TransformerConfig | None = None, **settings: Any) -> InContextModel:
    """With weights away from their symmetric start, biases included."""
    model = build_model(ModelConfig(**IDS | settings, sequence_model_config=own), seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return model


def ids_and_labels(batch: int = 3, seq_len: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch, seq_len) ids and as many labels."""
    draw = torch.randint(12, (2, batch, seq_len), generator=torch.Generator().manual_seed(seed))
    return draw[0], draw[1]
