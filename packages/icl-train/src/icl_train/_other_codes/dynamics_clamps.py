"""icl-dynamics: arguments that clamp, ablate or graft parts of a model while it trains.

Read in aadityasingh/icl-dynamics (opto.py).
"""

from __future__ import annotations

from icl_train._other_codes.option import OtherOption

__all__ = ["CLAMPS"]

_INTERVENTIONS = ("model.interventions",)


def _clamp(name: str, default: object, told: str) -> OtherOption:
    return OtherOption(name=name, default=default, becomes=_INTERVENTIONS, told=told)


def _lost(name: str, default: object, told: str) -> OtherOption:
    return OtherOption(name=name, default=default, told=told, fate="lost")


_RUN = "`NAME:run=RUN` gives a part what another run's model computes there"

CLAMPS = (
    _clamp(
        "opto_specific_fn",
        None,
        "`perfect_prev_token_input` is `blocks.0.attention.heads:ablate blocks.1.attention.weights.H:pattern=shifted`",
    ),
    _clamp("opto_induction_heads", None, "L:H is `blocks.L.attention.weights.H:pattern=induction`"),
    _lost("opto_induction_head_strength", 1.0, "a pattern is given whole"),
    _lost("opto_match_heads", None, "attention by likeness of the items cannot be given"),
    _lost("opto_match_head_temperature", 0.0, "attention by likeness of the items cannot be given"),
    _clamp("opto_prev_token_heads", None, "L:H is `blocks.L.attention.weights.H:pattern=previous`"),
    _lost("opto_prev_token_head_strength", 1.0, "a pattern is given whole"),
    _lost("opto_prev_token_only_label", False, "a pattern is given to all tokens"),
    _lost("opto_disallow_prev_token_heads", None, "no pattern forbids"),
    _lost("opto_disallow_prev_token_only_label", False, "no pattern forbids"),
    _clamp("opto_ablate_heads", None, "L:H is `blocks.L.attention.heads.H:ablate`"),
    _lost("opto_ablate_embedding", False, "with what a layer computes kept, or it leaves nothing to learn"),
    _clamp("opto_perfect_copy_from_head_pattern", None, "L:H is `blocks.L.attention.weights.H:copy`"),
    _lost("opto_set_head_temperature", None, "the scale of attention is fixed here"),
    _lost("opto_final_layer_silence_non_label_attn", None, "no pattern forbids"),
    _lost("opto_preserve_patterns", False, f"a second forward pass without the ablations; {_RUN}"),
    _lost("opto_preserve_values", False, f"a second forward pass without the ablations; {_RUN}"),
    _lost("opto_preserve_queries", False, f"a second forward pass without the ablations; {_RUN}"),
    _lost("opto_preserve_keys", False, f"a second forward pass without the ablations; {_RUN}"),
    _clamp("opto_graft_in_model_ckpt", None, f"{_RUN}, RUN@STEP at one of its checkpoints"),
    OtherOption(
        name="opto_graft_in_model_cfg", default=None, told="a run folder holds its own settings", fate="otherwise"
    ),
    _clamp("opto_graft_in_model_till_layer", None, "the last layer L that is given: `blocks.L:run=RUN`"),
    _lost("opto_graft_out_model_ckpt", None, "later layers of another model cannot be put behind the trained ones"),
    _lost("opto_graft_out_model_cfg", None, "later layers of another model cannot be put behind the trained ones"),
    _lost(
        "opto_graft_out_model_from_layer", None, "later layers of another model cannot be put behind the trained ones"
    ),
)
