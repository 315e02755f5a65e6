"""Which released variable is which tensor of ours, and how their layouts differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from icl_models._embedders.resnet import BottleneckBlock, SimpleResNet
from icl_models._embedders.simple import EmbeddingEmbedder, LinearEmbedder
from icl_models._model import InContextModel
from icl_models._sequence_models.recurrent import GRULayer, LSTMLayer, Recurrent
from icl_models._sequence_models.settings import TransformerConfig
from icl_models._sequence_models.transformer import Transformer

Transform = Callable[[Sequence[Tensor]], Sequence[Tensor]]


@dataclass(frozen=True)
class Link:
    """Released variables ("module|name") that hold the same numbers as tensors of our state dict."""

    released: tuple[str, ...]
    ours: tuple[str, ...]
    to_released: Transform
    to_ours: Transform
    is_state: bool = False


def links(model: InContextModel) -> Iterator[Link]:
    """Every link of `model`. ValueError where a part has no released counterpart."""
    if model.config.fixed_labels:
        raise ValueError("fixed_labels must be False, as in the released model, got True")
    yield _same("input_embedder|embs", "label_table.weight")
    if isinstance(model.embedder, EmbeddingEmbedder):
        yield _same("input_embedder/embed|embeddings", "embedder.table.weight")
    elif isinstance(model.embedder, LinearEmbedder):
        yield from _linear("input_embedder/linear", "embedder.linear")
    elif isinstance(model.embedder, SimpleResNet) and model.embedder.projection is None:
        yield from _resnet(model.embedder)
    else:
        known = "resnet (without projection), linear, embedding"
        raise ValueError(_no_counterpart("embedder", model.config.embedder, known))
    if isinstance(model.sequence_model, Transformer):
        _refuse_variants(model)
        yield from _transformer(model.sequence_model)
        yield from _linear("transformer/linear", "readout")
    elif isinstance(model.sequence_model, Recurrent) and not isinstance(model.sequence_model.layers[0], GRULayer):
        yield from _recurrent(model.sequence_model)
        yield from _linear("rnn/linear", "readout")
    else:
        known = "transformer, lstm, vanilla_rnn"
        raise ValueError(_no_counterpart("sequence_model", model.config.sequence_model, known))


def _no_counterpart(part: str, name: str, known: str) -> str:
    return f"{part} must be one the released model has ({known}), got {name!r}"


def _refuse_variants(model: InContextModel) -> None:
    """The defaults are the released transformer."""
    own = model.config.sequence_model_config or TransformerConfig()
    every_layer = tuple(range(model.config.num_layers))
    for field in fields(own):
        value = getattr(own, field.name)
        if value != field.default and (field.name, value) != ("mlp_layers", every_layer):
            name = f"sequence_model_config.{field.name}"
            raise ValueError(f"{name} must be {field.default!r}, as in the released model, got {value!r}")


def _numbered(name: str, index: int) -> str:
    """Haiku counts repeated modules from the second on."""
    return f"{name}_{index}" if index else name


def _each(
    released: str, ours: str, to_released: Callable[[Tensor], Tensor], to_ours: Callable[[Tensor], Tensor]
) -> Link:
    return Link((released,), (ours,), lambda given: [to_released(given[0])], lambda given: [to_ours(given[0])])


def _same(released: str, ours: str) -> Link:
    return _each(released, ours, lambda ours: ours, lambda released: released)


def _linear(released: str, ours: str) -> Iterator[Link]:
    yield _each(f"{released}|w", f"{ours}.weight", lambda w: w.T, lambda w: w.T)
    yield _same(f"{released}|b", f"{ours}.bias")


def _transformer(model: Transformer) -> Iterator[Link]:
    for i in range(len(model.blocks)):
        released, ours = _numbered("transformer/transformer_block", i), f"sequence_model.blocks.{i}"
        yield from _layer_norm(f"{released}/layer_norm", f"{ours}.norm_attention")
        yield from _attention(f"{released}/self_attention_block/causal_self_attention", f"{ours}.attention")
        yield from _layer_norm(f"{released}/layer_norm_1", f"{ours}.norm_mlp")
        yield from _linear(f"{released}/dense_block/linear", f"{ours}.mlp_in")
        yield from _linear(f"{released}/dense_block/linear_1", f"{ours}.mlp_out")
    yield from _layer_norm("transformer/layer_norm", "sequence_model.norm")


def _layer_norm(released: str, ours: str) -> Iterator[Link]:
    yield _same(f"{released}|scale", f"{ours}.weight")
    yield _same(f"{released}|offset", f"{ours}.bias")


def _attention(released: str, ours: str) -> Iterator[Link]:
    modules = [_numbered(f"{released}/linear", i) for i in range(3)]  # query, key, value
    yield Link(
        tuple(f"{module}|w" for module in modules),
        (f"{ours}.qkv.weight",),
        lambda fused: [part.T for part in fused[0].chunk(3)],
        lambda parts: [torch.cat([part.T for part in parts])],
    )
    yield Link(
        tuple(f"{module}|b" for module in modules),
        (f"{ours}.qkv.bias",),
        lambda fused: fused[0].chunk(3),
        lambda parts: [torch.cat(list(parts))],
    )
    yield from _linear(f"{released}/linear_3", f"{ours}.out")


def _recurrent(model: Recurrent) -> Iterator[Link]:
    for i, layer in enumerate(model.layers):
        ours = f"sequence_model.layers.{i}"
        if isinstance(layer, LSTMLayer):
            yield from _lstm(f"{_numbered('rnn/lstm', i)}/linear", ours, layer.input_weight.shape[1])
        else:
            released = _numbered("rnn/vanilla_rnn", i)
            for module, part in (("linear", "input"), ("linear_1", "hidden")):
                yield _each(f"{released}/{module}|w", f"{ours}.{part}_weight", lambda w: w.T, lambda w: w.T)
                yield _same(f"{released}/{module}|b", f"{ours}.{part}_bias")


def _lstm(released: str, ours: str, in_features: int) -> Iterator[Link]:
    """The released gates come as i, g, f, o, ours as torch has them, i, f, g, o: the same swap both ways."""
    yield Link(
        (f"{released}|w",),
        (f"{ours}.input_weight", f"{ours}.hidden_weight"),
        lambda weights: [_swap_gates(torch.cat(list(weights), 1)).T],
        lambda given: [_swap_gates(part.T) for part in (given[0][:in_features], given[0][in_features:])],
    )
    yield _each(f"{released}|b", f"{ours}.bias", _swap_gates, _swap_gates)


def _swap_gates(rows: Tensor) -> Tensor:
    i, second, third, o = rows.chunk(4)
    return torch.cat([i, third, second, o])


def _resnet(net: SimpleResNet) -> Iterator[Link]:
    root = "input_embedder/simple_res_net/~"
    yield _conv(f"{root}/initial_conv", "embedder.stem")
    yield from _batch_norm(f"{root}/initial_batchnorm", "embedder.stem_norm")
    for g, group in enumerate(net.groups):
        assert isinstance(group, torch.nn.Sequential)
        for b, block in enumerate(group):
            assert isinstance(block, BottleneckBlock)
            released, ours = f"{root}/block_group_{g}/~/block_{b}/~", f"embedder.groups.{g}.{b}"
            if block.shortcut_conv is not None:
                yield _conv(f"{released}/shortcut_conv", f"{ours}.shortcut_conv")
                yield from _batch_norm(f"{released}/shortcut_batchnorm", f"{ours}.shortcut_norm")
            for i in range(3):
                yield _conv(f"{released}/conv_{i}", f"{ours}.conv_{i}")
                yield from _batch_norm(f"{released}/batchnorm_{i}", f"{ours}.norm_{i}")


def _conv(released: str, ours: str) -> Link:
    """(H, W, in, out) and (out, in, H, W)."""
    return _each(f"{released}|w", f"{ours}.weight", lambda w: w.permute(2, 3, 1, 0), lambda w: w.permute(3, 2, 0, 1))


def _batch_norm(released: str, ours: str) -> Iterator[Link]:
    for name in ("scale", "offset"):
        yield _each(f"{released}|{name}", f"{ours}.{name}", lambda c: c.reshape(1, 1, 1, -1), lambda c: c.reshape(-1))
    averages = (f"{released}/~/mean_ema", f"{released}/~/var_ema")
    for name in ("hidden", "average"):
        yield Link(
            tuple(f"{average}|{name}" for average in averages),
            (f"{ours}.{name}",),
            lambda both: [row.reshape(1, 1, 1, -1) for row in both[0]],
            lambda rows: [torch.stack([row.reshape(-1) for row in rows])],
            is_state=True,
        )
    yield Link(
        tuple(f"{average}|counter" for average in averages),
        (f"{ours}.counter",),
        lambda count: [count[0], count[0]],
        lambda counts: [counts[0]],
        is_state=True,
    )
