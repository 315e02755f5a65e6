"""The transformer (Chan et al. 2022, section 2.2): blocks of causal attention and a wide layer, and their variants."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._contract.component import Positions
from icl_models._contract.facts import ModelFacts
from icl_models._fused.switch import fused_for
from icl_models._fused.tokens.take import fused_stack
from icl_models._initialize import scaled_linear
from icl_models._sequence_models.attention import CausalSelfAttention
from icl_models._sequence_models.positions import LearnedPositions, RelativePositions, RotaryPositions
from icl_models._sequence_models.settings import TransformerConfig
from icl_models._sequence_models.tap import Tapped, untapped
from icl_models._sequence_models.written.as_usual import is_unwatched, operations_are_unwatched, weight_and_bias
from icl_models._sequence_models.written.stack import Stack, WrittenStack

_MLP_WIDENING = 4
_NORM_EPS = 1e-5  # torch's
_LONGEST_WRITTEN = 64  # tokens; the fused kernel, which never holds all scores, is made for longer sequences


class TransformerBlock(Tapped):
    """x + Attention(LayerNorm(x)), then x + MLP(LayerNorm(x)), with dropout on both branches in training.

    Post-norm it is LayerNorm(x + Attention(x)), then LayerNorm(x + MLP(x)), as in Vaswani et al. 2017, section 3.1
    (Xiong et al. 2020 compare the two). The second step may be left out (Elhage et al. 2021).
    """

    def __init__(self, model: ModelFacts, own: TransformerConfig, *, has_mlp: bool) -> None:
        super().__init__()
        width, num_heads = model.token_width, model.resolved_num_heads
        self.dropout_prob = model.dropout_prob
        self.pre_norm = own.norm == "pre"
        self.has_mlp = has_mlp
        self.sites = ("residual_pre", "attention", *(("residual_mid", "mlp") if has_mlp else ()), "residual_post")
        self.norm_attention = nn.LayerNorm(width)
        self.attention = CausalSelfAttention(
            width,
            num_heads,
            relative=RelativePositions(num_heads, own.resolved_num_positions) if own.positions == "relative" else None,
            rotary=RotaryPositions(width // num_heads) if own.positions == "rotary" else None,
        )
        if has_mlp:
            self.norm_mlp = nn.LayerNorm(width)
            self.mlp_in = scaled_linear(width, _MLP_WIDENING * width)
            self.mlp_out = scaled_linear(_MLP_WIDENING * width, width)

    def forward(self, x: Tensor, query_only: bool = False) -> Tensor:
        tap = self.tap if self.stations else untapped
        x = tap("residual_pre", x)
        h = self.attention(self.norm_attention(x) if self.pre_norm else x, query_only)  # (B, T, W), or (B, 1, W)
        x = (x[:, -1:] if query_only else x) + self._drop(tap("attention", h))
        if not self.pre_norm:
            x = self.norm_attention(x)
        if self.has_mlp:
            x = tap("residual_mid", x)
            h = self.mlp_out(F.gelu(self.mlp_in(self.norm_mlp(x) if self.pre_norm else x), approximate="tanh"))
            x = x + self._drop(tap("mlp", h))
            if not self.pre_norm:
                x = self.norm_mlp(x)
        return tap("residual_post", x)

    def usual_weights(self) -> list[Tensor] | None:
        """Gain and shift of the norm, weights and biases of the maps, for each branch; None where the block is not the
        usual one or somebody looks at what it computes."""
        attention = self.attention
        if self.stations or not is_unwatched(self, TransformerBlock) or not self.pre_norm:
            return None
        if attention.stations or not is_unwatched(attention, CausalSelfAttention):
            return None
        if attention.relative is not None or attention.rotary is not None or (self.training and self.dropout_prob):
            return None
        branches = [(self.norm_attention, attention.qkv, attention.out)]
        if self.has_mlp:
            branches.append((self.norm_mlp, self.mlp_in, self.mlp_out))
        weights: list[Tensor] = []
        for norm, first, second in branches:
            found = (
                weight_and_bias(norm, nn.LayerNorm),
                weight_and_bias(first, nn.Linear),
                weight_and_bias(second, nn.Linear),
            )
            if found[0] is None or found[1] is None or found[2] is None or norm.eps != _NORM_EPS:
                return None
            weights += [*found[0], *found[1], *found[2]]
        return weights

    def _drop(self, h: Tensor) -> Tensor:
        return F.dropout(h, self.dropout_prob) if self.training and self.dropout_prob else h


class Transformer(nn.Module):
    """Tokens (B, T, W) to normalised features (B, T, W), or the last token's (B, W) for positions="query"."""

    def __init__(self, model: ModelFacts, own: TransformerConfig) -> None:
        super().__init__()
        width = self.out_features = model.token_width
        self.learned_positions = (
            LearnedPositions(width, own.resolved_num_positions, model.positional_dropout_prob)
            if own.positions == "learned"
            else None
        )
        with_mlp = range(model.num_layers) if own.mlp_layers is None else own.mlp_layers
        self.blocks = nn.ModuleList(
            TransformerBlock(model, own, has_mlp=layer in with_mlp) for layer in range(model.num_layers)
        )
        self.norm = nn.LayerNorm(width) if own.norm == "pre" else nn.Identity()  # a post-norm block ends with its own

    def forward(self, x: Tensor, positions: Positions = "all") -> Tensor:
        if self.learned_positions is not None:
            x = self.learned_positions(x)
        if fused_for(x):
            fused = fused_stack(self.blocks, self.norm, x, query_only=positions == "query")
            if fused is not None:
                return fused
        written = self._written_out(x, query_only=positions == "query")
        x = self._through_blocks(x, positions) if written is None else written
        features: Tensor = self.norm(x)
        return features[:, -1] if positions == "query" else features

    def _through_blocks(self, x: Tensor, positions: Positions) -> Tensor:
        last = len(self.blocks) - 1
        for i, block in enumerate(self.blocks):
            # Only the last block may drop tokens: the ones before feed its keys and values.
            x = block(x, query_only=positions == "query" and i == last)
        return x

    def _written_out(self, x: Tensor, *, query_only: bool) -> Tensor | None:
        """What the blocks make of tokens in one step of autograd, at half the time; None where they must be called."""
        if not operations_are_unwatched() or type(x) is not Tensor or not x.is_cpu or x.dtype is not torch.float32:
            return None
        if not is_unwatched(self.blocks, nn.ModuleList) or x.shape[1] > _LONGEST_WRITTEN or not x.numel():
            return None
        weights: list[Tensor] = []
        have_mlp, num_heads = [], set()
        for block in self.blocks:
            if not isinstance(block, TransformerBlock) or (own := block.usual_weights()) is None:
                return None
            weights += own
            have_mlp.append(block.has_mlp)
            num_heads.add(block.attention.num_heads)
        if len(num_heads) != 1:
            return None
        stack = Stack(num_heads=num_heads.pop(), eps=_NORM_EPS, have_mlp=tuple(have_mlp), query_only=query_only)
        passed: Tensor = WrittenStack.apply(x, stack, *weights)  # type: ignore[no-untyped-call]
        return passed
