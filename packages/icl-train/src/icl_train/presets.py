"""Named configurations: functions that return a full :class:`~icl_train.RunConfig`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from icl_data import load_source, read_source_name
from icl_data.foundation.own_modules import modules_here
from icl_models import TransformerConfig, find_embedder
from icl_train._settings.class_counts import counts_for
from icl_train._settings.source import BUILT_IN_SOURCES
from icl_train.config import DataConfig, EvalConfig, ModelSettings, OptimConfig, RunConfig, TrainConfig

__all__ = [
    "PRESETS",
    "chan2022",
    "described_presets",
    "laptop",
    "reddy2023",
    "singh2024",
    "singh2025",
    "smoke",
    "with_source",
]


def chan2022() -> RunConfig:
    """Chan et al. 2022: 12 layers on Omniglot's 1,623 characters, 500,000 steps of 32 sequences (appendix A)."""
    return RunConfig(
        preset="chan2022",
        data=DataConfig(source="omniglot", n_rare_classes=1603),
        model=ModelSettings(embedder="resnet", num_layers=12),
    )


def laptop() -> RunConfig:
    """Reddy 2023's Gaussian classes with 32 shared labels: ICL emerges with 8,192 classes in minutes on two cores."""
    return RunConfig(
        preset="laptop",
        data=DataConfig(source="gaussian", n_rare_classes=8182, n_holdout_classes=1000, n_labels=32, p_bursty=1.0),
        model=ModelSettings(embedder="vector", num_layers=2),
        optim=OptimConfig(max_lr=1e-3, warmup_steps=2000),
        train=TrainConfig(max_steps=5000, batch_size=64, threads=1, checkpoint_interval=1000),
        eval=EvalConfig(interval=250, batches=16),
    )


def reddy2023() -> RunConfig:
    """Reddy 2023: a disentangled two-layer network, 32 fixed labels, plain SGD (sections 2 and 3)."""
    return RunConfig(
        preset="reddy2023",
        data=DataConfig(
            source="gaussian",
            n_rare_classes=1024,
            n_common_classes=0,
            n_holdout_classes=128,
            n_labels=32,
            seq_len=9,
            shots=4,
            ways=2,
            fs_shots=4,
            p_bursty=1.0,
            protocol="released",
        ),
        model=ModelSettings(
            embedder="raw", emb_dim=63, fixed_labels=True, sequence_model="reddy", num_layers=2, num_heads=None
        ),
        optim=OptimConfig(
            optimizer="sgd", weight_decay=1e-4, max_lr=0.01, schedule="constant", warmup_steps=0
        ),  # the decay is 1e-6 of the weights in an update
        train=TrainConfig(max_steps=150_000, batch_size=128, threads=1),
        eval=EvalConfig(
            interval=1000,
            batches=80,
            protocol="released",
            evaluations=("bursty", "shared_label", "shifted", "random_zipfian"),
        ),
    )


def singh2024() -> RunConfig:
    """Singh et al. 2024: two attention layers form induction heads; on vectors, at ten times its rate (section 2)."""
    return RunConfig(
        preset="singh2024",
        data=DataConfig(
            source="gaussian",
            dim=512,
            noise_scale=0.0,
            n_rare_classes=40,
            n_common_classes=10,
            n_holdout_classes=100,
            n_labels=5,
            sequence="fewshot_zipfian",
            fs_labeling="novel",
            fs_shots=1,
            heldout_label_sets=2,
        ),
        model=ModelSettings(
            embedder="vector",
            num_layers=2,
            sequence_model_config=TransformerConfig(positions="rotary", mlp_layers=()),
        ),
        optim=OptimConfig(max_lr=1e-4, schedule="constant", warmup_steps=0),
        train=TrainConfig(max_steps=31_250, batch_size=32, threads=1, log_interval=50, log_spaced_checkpoint_steps=100),
        eval=EvalConfig(log_spaced_steps=80, batches=16, evaluations=("novel_label_trained", "relabel", "novel_label")),
    )


