from dataclasses import dataclass

from torch import nn

from icl_models import ComponentConfig, EmbedderSpec, hookimpl


@dataclass(frozen=True, kw_only=True)
class MyEmbedderConfig(ComponentConfig):
    width: int = 128
    """Units of the hidden layer."""

    def __post_init__(self):
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")


def build(model, own):  # a module from examples (B, S, D) to (B, S, emb_dim)
    hidden = nn.Linear(model.example_shape[0], own.width)
    return nn.Sequential(hidden, nn.ReLU(), nn.Linear(own.width, model.emb_dim))


@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="my-embedder", build=build, config=MyEmbedderConfig, example_kinds=["vector"])]
