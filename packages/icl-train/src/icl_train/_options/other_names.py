"""What other tools, and people in a hurry, call the options of icl-train and icl-eval."""

from __future__ import annotations

from collections.abc import Sequence

from icl_data.foundation.close_names import close_names

__all__ = ["OTHER_NAMES", "meant_by"]

_STEPS = (("--max-steps",),)
_RATE = (("--optim.max-lr",),)
_FOLDER = (("--root",), ("--out",))
_DEVICE = (("--device",),)
_LAYERS = (("--model.num-layers",),)
_HEADS = (("--model.num-heads",),)
_WIDTH = (("--model.emb-dim",),)
_CLASSES = (("--class-counts",), ("--data.n-rare-classes",))
_ZIPF = (("--data.zipf-exponent",),)
_BURSTY = (("--data.p-bursty",),)
_NOISE = (("--data.noise-scale",),)
_AT_A_TIME = (("--jobs",), ("--train.threads",))
_BATCH = (("--batch-size",), ("--batches",))

OTHER_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "seed": (("--run-seeds",), ("--seeds.init", "--seeds.data")),
    "seeds": (("--run-seeds",), ("--seeds.init", "--seeds.data")),
    "random-seed": (("--run-seeds",), ("--seeds.init", "--seeds.data")),
    **dict.fromkeys(("lr", "learning-rate", "rate", "max-learning-rate", "peak-lr"), _RATE),
    **dict.fromkeys(
        (
            "epochs",
            "epoch",
            "steps",
            "step",
            "num-steps",
            "n-steps",
            "iterations",
            "iters",
            "num-iterations",
            "updates",
        ),
        _STEPS,
    ),
    "warmup": (("--optim.warmup-steps",),),
    "num-warmup-steps": (("--optim.warmup-steps",),),
    **dict.fromkeys(("scheduler", "schedule", "lr-scheduler", "lr-schedule"), (("--optim.schedule",),)),
    **dict.fromkeys(("optim", "opt", "optimiser"), (("--optimizer",),)),
    **dict.fromkeys(("wd", "decay", "l2"), (("--weight-decay",),)),
    **dict.fromkeys(
        ("clip", "grad-clip", "clip-grad", "gradient-clipping", "max-grad-norm"), (("--optim.clip-norm",),)
    ),
    **dict.fromkeys(("beta1", "adam-beta1"), (("--optim.b1",),)),
    **dict.fromkeys(("beta2", "adam-beta2"), (("--optim.b2",),)),
    **dict.fromkeys(("bs", "b", "batch", "batchsize", "train-batch-size"), _BATCH),
    **dict.fromkeys(("layers", "n-layers", "n-layer", "depth", "num-blocks"), _LAYERS),
    **dict.fromkeys(("heads", "n-heads", "n-head", "nhead"), _HEADS),
    **dict.fromkeys(("d-model", "width", "embed-dim", "embedding-dim", "n-embd", "hidden-dim"), _WIDTH),
    "dim": (("--model.emb-dim", "--data.dim"),),
    "dropout": (("--model.dropout-prob",),),
    "arch": (("--model.sequence-model",),),
    "architecture": (("--model.sequence-model",),),
    "model": (("--model.sequence-model", "--model.embedder"),),
    "encoder": (("--model.embedder",),),
    **dict.fromkeys(("gpu", "gpus", "cuda", "cpu", "accelerator"), _DEVICE),
    **dict.fromkeys(("workers", "num-workers", "n-jobs", "processes", "parallel"), _AT_A_TIME),
    **dict.fromkeys(
        ("output", "out", "output-dir", "out-dir", "dir", "logdir", "log-dir", "save-dir", "outdir"), _FOLDER
    ),
    **dict.fromkeys(("run-name", "exp-name", "experiment"), (("--name",),)),
    **dict.fromkeys(("dataset", "data", "source-name"), (("--data.source",),)),
    **dict.fromkeys(("data-dir", "data-path", "data-root"), (("--data.omniglot",),)),
    **dict.fromkeys(("classes", "n-classes", "num-classes", "class-count"), _CLASSES),
    **dict.fromkeys(("holdout", "holdout-classes", "test-classes"), (("--data.n-holdout-classes",),)),
    **dict.fromkeys(("labels", "num-labels"), (("--data.n-labels",),)),
    **dict.fromkeys(("zipf", "alpha", "skew", "zipf-alpha", "exponent"), _ZIPF),
    **dict.fromkeys(("burstiness", "bursty", "prob-bursty"), _BURSTY),
    **dict.fromkeys(("noise", "noise-std", "sigma", "within-class-variation"), _NOISE),
    **dict.fromkeys(("context-length", "seq-length", "sequence-length", "block-size"), (("--data.seq-len",),)),
    **dict.fromkeys(("eval-every", "val-interval", "eval-freq"), (("--eval-interval",),)),
    **dict.fromkeys(("log-every", "log-freq", "print-freq"), (("--train.log-interval",),)),
    **dict.fromkeys(
        ("save-every", "save-interval", "ckpt-interval", "checkpoint-every"), (("--train.checkpoint-interval",),)
    ),
    **dict.fromkeys(("tensorboard", "logger", "wandb"), (("--train.tracker",),)),
    **dict.fromkeys(("checkpoints", "all"), (("--all-checkpoints",),)),
}
"""Last part of a name that is no option → groups of options that may be meant by it: the first group of which a command
has all options is proposed."""


def meant_by(name: str, options: Sequence[str]) -> list[str]:
    """The options that may be meant by ``name``, which is none.

    Args:
        name: with its dashes.
        options: the names of the command's options.
    """
    last = name.lstrip("-").replace("_", "-").lower().rpartition(".")[2]
    close = close_names(name, options)[:3]
    if any(option.rpartition(".")[2].lstrip("-") == last for option in close):
        return close
    return next((list(group) for group in OTHER_NAMES.get(last, ()) if set(group) <= set(options)), close)
