"""What ``icl-train experiments`` tells."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from icl_train import chan2022, smoke
from icl_train._commands.experiments import experiments
from icl_train._experiments import estimate


def told(capsys, *args):
    assert experiments(list(args)) == 0
    return capsys.readouterr().out


def test_the_list_has_each_experiment_with_its_runs_at_each_scale(capsys, mine):
    mine()
    lines = " ".join(told(capsys, "--no-time").split())
    assert "figure2 The more of the training sequences are bursty" in lines
    assert "paper 12 runs; omniglot28 4 runs; laptop" in lines
    assert "mine Width matters. small 2 runs; drawn 24 runs; 2 claims." in lines


def test_in_full_there_are_axes_points_scales_claims_and_commands(capsys, mine):
    mine()
    text = told(capsys, "mine", "--no-time")
    lines = " ".join(text.split())
    for part in (
        "mine: Width matters.",
        "width narrow, wide one (also wider)",
        "small 2 runs; 20 updates each; 1 seed. data.p_bursty: 1.",
        "drawn 24 runs; 20 updates each; 2 seeds; 3 draws of optim.max_lr at each point.",
        "small It trains. weight_l2 at width narrow > 0.",
        "small A head copies. heads of layer 0 with induction above 0.3 at width narrow > 0.",
        "icl-train sweep mine --scale small --root runs/mine",
        "icl-eval figure3a runs/mine",
        "icl-eval claims runs/mine --experiment mine",
    ):
        assert part in lines


def test_in_full_no_line_but_a_command_is_wider_than_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = told(capsys, "figure7", "--no-time").splitlines()
    assert max(len(line) for line in lines if not line.startswith("  icl-")) <= 80


def test_one_scale_may_be_told_of_alone(capsys, mine):
    mine()
    assert "drawn" not in told(capsys, "mine", "--scale", "small", "--no-time")


def test_a_scale_that_no_experiment_has_is_refused_with_those_that_there_are(capsys):
    with pytest.raises(
        ValueError, match=r"--scale must be one of paper, omniglot28, laptop.*, got 'papr'; did you mean"
    ):
        experiments(["--scale", "papr", "--no-time"])


def test_the_list_at_a_scale_has_the_experiments_that_have_it(capsys, mine):
    mine()
    text = told(capsys, "--scale", "small", "--no-time")
    assert "mine" in text
    assert "figure2" not in text


def test_json_has_it_all(capsys, mine):
    mine()
    (one,) = json.loads(told(capsys, "mine", "--no-time", "--json"))
    assert one["name"] == "mine"
    assert one["axes"][1]["points"] == [
        {"label": "0", "settings": {"data.p_bursty": 0.0}},
        {"label": "1", "settings": {"data.p_bursty": 1.0}},
    ]
    small = one["scales"]["small"]
    assert len(small["runs"]) == 2
    assert (small["preset"], small["seconds"], small["problem"]) == ("smoke", None, None)
    assert one["scales"]["drawn"]["ranges"][0]["setting"] == "optim.max_lr"
    assert one["claims"][0]["above"] == 0.0
    assert [claim["heads"] for claim in one["claims"]] == [None, {"layer": 0, "more_than": 0.3}]


def test_one_that_cannot_be_run_is_listed_with_the_reason(capsys, mine):
    mine(setting="data.dimm")
    lines = " ".join(told(capsys, "--no-time").split())
    assert "mine Width matters. small cannot be run: setting data.dimm does not exist; did you mean data.dim?;" in lines
    assert "drawn 24 runs" in lines


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["figre2"], r"experiment must be one of .*, got 'figre2' \(did you mean 'figure2'"),
        (["figure2", "--scale", "desk"], r"scale of figure2 must be one of paper, omniglot28, laptop, got 'desk'"),
    ],
)
def test_mistakes_are_one_line(args, message):
    with pytest.raises(ValueError, match=message):
        experiments(args)


def test_without_times_it_waits_for_no_pytorch(tmp_path):
    code = (
        "import sys; from icl_train._commands.experiments import experiments; experiments(['--no-time']); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, cwd=tmp_path, check=False)
    assert done.returncode == 0


@pytest.fixture
def seconds(monkeypatch):
    """``seconds(config, …)``: what runs take if each of a model's two parts takes 5 s an update and 2 s forward."""
    monkeypatch.setattr(estimate, "_timed", lambda *args: (5.0, 2.0))
    monkeypatch.setattr(estimate, "available_cores", lambda: 2)
    return lambda *configs: estimate.Stopwatch().seconds(configs)


def test_a_run_takes_its_updates_and_its_evaluations(seconds):
    config = smoke()  # 40 updates; after 0, 20 and 40 an evaluation of 4 batches in each of 4 splits
    assert seconds(config) == 40 * 10 + 3 * 4 * 4 * 4


@pytest.mark.parametrize("asked", [{"steps": (0, 10)}, {"interval": 30}, {"log_spaced_steps": 2}])
def test_the_last_evaluation_counts_where_it_is_not_listed(seconds, asked):
    config = smoke()
    assert seconds(replace(config, eval=replace(config.eval, **asked))) == 40 * 10 + 3 * 4 * 4 * 4


def test_runs_share_the_cores(seconds):
    config = smoke()
    assert seconds(config, config) == seconds(config)
    assert seconds(config, config, config) == 2 * seconds(config)


def test_each_part_is_timed_once_and_an_embedder_of_images_in_few_sequences(monkeypatch):
    timed = []
    monkeypatch.setattr(estimate, "_timed", lambda model, *args: timed.append(model.config) or (1.0, 1.0))
    base = chan2022()
    deep, shallow = base, replace(base, model=replace(base.model, num_layers=2))
    watch = estimate.Stopwatch()
    # 4 of 32 sequences were timed: an update is 8 + 1 seconds, and so is a forward pass.
    assert watch.seconds([deep]) == 9 * (500_000 + 501 * 64 * 4)
    watch.seconds([deep])
    watch.seconds([shallow])
    assert [(one.embedder, one.num_layers) for one in timed] == [("resnet", 1), ("vector", 12), ("vector", 2)]


def test_omniglot_is_timed_without_its_files(monkeypatch, tmp_path):
    monkeypatch.setenv("ICL_OMNIGLOT", str(tmp_path))
    monkeypatch.setenv("ICL_CACHE", str(tmp_path))
    small = replace(chan2022(), data=replace(chan2022().data, downsample=True))
    assert estimate.Stopwatch().seconds([small]) > 0
    assert list(tmp_path.iterdir()) == []
