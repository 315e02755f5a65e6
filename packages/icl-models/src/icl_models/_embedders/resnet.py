"""The residual network that embeds images (Chan et al. 2022, section 2.2 and its appendix)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._embedders.batch_norm import BatchNorm
from icl_models._embedders.fused_resnet import fused_features, runs_fused
from icl_models._embedders.same_padding import SameConv2d
from icl_models._embedders.settings import BOTTLENECK, check_sequences_per_statistics, last_channels
from icl_models._embedders.spread import Spread
from icl_models._embedders.stem import stem
from icl_models._initialize import fan_in_normal_

_STEM_CHANNELS = 64
_STRIDES = (1, 2, 2, 2)
_BLOCKS_PER_GROUP = 2


class BottleneckBlock(nn.Module):
    """1x1, 3x3 (with the stride) and 1x1 convolution, each normalised, beside an identity or a projection."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, project: bool) -> None:
        super().__init__()
        narrow = out_channels // BOTTLENECK
        self.conv_0 = SameConv2d(in_channels, narrow, 1)
        self.norm_0 = BatchNorm(narrow)
        self.conv_1 = SameConv2d(narrow, narrow, 3, stride)
        self.norm_1 = BatchNorm(narrow)
        self.conv_2 = SameConv2d(narrow, out_channels, 1)
        self.norm_2 = BatchNorm(out_channels, initial_scale=0.0)  # so that a block starts as its shortcut
        self.shortcut_conv = SameConv2d(in_channels, out_channels, 1, stride) if project else None
        self.shortcut_norm = BatchNorm(out_channels) if project else None

    def forward(self, x: Tensor, num_groups: int = 1) -> Tensor:
        shortcut = x
        if self.shortcut_conv is not None and self.shortcut_norm is not None:
            shortcut = self.shortcut_norm(self.shortcut_conv(x), num_groups)
        h = F.relu_(self.norm_0(self.conv_0(x), num_groups))
        h = F.relu_(self.norm_1(self.conv_1(h), num_groups))
        return F.relu_(self.norm_2(self.conv_2(h), num_groups) + shortcut)


class Blocks(nn.Sequential):
    """Blocks one after the other, each told in how many groups to normalise the batch."""

    def forward(self, x: Tensor, num_groups: int = 1) -> Tensor:
        for block in self:
            x = block(x, num_groups)
        return x


class SimpleResNet(nn.Module):
    """Images (B, S, H, W, C), floating point, to embeddings (B, S, emb_dim): Chan et al. 2022, section 2.2.

    Args:
        image_size: (H, W). Only flattened superpixels need it to be kept: their number depends on it.
        in_channels: C.
        emb_dim: width of the embedding, a multiple of 4, or of 64 with `flatten_superpixels`.
        flatten_superpixels: see `ResNetConfig`. Where positions x channels is not emb_dim (at 105x105 it is), a linear
            layer projects back to it.
        sequences_per_statistics: see `ResNetConfig`.

    Raises:
        ValueError: for sizes below 1, widths that do not divide, or images of another size.
    """

    def __init__(
        self,
        *,
        image_size: tuple[int, int] = (105, 105),
        in_channels: int = 1,
        emb_dim: int = 64,
        flatten_superpixels: bool = False,
        sequences_per_statistics: int | None = None,
    ) -> None:
        super().__init__()
        if len(image_size) != 2 or min(*image_size, in_channels, emb_dim) < 1:
            raise ValueError(
                "image_size must be two sizes, and they, in_channels and emb_dim at least 1, "
                f"got {image_size}, {in_channels} and {emb_dim}"
            )
        self.image_shape = (*image_size, in_channels)
        self.flatten_superpixels = flatten_superpixels
        check_sequences_per_statistics(sequences_per_statistics)
        self.sequences_per_statistics = sequences_per_statistics
        channels = (16, 32, 32, last_channels(emb_dim, flatten_superpixels))
        self.stem = SameConv2d(in_channels, _STEM_CHANNELS, 7, 2)
        self.stem_norm = BatchNorm(_STEM_CHANNELS)
        groups = []
        width = _STEM_CHANNELS
        for out, stride in zip(channels, _STRIDES, strict=True):
            first = BottleneckBlock(width, out, stride, project=True)
            rest = [BottleneckBlock(out, out, 1, project=False) for _ in range(_BLOCKS_PER_GROUP - 1)]
            groups.append(Blocks(first, *rest))
            width = out
        self.groups = Blocks(*groups)
        shrink = 4 * math.prod(_STRIDES)  # the stem and its pooling halve once each
        features = math.prod(math.ceil(size / shrink) for size in image_size) * width if flatten_superpixels else width
        self.projection: nn.Linear | None = None
        if features != emb_dim:
            self.projection = nn.Linear(features, emb_dim)
            fan_in_normal_(self.projection.weight)
            nn.init.zeros_(self.projection.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images.

        Args:
            images: (B, S, H, W, C), values in [0, 1].

        Returns:
            (B, S, E) embeddings.

        Raises:
            ValueError: images of another shape; in training, a batch that `sequences_per_statistics` does not divide.
        """
        if images.ndim != 5 or tuple(images.shape[2:]) != self.image_shape:
            h, w, c = self.image_shape
            raise ValueError(f"images must have shape (B, S, {h}, {w}, {c}), got {tuple(images.shape)}")
        num_groups = self._num_groups(len(images))
        # Channels last in memory, about twice as fast on a CPU; the view settles the stride of a single channel.
        x = images.flatten(2).flatten(0, 1).contiguous()
        x = self._features(x.view(-1, *self.image_shape), num_groups)  # (N, C', H/32, W/32)
        x = x.permute(0, 2, 3, 1).flatten(1) if self.flatten_superpixels else x.mean((2, 3))
        if self.projection is not None:
            x = self.projection(x)
        embedded: Tensor = x.view(*images.shape[:2], -1)  # (B, S, emb_dim)
        return embedded

    def spread_statistics(self, total: Callable[[Tensor], Tensor], size: int) -> None:
        """Take the statistics of a batch that is spread over processes: see `icl_models.spread_statistics`.

        Args:
            total: a tensor → the sum of those of all processes, in place.
            size: number of processes.
        """
        spread = Spread(total, size, whole=self.sequences_per_statistics is None)
        for module in self.modules():
            if isinstance(module, BatchNorm):
                module.spread = spread

    def _features(self, x: Tensor, num_groups: int) -> Tensor:
        """(N, H, W, C) to (N, C', H/32, W/32)."""
        if runs_fused(x, self.stem, self.stem_norm, self.groups, num_groups):
            return fused_features(x, self.stem, self.stem_norm, self.groups, num_groups)
        x = stem(x.permute(0, 3, 1, 2), self.stem, self.stem_norm, num_groups)  # (N, 64, H/4, W/4)
        features: Tensor = self.groups(x, num_groups)
        return features

    def _num_groups(self, batch_size: int) -> int:
        """Groups of sequences that batch normalisation keeps apart; evaluation has no use for them."""
        size = self.sequences_per_statistics
        if size is None or not self.training:
            return 1
        if batch_size % size:
            raise ValueError(f"sequences_per_statistics must divide the batch, {batch_size} sequences, got {size}")
        return batch_size // size
