"""Runs that are trained together: each is its solo run, ends for itself, and goes on from its own checkpoints."""

import io
import signal
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tiny_omniglot import write_omniglot

from icl_models import ResNetConfig, TransformerConfig
from icl_train import PlainReporter, RunFailed, RunFolder, smoke, train
from icl_train._ensemble.shape import check_together, groups_of
from icl_train._ensemble.together import train_together
from icl_train._watching.view import why_failed


def changed(config, **parts):
    return replace(config, **{name: replace(getattr(config, name), **changes) for name, changes in parts.items()})


def three(config):
    """Members that differ in all that may differ."""
    return [
        changed(config, seeds={"init": seed, "data": seed, "split": seed}, **own)
        for seed, own in enumerate(
            (
                {"optim": {"max_lr": 1e-3, "l2": 0.01}},
                {"optim": {"max_lr": 3e-3, "clip_norm": 0.5}, "data": {"n_rare_classes": 30}},
                {"optim": {"max_lr": 2e-3, "warmup_steps": 50}, "train": {"log_interval": 20}},
            )
        )
    ]


def create(folder, configs):
    return [RunFolder.create(folder / f"run{i}", config, device="cpu", threads=1) for i, config in enumerate(configs)]


def quiet(run):
    return PlainReporter(io.StringIO())


def solo(folder, configs):
    runs = create(folder, configs)
    for run in runs:
        train(run, quiet(run))
    return runs


def weights(run, step):
    return load_file(run.checkpoints / f"step_{step:07d}" / "model.safetensors")


def told(run, *, without=("sequences_per_second",)):
    return [{name: value for name, value in record.items() if name not in without} for record in run.records()]


def assert_equal_runs(runs, solos, step):
    """Losses and weights to 1e-4; a bias on all keys alike changes no attention, and its gradient is rounding alone."""
    for run, alone in zip(runs, solos, strict=True):
        assert run.status() == "done"
        for ours, theirs in zip(run.records(), alone.records(), strict=True):
            assert (ours["split"], ours["step"]) == (theirs["split"], theirs["step"])
            for name in ("loss", "loss_query", "weight_l2", "weight_l2_all", "learning_rate"):
                assert ours.get(name, 0) == pytest.approx(theirs.get(name, 0), rel=1e-4), name
            assert ours.get("grad_l2", 0) == pytest.approx(theirs.get("grad_l2", 0), rel=1e-3)
        expected = weights(alone, step)
        for name, value in weights(run, step).items():
            if name.endswith("qkv.bias"):
                third = len(value) // 3
                value, expected[name] = (torch.cat((one[:third], one[2 * third :])) for one in (value, expected[name]))
            scale = max(float(expected[name].float().norm()), 1e-2)
            assert float((value - expected[name]).float().norm()) <= 1e-4 * scale, name


def long(config):
    return changed(config, train={"max_steps": 100, "checkpoint_interval": 100}, eval={"interval": 50, "batches": 2})


def laptop_like():
    return long(changed(smoke(), model={"dropout_prob": 0.1}))


def symbolic_like():
    data = {"source": "symbolic", "dim": None, "n_labels": None}
    return long(changed(smoke(), data=data, model={"embedder": "embedding", "embedder_config": None, "num_layers": 2}))


def singh_like():
    own = TransformerConfig(mlp_layers=(), positions="learned")
    return long(changed(smoke(), model={"num_layers": 2, "sequence_model_config": own}, data={"n_labels": None}))


@pytest.mark.parametrize("like", [laptop_like, symbolic_like, singh_like])
def test_each_member_equals_its_solo_run_after_a_hundred_steps(tmp_path, like):
    configs = three(like())
    runs = create(tmp_path / "together", configs)
    assert train_together(runs, quiet) == {}
    assert_equal_runs(runs, solo(tmp_path / "solo", configs), 100)


def test_each_member_with_images_equals_its_solo_run(tmp_path):
    folder = write_omniglot(tmp_path / "omniglot")
    data = {"source": "omniglot", "omniglot": str(folder), "dim": None, "downsample": True, "n_labels": None}
    counts = {"n_rare_classes": 12, "n_common_classes": 10, "n_holdout_classes": 4, "seq_len": 4, "shots": 1}
    model = {"embedder": "resnet", "embedder_config": ResNetConfig(sequences_per_statistics=2)}
    config = changed(long(smoke()), data=data | counts, model=model, train={"batch_size": 4, "max_steps": 100})
    # At larger steps solo runs whose weights differ in the last bit part, too: bits of images are pooled in ties.
    config = changed(config, optim={"optimizer": "sgd", "max_lr": 1e-4})
    configs = [
        changed(config, train={"checkpoint_interval": 100}, eval={"interval": 100, "batches": 1}, seeds={"init": seed})
        for seed in range(2)
    ]
    runs = create(tmp_path / "together", configs)
    assert train_together(runs, quiet) == {}
    assert_equal_runs(runs, solo(tmp_path / "solo", configs), 100)


