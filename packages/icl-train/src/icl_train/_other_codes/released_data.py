"""Options of the released code about data: classes, examples, sequences."""

from __future__ import annotations

from typing import Any

from icl_train._other_codes.option import NEEDED, OtherOption

__all__ = ["DATA"]

_OMNIGLOT = {"data.example_type": ("omniglot",)}
_SYMBOLIC = {"data.example_type": ("symbolic",)}
_TYPE, _SEQUENCE = "data.example_type", "data.train_seqs"
_GENERATOR, _IMAGES, _SEQ = "data.generator_config", "data.omniglot_config", "data.seq_config"


def _source(value: str) -> dict[str, Any]:
    if value not in ("omniglot", "symbolic"):
        raise ValueError("must be omniglot or symbolic")
    return {"data.source": value}


def _noise(value: float) -> dict[str, Any]:
    return {"data.noise_scale": value or None}  # none is what images have here by default


def _grouped(value: bool) -> dict[str, Any]:
    return dict.fromkeys(("data.context_order", "eval.context_order"), "grouped") if value else {}


DATA = (
    OtherOption(
        name=_SEQUENCE,
        becomes=("data.sequence",),
        told="the released trainer computes its measures of bursty sequences alone, and stops with others",
        kind=str,
        default=NEEDED,
    ),
    OtherOption(name=_TYPE, becomes=("data.source",), kind=str, default=NEEDED, turned=_source),
    OtherOption(name=f"{_GENERATOR}.n_rare_classes", becomes=("data.n_rare_classes",), kind=int, default=NEEDED),
    OtherOption(name=f"{_GENERATOR}.n_common_classes", becomes=("data.n_common_classes",), kind=int, default=NEEDED),
    OtherOption(
        name=f"{_GENERATOR}.n_holdout_classes",
        becomes=("data.n_holdout_classes",),
        told="at least `data.ways`, so that in-context learning can be measured",
        kind=int,
        default=0,
    ),
    OtherOption(name=f"{_GENERATOR}.zipf_exponent", becomes=("data.zipf_exponent",), kind=float, default=1.0),
    OtherOption(
        name=f"{_GENERATOR}.use_zipf_for_common_rare",
        becomes=("data.use_zipf_for_common_rare",),
        kind=bool,
        default=False,
    ),
    OtherOption(
        name=f"{_GENERATOR}.noise_scale",
        becomes=("data.noise_scale",),
        told="images alone: added to ids, it is cut to whole numbers there, and small noise does nothing",
        kind=float,
        default=0.1,
        only=_OMNIGLOT,
        turned=_noise,
    ),
    OtherOption(
        name=f"{_GENERATOR}.preserve_ordering_every_n",
        told="here the eight turns and flips of a character, and drawings that are classes of their own, are always on "
        "one side of the class split, in blocks of 8, 20 or 160; other blocks cannot be had",
        fate="lost",
        kind=int,
        default=None,
    ),
    OtherOption(name=f"{_GENERATOR}.random_seed", becomes=("seeds.split",), told="the same split", kind=int),
    OtherOption(
        name=f"{_IMAGES}.omniglot_split",
        told="here both halves of Omniglot are used, 1,623 characters",
        fate="lost",
        kind=str,
        default=NEEDED,
        neutral=("all",),
        only=_OMNIGLOT,
    ),
    OtherOption(
        name=f"{_IMAGES}.exemplars",
        becomes=("data.exemplars",),
        kind=str,
        default="single",
        only=_OMNIGLOT,
    ),
    OtherOption(name=f"{_IMAGES}.augment_images", becomes=("data.augment",), kind=bool, default=False, only=_OMNIGLOT),
    OtherOption(
        name=f"{_IMAGES}.n_to_keep",
        told="here a run draws its classes from all characters; the three class counts say how many",
        fate="lost",
        kind=int,
        default=None,
        neutral=(None, 0),
        only=_OMNIGLOT,
    ),
    OtherOption(
        name="data.symbolic_config.dataset_size",
        told="here there are as many ids as the three class counts need",
        fate="otherwise",
        kind=int,
        default=NEEDED,
        only=_SYMBOLIC,
    ),
    OtherOption(name=f"{_SEQ}.seq_len", becomes=("data.seq_len",), kind=int, default=NEEDED),
    OtherOption(name=f"{_SEQ}.fs_shots", becomes=("data.fs_shots",), kind=int, default=NEEDED),
    OtherOption(name=f"{_SEQ}.bursty_shots", becomes=("data.shots",), kind=int, default=NEEDED),
    OtherOption(name=f"{_SEQ}.ways", becomes=("data.ways",), kind=int, default=NEEDED),
    OtherOption(name=f"{_SEQ}.p_bursty", becomes=("data.p_bursty",), kind=float, default=NEEDED),
    OtherOption(name=f"{_SEQ}.p_bursty_common", becomes=("data.p_bursty_common",), kind=float, default=NEEDED),
    OtherOption(name=f"{_SEQ}.p_bursty_zipfian", becomes=("data.p_bursty_zipfian",), kind=float, default=NEEDED),
    OtherOption(
        name=f"{_SEQ}.p_fewshot",
        becomes=("data.p_fewshot",),
        kind=float,
        default=NEEDED,
        only={_SEQUENCE: ("mixed",)},
    ),
    OtherOption(name=f"{_SEQ}.non_bursty_type", becomes=("data.non_bursty_type",), kind=str, default=NEEDED),
    OtherOption(name=f"{_SEQ}.labeling_common", becomes=("data.labeling_common",), kind=str, default=NEEDED),
    OtherOption(
        name=f"{_SEQ}.labeling_rare",
        becomes=("data.labeling_rare",),
        told="with `ordered_polysemyX` `data.protocol` is `paper`: sequences without bursts have labels beyond the "
        "model's outputs there, and their loss is left out without a word",
        kind=str,
        default=NEEDED,
    ),
    OtherOption(
        name=f"{_SEQ}.randomly_generate_rare",
        told="images made at random for rare classes, anew in each sequence, cannot be had here",
        fate="lost",
        kind=bool,
        default=NEEDED,
        neutral=(False,),
    ),
    OtherOption(
        name=f"{_SEQ}.grouped",
        becomes=("data.context_order", "eval.context_order"),
        told="`grouped` if True",
        kind=bool,
        default=NEEDED,
        turned=_grouped,
    ),
    OtherOption(name="preproc.downsample", becomes=("data.downsample",), kind=bool, default=NEEDED, only=_OMNIGLOT),
)
