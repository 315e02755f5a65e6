"""Claims about attention heads, measured on the last checkpoints of runs."""

import io
import json
import os
import shutil
import subprocess
import sys

import pytest

from icl_eval import measure_heads
from icl_eval._commands.main import _main
from icl_models import find_experiment
from icl_train import PlainReporter, RunFolder, experiment_runs, train

EXPERIMENT = """
from icl_models import Axis, Claim, ExperimentSpec, Heads, Scale, hookimpl

HERE = {{"where": {{"model.emb_dim": "16"}}, "scales": ("small",)}}

@hookimpl
def icl_register_experiments():
    return [ExperimentSpec(
        name="mine", paper="Nobody 2026", section="figure 1", tests="Heads matter.",
        axes=(Axis.of("model.emb_dim", 8, 16),),
        scales={{"small": Scale(preset="smoke", settings={settings!r})}},
        claims=({claims}),
    )]
"""
MOST = 'Claim(says="The best one.", measure="entropy", heads=Heads(layer=1), above=0.1, **HERE)'
MANY = 'Claim(says="Some.", measure="entropy", heads=Heads(layer=1, more_than={}), above=0.5, **HERE)'


@pytest.fixture
def root(install, tmp_path):
    """``root(claims, settings)``: the runs of the experiment with these claims, trained."""

    def trained(*claims, **settings):
        settings = {"train.max_steps": 2, "model.num_layers": 2} | settings
        install(EXPERIMENT.format(claims="".join(f"{claim}, " for claim in claims), settings=settings))
        for planned in experiment_runs(find_experiment("mine"), "small"):
            run = RunFolder.create(tmp_path / "runs" / planned.folder, planned.config, device="cpu", threads=1)
            train(run, PlainReporter(io.StringIO()))
        return tmp_path / "runs"

    return trained


def judged(capsys, root):
    """Rows of the command, what it says beside them, and its exit code."""
    code = _main(["claims", str(root), "--experiment", "mine", "--json"])
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err, code


def entropies(root):
    """Of the heads of the second layer, in the runs that the claims are about."""
    (run,) = [run for run in map(RunFolder.open, root.iterdir()) if run.config.model.emb_dim == 16]
    frame = measure_heads(run)
    return sorted(frame[(frame["measure"] == "entropy") & (frame["layer"] == 1)]["value"])


def test_the_number_is_the_greatest_score_of_the_layer_as_the_heads_command_measures_it(root, capsys):
    folder = root(MOST)
    (row,), err, code = judged(capsys, folder)
    assert row["measured"] == entropies(folder)[-1]
    assert (row["measure"], row["heads"], row["judgement"]) == ("entropy", {"layer": 1, "more_than": None}, "holds")
    assert (err, code) == ("", 0)


def test_or_it_is_how_many_heads_have_more(root, capsys):
    folder = root(MANY.format(0.0))
    low, high = entropies(folder)
    for bound, number in ((0.0, 2.0), ((low + high) / 2, 1.0), (high, 0.0)):
        shutil.rmtree(folder)
        root(MANY.format(bound))
        (row,), _, code = judged(capsys, folder)
        assert (row["measured"], code) == (number, 0 if number else 1)


def test_the_table_says_which_heads(root, capsys):
    assert _main(["claims", str(root(MANY.format(0.25)))]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "heads of layer 1 with entropy above 0.25 at model.emb_dim 16" in told


def claim(measure="induction", layer=1):
    return f'Claim(says="So.", measure={measure!r}, heads=Heads(layer={layer}), above=0.0, **HERE)'


@pytest.mark.parametrize(
    ("one", "settings", "reason"),
    [
        (claim("inductoin"), {}, r"a score of heads must be one of induction, previous_token, .*, got 'inductoin'"),
        (claim(layer=2), {}, r"the layer of heads must be from 0 to 1, got 2"),
        (
            claim("previous_token"),
            {"model.concatenate_labels": True},
            "no previous token: a label has no token of its own with concatenate_labels",
        ),
        (
            claim(),
            {"model.sequence_model": "lstm"},
            "sequence_model must be one with attention to have heads, got lstm",
        ),
    ],
)
def test_what_cannot_be_measured_leaves_a_claim_unsaid_with_the_reason(one, settings, reason, root, capsys):
    (row,), _, code = judged(capsys, root(one, **settings))
    assert (row["judgement"], row["measured"], code) == ("cannot say", None, 0)
    assert reason.split(".*")[0] in row["reason"]
    assert reason.split(".*")[-1] in row["reason"]


def test_a_run_without_a_checkpoint_is_named(root, capsys):
    folder = root(claim())
    for run in folder.iterdir():
        shutil.rmtree(run / "checkpoints")
    (row,), err, code = judged(capsys, folder)
    assert row["judgement"] == "cannot say"
    assert "must have the checkpoint" in row["reason"]
    assert err.count("\n") == 1
    assert err.startswith(f"no heads of {folder}")
    assert code == 1


def test_a_damaged_checkpoint_is_named_and_fails(root, capsys):
    folder = root(claim())
    for file in folder.glob("*/checkpoints/*/model.safetensors"):
        file.write_bytes(file.read_bytes()[:-4])
    (row,), err, code = judged(capsys, folder)
    assert row["judgement"] == "cannot say"
    assert "model.safetensors" in err
    assert code == 1


@pytest.mark.parametrize(
    ("one", "imported"), [(claim(), "True"), (claim().replace("heads=Heads(layer=1), ", ""), "False")]
)
def test_pytorch_is_imported_only_if_a_claim_is_about_heads(one, imported, root):
    code = (
        "import sys; from icl_eval._commands.main import _main; "
        "_main(['claims', sys.argv[1], '--experiment', 'mine', '--json']); print('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(root(one))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == imported
