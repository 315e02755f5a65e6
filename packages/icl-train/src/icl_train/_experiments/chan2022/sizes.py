"""The three sizes that the built-in experiments have: what all of them share at each, said once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icl_models import Scale

__all__ = ["CHAN_2022", "laptop", "omniglot28", "paper"]

CHAN_2022 = "Chan et al. 2022, Data Distributional Properties Drive Emergent In-Context Learning (arXiv 2205.05055)"

# The released code normalises the images of each device by themselves: on the paper's 16 cores, of 2 sequences.
_STATISTICS: Mapping[str, Any] = {"model.embedder_config.sequences_per_statistics": 2}
_PAPER_SEEDS = (0, 1, 2)
_PAPER_NOTE = "Settings of Chan et al. 2022: 32 sequences an update, batch statistics over 2 of them as on 16 devices."

_OMNIGLOT28: Mapping[str, Any] = {**_STATISTICS, "data.downsample": True, "train.max_steps": 50_000}
_OMNIGLOT28_SEEDS = (0,)
_OMNIGLOT28_NOTE = "Images of 28 x 28 in place of 105 x 105, a tenth of the updates; batch statistics as in the paper."

# An example and its label in one token: what is looked for is then one step of attention away, and what takes 4,000
# updates with tokens of their own comes after 700. 1,600 classes as in the paper, with 32 labels that they share.
_LAPTOP: Mapping[str, Any] = {
    "data.n_rare_classes": 1590,
    "data.p_bursty": 0.9,
    "model.concatenate_labels": True,
    "model.emb_dim": 32,
    "model.num_heads": 4,
    "optim.warmup_steps": 500,
    "train.max_steps": 2000,
    "train.checkpoint_interval": 2000,
    "eval.interval": 100,
}
_LAPTOP_SEEDS = (0, 1, 2)
_LAPTOP_NOTE = (
    "Gaussian classes that share 32 labels (Reddy 2023, arXiv 2312.03002) in place of Omniglot; 2 layers "
    "unless told otherwise; an example of width 32 and its label in one token."
)


def paper(settings: Mapping[str, Any] | None = None, *, note: str = "", **own: Any) -> Scale:
    """The published settings.

    Args:
        settings: of this experiment's runs alone.
        note: what is to be said of them.
        own: axes, draws and ranges, as a `Scale` has them.
    """
    return _scale("chan2022", _STATISTICS, settings, _PAPER_NOTE, note, {"seeds": _PAPER_SEEDS} | own)


def omniglot28(settings: Mapping[str, Any] | None = None, *, note: str = "", **own: Any) -> Scale:
    """The same on small images, for hours on two cores; arguments as of `paper`."""
    return _scale("chan2022", _OMNIGLOT28, settings, _OMNIGLOT28_NOTE, note, {"seeds": _OMNIGLOT28_SEEDS} | own)


def laptop(settings: Mapping[str, Any] | None = None, *, note: str = "", **own: Any) -> Scale:
    """The same question asked of Gaussian classes, for minutes on two cores; arguments as of `paper`."""
    return _scale("laptop", _LAPTOP, settings, _LAPTOP_NOTE, note, {"seeds": _LAPTOP_SEEDS} | own)


def _scale(
    preset: str,
    shared: Mapping[str, Any],
    settings: Mapping[str, Any] | None,
    common_note: str,
    note: str,
    own: dict[str, Any],
) -> Scale:
    return Scale(
        preset=preset, settings={**shared, **(settings or {})}, note=" ".join(filter(None, (common_note, note))), **own
    )
