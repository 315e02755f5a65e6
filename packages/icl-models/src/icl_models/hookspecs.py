"""The whole plugin contract. A plugin is a module (or object) with one or both of these hooks, named in an entry point:

    [project.entry-points.icl]
    my-plugin = "my_package.icl"

Components returned here are chosen by name in `ModelConfig(embedder=..., sequence_model=...)`. The built-in
components register through the same two hooks. What a component must do is in `EmbedderSpec` and
`SequenceModelSpec`; `icl_models.testing` checks it.
"""

from collections.abc import Iterable

import pluggy

from icl_models._component import EmbedderSpec, SequenceModelSpec

hookspec = pluggy.HookspecMarker("icl")
hookimpl = pluggy.HookimplMarker("icl")


@hookspec
def icl_register_embedders() -> Iterable[EmbedderSpec]:
    """Return the embedders this plugin offers: modules from examples (B, S, *example_shape) to (B, S, emb_dim)."""
    raise NotImplementedError


@hookspec
def icl_register_sequence_models() -> Iterable[SequenceModelSpec]:
    """Return the sequence models this plugin offers: modules from tokens (B, T, W) to features (B, T, F)."""
    raise NotImplementedError
