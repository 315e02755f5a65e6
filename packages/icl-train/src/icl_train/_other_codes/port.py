"""The earlier PyTorch port of the released code: flags of its trainer and of its two sweeps.

Read in rakaar/L2_in_ICL (analysis/pytorch_train.py, run_figure3a_torch.py, run_adamw_sweep.py).
"""

from __future__ import annotations

from icl_train._other_codes.option import Code
from icl_train._other_codes.option import told_option as _told

__all__ = ["PORT"]


_FOLDER = "`--root`, and `--name` for the folder of one run"
_WORKERS = "sequences are drawn as batches, and need no workers"
_GOES_ON = "always: a sweep passes over runs that are done, and goes on with those that are not"

PORT = Code(
    name="The earlier PyTorch port",
    source="`rakaar/L2_in_ICL`: `analysis/pytorch_train.py`, then what `run_figure3a_torch.py` and "
    "`run_adamw_sweep.py` have besides. Under the same names ours has `--batch-size`, `--max-steps`, `--device`, "
    "`--example-type`, `--eval-interval`, `--eval-batches` and `--class-counts`.",
    options=(
        _told(
            "--config",
            "images_all_exemplars.py",
            told="`icl-train convert-config`, then `run --config`; it was run there",
        ),
        _told("--debug", False, told="the small values of the configuration; here a preset such as `smoke`"),
        _told("--example-type", None, "data.source"),
        _told("--example-encoding", None, "model.embedder"),
        _told("--n-rare", None, "data.n_rare_classes"),
        _told("--n-common", None, "data.n_common_classes"),
        _told("--n-holdout", None, "data.n_holdout_classes"),
        _told("--seq-len", None, "data.seq_len"),
        _told("--num-layers", None, "model.num_layers"),
        _told("--num-heads", None, "model.num_heads"),
        _told("--batch-size", None, "train.batch_size"),
        _told("--max-steps", 1000, "train.max_steps"),
        _told(
            "--learning-rate",
            None,
            told="each update sets the rate of the schedule, from `optimizer.max_lr`, in its place",
            fate="idle",
        ),
        _told("--num-workers", 0, told=_WORKERS),
        _told(
            "--seed",
            42,
            "seeds.init",
            "seeds.data",
            told="classes were split by 1337, and for evaluations by the seed plus 1337, so that trained classes were "
            "among the new ones; here `seeds.split` is one for both",
        ),
        _told("--image-channels", None, told="the source says how many channels its images have"),
        _told("--device", "cpu", "train.device", told="here the default is a GPU where there is one"),
        _told("--output-dir", None, told=_FOLDER),
        _told(
            "--save-interval", 0, "train.checkpoint_interval", told="0 was never; here the last update always has one"
        ),
        _told("--log-interval", 10, "train.log_interval", told="here means over the interval"),
        _told("--symbolic-dataset-size", 2048, told="as many ids as the three class counts need"),
        _told("--eval-holdout-interval", 0, "eval.interval", told="0 was never"),
        _told("--eval-holdout-batches", 10, "eval.batches"),
        _told(
            "--eval-batch-size", None, told="evaluations have batches of `train.batch_size`; the answers are the same"
        ),
        _told(
            "--class-counts",
            "100 200 400 800 1600",
            told="`icl-train sweep figure3a --class-counts`; holdout classes were counted too, here trained ones alone",
        ),
        _told("--output-root", "runs/figure3a_torch", told="`--root`"),
        _told("--eval-interval", 1000, "eval.interval"),
        _told("--eval-batches", 32, "eval.batches"),
        _told("--skip-completed", False, told=_GOES_ON),
        _told(
            "--results-csv-name",
            "figure3a_torch_metrics.csv",
            told="`icl-eval figure3a RUNS --out FOLDER`, which writes CSV files beside the figure",
        ),
        _told("--plot", False, told="`icl-eval figure3a RUNS`"),
        _told("--figure-name", "figure3a_torch.png", told="`icl-eval figure3a RUNS --out FOLDER`"),
        _told(
            "--config_path", "images_all_exemplars.py", told="`icl-train convert-config`, then `sweep grid --config`"
        ),
        _told(
            "--class_counts",
            "100 1600",
            told="`icl-train sweep figure3-adamw --scale paper`, or `sweep grid --vary data.n-rare-classes`",
        ),
        _told(
            "--weight_decays", "0 3e-4 1e-3 3e-3 1e-2", told="the same sweep, or `sweep grid --vary optim.weight-decay`"
        ),
        _told("--n_common_classes", 10, "data.n_common_classes"),
        _told("--n_holdout_classes", 10, "data.n_holdout_classes"),
        _told("--training_steps", None, "train.max_steps"),
        _told("--base_output_dir", "runs/adamw_sweep", told="`--root`"),
        _told("--skip_completed", False, told=_GOES_ON),
        _told("--max_eval_batches", None, told="`icl-eval evaluate RUNS --batches`"),
    ),
)
