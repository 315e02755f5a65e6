"""What ``icl-train experiments`` tells."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from icl_train import chan2022, smoke
from icl_train._commands.experiments import experiments
from icl_train._estimate.work import Times
from icl_train._experiments import estimate

TIMES = Times(update=10.0, evaluation=2.0)


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


def test_where_a_claim_failed_it_is_said_why_in_whole_sentences(capsys):
    lines = " ".join(told(capsys, "figure3", "--no-time").split())
    assert "Not at omniglot28: At 28 x 28 only some seeds learn in context" in lines
    assert ".." not in lines


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
    assert [claim["heads"] for claim in one["claims"]] == [None, {"layer": 0, "more_than": 0.3, "split": None}]


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
def watch(monkeypatch):
    """A stopwatch on two cores by which an update takes 10 s, an evaluation 2 s, and a start 1 s; and what it timed."""
    timed = []
    monkeypatch.setattr("icl_train._sweeps.estimate.time_runs", lambda configs, **how: timed.extend(configs) or TIMES)
    monkeypatch.setattr(estimate, "seconds_to_start", lambda: 1.0)
    monkeypatch.setattr(estimate, "available_cores", lambda: 2)
    return estimate.Stopwatch(), timed


def test_a_run_takes_its_updates_and_evaluations_and_the_start_of_its_process(watch):
    assert watch[0].seconds([smoke()]) == 1 + 40 * 10 + 3 * 2


def test_runs_share_the_cores(watch):
    one = watch[0].seconds([smoke()])
    assert watch[0].seconds([smoke()] * 2) == one
    assert watch[0].seconds([smoke()] * 3) == 2 * one


def test_while_runs_are_timed_it_says_so(watch, capsys):
    assert experiments(["singh2025-coopetition", "--scale", "laptop"]) == 0
    told = capsys.readouterr()
    assert told.err == "timing a few updates of each kind of run (--no-time answers at once) ...\n"
    assert "3 runs, about" in " ".join(told.out.split())


def test_each_kind_is_timed_once_at_its_dearest_and_cheapest(watch):
    stopwatch, timed = watch
    base = replace(chan2022(), train=replace(chan2022().train, threads=1))
    runs = [replace(base, model=replace(base.model, num_layers=layers)) for layers in (1, 2, 12)]
    stopwatch.seconds(runs)
    stopwatch.seconds(runs)
    assert [one.model.num_layers for one in timed] == [12, 1]


def test_omniglot_is_timed_without_its_files(watch):
    watch[0].seconds([chan2022()])
    assert watch[1][0].data.source == "icl_train._profile.stand_in:Drawings"
