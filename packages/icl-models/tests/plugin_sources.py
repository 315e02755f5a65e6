"""The text of a plugin that works."""

GOOD = """
from dataclasses import dataclass
from torch import nn
from icl_models import ComponentConfig, EmbedderSpec, hookimpl

@dataclass(frozen=True, kw_only=True)
class {name}Config(ComponentConfig):
    scale: float = 1.0

class {name}(nn.Module):
    def __init__(self, model, own):
        super().__init__()
        self.scale = own.scale
        self.linear = nn.Linear(model.example_shape[0], model.emb_dim)

    def forward(self, examples):
        return self.scale * self.linear(examples)

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="{name}", build={name}, config={name}Config, example_kinds=("vector",))]
"""