def singh2025() -> RunConfig:
    """Singh et al. 2025: two attention layers on five tokens, 1,600 classes of five Gaussian vectors (section 2)."""
    return RunConfig(
        preset="singh2025",
        data=DataConfig(
            source="gaussian",
            dim=512,
            n_exemplars=5,
            n_rare_classes=1590,
            n_common_classes=10,
            n_holdout_classes=100,
            seq_len=3,
            shots=1,
            fs_shots=1,
            p_bursty=1.0,
        ),
        model=ModelSettings(
            embedder="vector",
            num_layers=2,
            sequence_model_config=TransformerConfig(positions="learned", mlp_layers=()),
        ),
        optim=OptimConfig(max_lr=1e-5, schedule="constant", warmup_steps=0),
        train=TrainConfig(max_steps=625_000, batch_size=32, threads=1, log_interval=1000),
        eval=EvalConfig(
            interval=5000,
            batches=32,
            evaluations=("fewshot_zipfian", "fewshot_holdout", "flip", "ciwl", "no_support_zipfian"),
        ),
    )


def smoke() -> RunConfig:
    """A run of seconds that goes through every part: to try the commands, not to learn anything."""
    return RunConfig(
        preset="smoke",
        data=DataConfig(source="gaussian", dim=8, n_rare_classes=54, n_holdout_classes=10, n_labels=8),
        model=ModelSettings(embedder="vector", emb_dim=16, num_layers=1, num_heads=2),
        optim=OptimConfig(max_lr=1e-3, warmup_steps=10),
        train=TrainConfig(max_steps=40, batch_size=16, threads=1, log_interval=10, checkpoint_interval=20),
        eval=EvalConfig(interval=20, batches=4),
    )


def with_source(config: RunConfig, source: str) -> RunConfig:
    """The same run on another source of examples, with the embedder and, where they matter, the class counts that fit.

    The embedder stays, with its settings, where the examples are of the same kind as those of the built-in source
    before, where it can read them as it did those of a source of one's own, or where it is that of their kind; whether
    it fits their size is seen where settings are checked. A file or folder gives all of its classes: a tenth are
    holdout (at least ``data.ways``), at most 10 of the others common, the rest rare. A factory's source leaves the
    counts of ``config`` as they are.

    Args:
        config: the run's settings.
        source: symbolic, gaussian, omniglot, or a source of one's own: an array file, a folder of image folders, or
            ``package.module:factory``.

    Raises:
        ValueError: if a source of one's own cannot be loaded.
        ImportError: if the extra that its files need is not installed.
    """
    data = replace(config.data, source=source, omniglot=None, dim=None, n_exemplars=None, noise_scale=None)
    if source in BUILT_IN_SOURCES:
        kind = _KINDS[source]
    else:
        with modules_here():
            opened = load_source(data.source)
        kind = str(opened.kind)
        data = _with_fitting_counts(data, opened.n_classes)
    model, embedder = config.model, {"id": "embedding", "vector": "vector", "image": "resnet"}[kind]
    before = _KINDS.get(config.data.source)
    stays = kind == before if before else _reads(model.embedder, kind)
    if not stays and embedder != model.embedder:
        model = replace(model, embedder=embedder, embedder_config=None)
    return replace(config, data=data, model=model)


_KINDS = {"symbolic": "id", "gaussian": "vector", "omniglot": "image"}


def _reads(embedder: str, kind: str) -> bool:
    """Whether an embedder is there and takes examples of a kind."""
    try:
        return kind in find_embedder(embedder).example_kinds
    except ValueError:
        return False


def _with_fitting_counts(data: DataConfig, n_classes: int) -> DataConfig:
    found = read_source_name(data.source)
    counts = counts_for(n_classes, ways=data.ways)
    # Runs of factories have names already; a source too small for anything is refused when the run's data are opened.
    if found is None or found.which == "factory" or counts.holdout < data.ways:
        return data
    return replace(
        data,
        n_rare_classes=counts.rare,
        n_common_classes=counts.common,
        n_holdout_classes=counts.holdout,
    )


PRESETS: dict[str, Callable[[], RunConfig]] = {
    preset.__name__: preset for preset in (chan2022, laptop, reddy2023, singh2024, singh2025, smoke)
}
"""Preset name → function."""


def described_presets() -> list[tuple[str, str]]:
    """The name of each preset, and what it is."""
    return [(name, " ".join((make.__doc__ or "").split())) for name, make in PRESETS.items()]