class _StopAfter(PlainReporter):
    """Asks for an end, as Ctrl+C does; at once, as a second one does, with no time for a checkpoint."""

    def __init__(self, step, *, times=1):
        super().__init__(io.StringIO())
        self._at, self._times = step, times

    def advance(self, step):
        super().advance(step)
        if step == self._at:
            for _ in range(self._times):
                signal.raise_signal(signal.SIGINT)


def short(config):
    return changed(config, train={"max_steps": 24, "checkpoint_interval": 8}, eval={"interval": 12, "batches": 2})


@pytest.mark.parametrize(("times", "kept"), [(1, 11), (2, 8)])
def test_an_ensemble_that_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path, times, kept):
    configs = three(short(laptop_like()))
    unbroken, runs = create(tmp_path / "unbroken", configs), create(tmp_path / "broken", configs)
    assert train_together(unbroken, quiet) == {}
    with pytest.raises(KeyboardInterrupt):
        train_together(runs, lambda run: _StopAfter(10 if run is runs[1] else None, times=times))
    assert [run.status() for run in runs] == ["interrupted"] * 3
    assert [run.checkpoint_steps()[-1] for run in runs] == [kept] * 3
    assert train_together([RunFolder.open(run.path) for run in runs], quiet) == {}
    for run, whole in zip(runs, unbroken, strict=True):
        assert told(run) == told(whole)
        ours, theirs = weights(run, 24), weights(whole, 24)
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_a_member_whose_loss_is_no_number_has_failed_and_the_others_go_on(tmp_path):
    config = short(singh_like())
    configs = three(config)
    configs[1] = changed(configs[1], optim={"max_lr": 1e30, "warmup_steps": 1, "clip_norm": None})
    runs = create(tmp_path / "together", configs)
    failures = train_together(runs, quiet)
    assert list(failures) == [runs[1].path]
    assert isinstance(failures[runs[1].path], RunFailed)
    assert [run.status() for run in runs] == ["done", "failed", "done"]
    assert "must stay finite, got nan" in why_failed(runs[1])
    others = [configs[0], configs[2]]
    assert_equal_runs([runs[0], runs[2]], solo(tmp_path / "solo", others), 24)


def test_members_at_different_steps_each_go_on_from_their_own(tmp_path):
    configs = three(short(laptop_like()))
    runs = create(tmp_path / "together", configs)
    for run, step in ((runs[0], 5), (runs[2], 17)):  # alone, as solo runs
        with pytest.raises(KeyboardInterrupt):
            train(run, _StopAfter(step))
    assert train_together([RunFolder.open(run.path) for run in runs], quiet) == {}
    assert_equal_runs(runs, solo(tmp_path / "solo", configs), 24)


def test_a_member_goes_on_alone(tmp_path):
    configs = three(short(singh_like()))
    runs = create(tmp_path / "together", configs)
    with pytest.raises(KeyboardInterrupt):
        train_together(runs, lambda run: _StopAfter(10 if run is runs[0] else None))
    for run in runs:
        train(RunFolder.open(run.path), quiet(run))
    assert_equal_runs(runs, solo(tmp_path / "solo", configs), 24)


def test_members_may_have_ends_of_their_own(tmp_path):
    configs = three(short(singh_like()))
    configs[1] = changed(configs[1], train={"max_steps": 13})
    runs = create(tmp_path / "together", configs)
    assert train_together(runs, quiet) == {}
    assert [run.records()[-1]["step"] for run in runs] == [24, 13, 24]
    assert [run.status() for run in runs] == ["done"] * 3
    assert train_together(runs, quiet) == {}  # nothing is left to do


def test_a_source_that_breaks_ends_its_run_alone(tmp_path):
    configs = three(short(singh_like()))
    runs = create(tmp_path / "together", configs)
    (runs[1].path / "classes.json").write_text("{}")
    (runs[1].path / "checkpoints").mkdir()
    (runs[1].path / "checkpoints" / "step_0000008").mkdir()
    failures = train_together(runs, quiet)
    assert list(failures) == [runs[1].path]
    assert [run.status() for run in runs] == ["done", "failed", "done"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": {"batch_size": 8}}, "train.batch_size must be the same for runs that are trained together, got"),
        ({"model": {"num_layers": 3}}, "model.num_layers must be the same for runs that are trained together, got 2"),
        ({"optim": {"optimizer": "sgd"}}, "optim.optimizer must be the same for runs that are trained together"),
        (
            {"model": {"sequence_model": "lstm", "sequence_model_config": None, "num_heads": None}},
            "sequence_model must be one of reddy, transformer in an ensemble, got 'lstm'",
        ),
        (
            {"model": {"interventions": ("blocks.0.attention.heads.0:ablate",)}},
            "model.interventions must be None for train.engine ensemble",
        ),
    ],
)
def test_runs_that_cannot_be_one_ensemble_are_refused(parts, message):
    config = singh_like()
    with pytest.raises(ValueError, match=f"^{message}"):
        check_together([config, changed(config, **parts)])


def test_runs_are_grouped_by_what_they_share():
    config = singh_like()
    other = changed(config, train={"batch_size": 8})
    members = [*three(config), other, changed(other, optim={"max_lr": 1e-2})]
    assert groups_of([(one, i) for i, one in enumerate(members)]) == [[0, 1, 2], [3, 4]]
