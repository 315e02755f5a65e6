"""The configuration that released variables belong to, as far as their names and shapes tell it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_RESNET = "input_embedder/simple_res_net/~"
_LAYERS = {
    "transformer": re.compile(r"transformer/transformer_block(?:_(\d+))?/"),
    "lstm": re.compile(r"rnn/lstm(?:_(\d+))?/"),
    "vanilla_rnn": re.compile(r"rnn/vanilla_rnn(?:_(\d+))?/"),
}
# Half of them, as some may be missing; a few more that are missing are named each.
_VARIABLES_OF_A_LAYER, _FEW = {"transformer": 8, "lstm": 1, "vanilla_rnn": 2}, 64

Shapes = Mapping[str, tuple[int, ...]]


def infer_settings(shapes: Shapes, given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of `ModelConfig` by name: what the shapes of params named "module|name" tell, and those in `given`.

    Raises:
        ValueError: naming the variable that should tell and does not.
    """
    kinds = [kind for kind, pattern in _LAYERS.items() if any(map(pattern.match, shapes))]
    if len(kinds) != 1:
        raise ValueError(f"variables must have the layers of one of {', '.join(_LAYERS)}, got {_listed(kinds)}")
    layers = [match[1] for match in map(_LAYERS[kinds[0]].match, shapes) if match]
    readout = "transformer/linear|w" if kinds == ["transformer"] else "rnn/linear|w"
    features, num_classes = _shape(shapes, readout, 2)
    rows, emb_dim = _shape(shapes, "input_embedder|embs", 2)
    settings: dict[str, Any] = {"num_classes": num_classes, "emb_dim": emb_dim, "sequence_model": kinds[0]}
    # The highest number, not how many there are: a layer that is missing is then named as missing.
    settings["num_layers"] = 1 + max(int(number or 0) for number in layers)
    if (settings["num_layers"] - 1) * _VARIABLES_OF_A_LAYER[kinds[0]] > len(shapes) + _FEW:
        raise ValueError(f"layers must be numbered from 0 without gaps, got {settings['num_layers'] - 1} as the last")
    settings["concatenate_labels"] = rows == num_classes + 1
    if kinds != ["transformer"] and features != emb_dim:
        settings["hidden_size"] = features
    found = settings | _embedder(shapes, settings | dict(given))
    own, given_own = found.get("embedder_config"), given.get("embedder_config")
    if isinstance(own, Mapping) and isinstance(given_own, Mapping):  # what is given of it leaves the rest as found
        return found | dict(given) | {"embedder_config": {**own, **given_own}}
    return found | dict(given)


def _embedder(shapes: Shapes, settings: Mapping[str, Any]) -> dict[str, Any]:
    if any(name.startswith(_RESNET) for name in shapes):
        channels = _shape(shapes, f"{_RESNET}/initial_conv|w", 4)[2]
        last = _shape(shapes, f"{_RESNET}/block_group_3/~/block_1/~/conv_2|w", 4)[3]
        # At the paper's size: only flattened superpixels depend on it, and they fit no other without a projection.
        found = {"embedder": "resnet", "example_kind": "image", "example_shape": (105, 105, channels)}
        return found | {"embedder_config": {"flatten_superpixels": last != settings["emb_dim"]}}
    if "input_embedder/linear|w" in shapes:
        numbers = _shape(shapes, "input_embedder/linear|w", 2)[0]
        side = math.isqrt(numbers)
        if side * side != numbers and "example_shape" not in settings:
            raise ValueError(f"example_shape must be set for examples of {numbers} numbers, which are no square image")
        return {"embedder": "linear", "example_kind": "image", "example_shape": (side, side, 1)}
    ids = _shape(shapes, "input_embedder/embed|embeddings", 2)[0]
    found = {"embedder": "embedding", "example_kind": "id", "example_shape": ()}
    return found if ids == settings["num_classes"] else found | {"num_ids": ids}


def _shape(shapes: Shapes, name: str, rank: int) -> tuple[int, ...]:
    if name not in shapes:
        raise ValueError(f"variables must have {name}, got {_listed(sorted({n.partition('|')[0] for n in shapes}))}")
    if len(shapes[name]) != rank or 0 in shapes[name]:
        raise ValueError(f"{name} must have {rank} axes, none of them empty, got shape {shapes[name]}")
    return shapes[name]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "none"
