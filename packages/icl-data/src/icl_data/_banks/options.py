"""What can be asked of a bank of examples, whatever library holds it."""

from __future__ import annotations

from icl_data._banks.small_images import DOWNSAMPLED
from icl_data._sources.counts import is_standard_deviation
from icl_data._sources.source import Source


def bank_example_shape(source: Source, *, downsample: bool, noise_scale: float) -> tuple[int, ...]:
    """Shape of a bank's examples with these options.

    Raises:
        ValueError: downsampling of other things than images, noise on ids, or negative noise.
    """
    if downsample and source.kind != "image":
        raise ValueError(f"downsample needs a source of images, got kind {source.kind!r}")
    if not is_standard_deviation(noise_scale) or (noise_scale and source.kind == "id"):
        raise ValueError(
            f"noise_scale must be >= 0 and finite, and 0 for ids, got {noise_scale} for kind {source.kind!r}"
        )
    return (DOWNSAMPLED, DOWNSAMPLED, source.example_shape[2]) if downsample else tuple(source.example_shape)
