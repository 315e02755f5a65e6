"""A picture of the runs of one experiment, among others."""

import json
from dataclasses import replace

import pytest

from icl_eval._commands.main import _main

ALL = {(p, layers): [0.5, 0.6] for p in ("0", "1") for layers in ("1", "2")}


def drawn(capsys, tmp_path, root, *options):
    assert _main(["plot", str(root), "--json", "--out", str(tmp_path / "out"), *options]) == 0
    return json.loads(capsys.readouterr().out)


def with_another_rate(config):
    return replace(config, optim=replace(config.optim, max_lr=0.25))


@pytest.fixture
def mixed(write):
    """Runs of the experiment, and others beside them that no plot would show on one line."""
    write("small", {("1", "1"): [0.5, 0.9]}, seeds=(7,), change=with_another_rate)
    return write("small", ALL)


def test_the_runs_of_an_experiment_are_drawn_without_those_beside_them(mixed, capsys, tmp_path):
    rows = drawn(capsys, tmp_path, mixed, "--experiment", "mine", "--col", "model.num_layers", "--hue", "data.p-bursty")
    assert max(row["value"] for row in rows) == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--experiment", "mne"], "did you mean 'mine'"),
        (["--experiment", "mine", "--scale", "smal"], "scale of mine must be one of small, drawn, got 'smal'"),
        (["--experiment", "mine", "--scale", "drawn"], "mine at scale drawn must have a finished run"),
        (["--experiment", "figure3"], r"figure3 must have a finished run.*icl-train sweep figure3 --scale laptop"),
        (["--scale", "small"], "--scale needs --experiment, got small alone"),
    ],
)
def test_what_is_not_there_is_refused(write, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        _main(["plot", str(write("small", ALL)), *options])
