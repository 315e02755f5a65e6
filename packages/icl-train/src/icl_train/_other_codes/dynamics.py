"""icl-dynamics, the released code of Singh et al. 2024 and 2025: arguments of its trainer.

Read in aadityasingh/icl-dynamics (main.py, main_utils.py, samplers.py, models.py).
"""

from __future__ import annotations

from icl_train._other_codes.dynamics_clamps import CLAMPS
from icl_train._other_codes.option import Code
from icl_train._other_codes.option import told_option as _told

__all__ = ["DYNAMICS"]


_EVALUATION = "of each evaluation by itself: `--eval.evaluations NAME:base=fewshot_zipfian,"
_PICKLE = "a list of steps, there in a pickle"

_RUN = (
    _told("config_from_file", None, told="`icl-train run --config`"),
    _told("suppress_output", False, told="`2> /dev/null`"),
    _told("base_folder", "./runs", told="`--root`"),
    _told("use_wandb", False, "train.tracker", told="TensorBoard is built in; others are plugins"),
    _told("raw_name", False, told="names have no date here"),
    _told("run", "run", told="`--name`"),
    _told("disable_jit", False, "train.engine", told="`eager`"),
)
_MODEL = (
    _told("depth", 2, "model.num_layers"),
    _told("not_causal", False, told="attention is causal here", fate="lost"),
    _told("init_rescale", 1.0, told="weights are drawn at one scale here", fate="lost"),
    _told(
        "pos_embedding_type",
        "rope",
        "model.sequence_model_config.positions",
        told="`rotary` for rope, `learned` for ape, `sinusoidal`",
    ),
    _told("sin_time", 10000.0, told="the longest wave of positions is fixed here", fate="lost"),
    _told("d_model", 64, "model.emb_dim"),
    _told("num_heads", 8, "model.num_heads"),
    _told(
        "mlp_ratio",
        None,
        "model.sequence_model_config.mlp_layers",
        told="left out, no layer has an MLP: an empty list; 4 is what MLPs have here, other widths cannot be had",
    ),
    _told("model_output_classes", None, told="as many outputs as there are labels, holdout classes' too"),
    _told("no_norm", False, told="layers always have their norm here", fate="lost"),
)
_TRAINING = (
    _told("init_seed", 5, "seeds.init", told="other generators, so other numbers"),
    _told("train_seed", 0, "seeds.data"),
    _told("train_iters", 100_000, "train.max_steps"),
    _told("train_bs", 32, "train.batch_size"),
    _told(
        "train_microbs",
        None,
        told="a batch is not split; whole, it gives the same gradients but for rounding, if the memory holds it",
        fate="lost",
    ),
    _told("lr", 1e-5, "optim.max_lr"),
    _told(
        "optimizer",
        "adam",
        "optim.optimizer",
        "optim.schedule",
        told="`adam` and `sgd` at a constant rate: `--optim.schedule constant --optim.warmup-steps 0`; `cosine` is "
        "`--optim.schedule cosine`; `warmup_decay` (square root of what is left, gradients clipped at 5) has no "
        "counterpart. As read, the step of these last two is added, not subtracted",
    ),
    _told(
        "weight_decay",
        0.0,
        told="times the sum of the norms of all parameters, in the loss; here `optim.l2` takes squares of weights, "
        "`optim.weight_decay` decays apart from the loss",
        fate="lost",
    ),
    _told("load_from_ckpt", None, "train.init_from", told="of a run of ours, RUN@STEP, or a saved model"),
    _told("load_from_ckpt_cfg", None, told="a run folder holds its own settings"),
    _told(
        "no_load_seeds", False, told="`--init-from` takes weights alone; set `seeds.init` and `seeds.data` for seeds"
    ),
    _told(
        "no_load_opt_state",
        False,
        told="`--init-from` takes weights alone, as with it; without it the state of the optimizer goes on, which it "
        "does here in `resume` alone, under the run's own settings",
        fate="lost",
    ),
    _told("ckpt_every", None, "train.checkpoint_interval"),
    _told("ckpt_sched", None, "train.checkpoint_steps"),
    _told("ckpt_sched_file", None, "train.checkpoint_steps", told=_PICKLE),
    _told("train_context_len", 8, "data.seq_len", told="one more, as ours counts the query"),
    _told("warmup_steps", 4000, "optim.warmup_steps"),
    _told("decay_steps", 1_000_000, "optim.schedule_steps"),
    _told(
        "mixing_coeffs",
        "",
        "data.p_bursty",
        told="the share of a sampler with bursts, beside one without; other mixtures cannot be had",
    ),
    _told("pt_burstiness", "", "data.shots", told="`data.ways` is 2"),
    _told("pt_distract", "1", "data.ways", told="1 without a second burst class"),
    _told("pt_no_support", "0", "data.sequence", told="`no_support_zipfian`"),
    _told("pt_unique_rest", "0", "data.all_unique", told="of sequences without bursts; beside bursts it cannot be had"),
)
_EVALUATING = (
    _told("eval_seed", 1, "seeds.data", told="evaluations have streams of their own"),
    _told("eval_iters", 1000, "eval.batches", told="sequences there, batches of `train.batch_size` here"),
    _told("eval_bs", 1000, told="how many are answered at once, which changes no answer"),
    _told("eval_every", None, "eval.interval"),
    _told("eval_sched", None, "eval.steps"),
    _told("eval_sched_file", None, "eval.steps", told=_PICKLE),
    _told("save_eval_data", None, told="the seeds give the same sequences again"),
    _told("load_eval_data", None, told="the seeds give the same sequences again"),
    _told("pe_names", "", "eval.evaluations", told="each with settings of its own"),
    _told("pe_classes", "", told=f"{_EVALUATION}classes=holdout`; `trained` for train"),
    _told("pe_exemplars", "", told=f"{_EVALUATION}exemplars=1:5`"),
    _told("pe_burstiness", "", told=f"{_EVALUATION}shots=1`"),
    _told("pe_noise_scale", None, told=f"{_EVALUATION}noise=0.1`"),
    _told("pe_distract", "1", told=f"{_EVALUATION}ways=2`"),
    _told("pe_no_support", "0", told="`base=no_support_zipfian`"),
    _told("pe_unique_rest", "0", told="always so without support, under `eval.protocol paper`"),
    _told(
        "pe_fs_relabel_scheme",
        None,
        told=f"{_EVALUATION}labels=novel` for train, `heldout` for val and test, `unfixed` for 01, `own` for None, and "
        "`exchanged=true` for flip",
    ),
    _told("pe_context_len", None, told="`seq_len=`, one more, without support; with it, ways times shots"),
    _told("pe_assign_query_label_random", "0", told="`ciwl`, or `base=ciwl`"),
)
_DATA = (
    _told("data_type", "file", "data.source", told="`onehot` is `symbolic` with `--model.embedder embedding`"),
    _told("data_file", "omniglot_features.h5", "data.source", told="FILE.h5:KEY"),
    _told("data_path_in_file", "resnet18/224/feat", "data.source", told="the KEY"),
    _told(
        "class_split",
        "1600 23 0",
        "data.n_rare_classes",
        "data.n_common_classes",
        "data.n_holdout_classes",
        told="the first number is rare and common together, the others are holdout; which classes, `seeds.split` draws",
    ),
    _told(
        "exemplar_split",
        "5 0 0",
        "data.train_exemplars",
        "eval.exemplars",
        told="1 4 0 is `--data.train-exemplars 0:1`, and `exemplars=1:5` of an evaluation",
    ),
    _told(
        "fs_relabel",
        0,
        "data.n_labels",
        "data.sequence",
        "data.fs_labeling",
        told="N above 0: N labels, `fewshot_zipfian`, `novel`, as preset `singh2024` has it",
    ),
    _told(
        "fs_relabel_split",
        None,
        "data.heldout_label_sets",
        told="8 2 0 is 2; of pairs that are held out, no label is twice among them",
    ),
    _told("fs_relabel_split_seed", 20, told="set j is always labels 2j and 2j + 1"),
    _told("noise_scale_train", 0.0, "data.noise_scale"),
    _told("zipf_alpha", 0.0, "data.zipf_exponent", told="the last class of ours is the most frequent"),
    _told("match_query_and_distractors", False, "data.query_exemplar", told="`copy`"),
    _told(
        "assign_query_label_random",
        False,
        "data.sequence",
        told="`label_elsewhere_zipfian`, where the query's class is never in the context",
    ),
)

DYNAMICS = Code(
    name="icl-dynamics, the code of Singh et al. 2024 and 2025 (JAX)",
    source="`aadityasingh/icl-dynamics`: `main_utils.py`, then what clamps parts of a model, in `opto.py`. Presets "
    "`singh2024` and `singh2025` are the published settings of its two papers.",
    options=(*_RUN, *_MODEL, *_TRAINING, *_EVALUATING, *_DATA, *CLAMPS),
)
