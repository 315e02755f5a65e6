"""Interventions by the commands: refused before a folder is made, stored, varied, named, and held to other runs."""

import json
import re
import shutil

import pytest
from intervened import run_config, trained

from icl_data.foundation.command_line import run_command
from icl_models import Axis
from icl_train import RunFolder, intervene, smoke
from icl_train._commands.main import _main
from icl_train._plans.plan import planned
from icl_train._sweeps.estimate import kind_of
from icl_train._watching.verified import verified

SHORT = ["--max-steps", "6", "--eval-batches", "1", "--train.checkpoint-interval", "3", "--model.num-layers", "2"]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A finished run with checkpoints of steps 5, 10, 15 and 20."""
    return trained(tmp_path_factory.mktemp("other") / "run", run_config(seeds={"init": 7})).path


def started(root, *interventions):
    args = ["run", "smoke", "--root", str(root), "--name", "run", *SHORT, "--model.interventions", *interventions]
    assert _main(args) == 0
    return RunFolder.open(root / "run")


def refused(capsys, root, *options):
    """The line that refuses a run, which makes no folder."""
    assert run_command(_main, "icl-train", ["run", "smoke", "--root", str(root / "runs"), *SHORT, *options]) == 2
    assert not (root / "runs").exists()
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["blocks.0.mlp:ablat"], r"error: intervention on blocks\.0\.mlp: the action must be one of "),
        (["blocks.7.mlp:ablate"], r"model\.interventions: blocks\.7\.mlp:ablate: a name must be one of embeddings, "),
        (
            ["blocks.0.attention.weights.2:pattern=uniform"],
            r"heads of blocks\.0\.attention\.weights must be from 0 to 1",
        ),
        (["*:fix"], r"model\.interventions: they must leave something to train, got nothing in update 1\n"),
        (["*:fix,start=3"], r"they must leave something to train, got nothing in update 4\n"),
        (["blocks.1.attention.weights:copy", "sequence_model:fix", "e*:fix", "l*:fix"], r"leave something to train"),
        (["blocks.0.mlp:ablate,start=6"], r"start must be below train\.max_steps \(6\), got 6 in "),
        (["tokens:run={other}@7"], r"interventions: run must name a checkpoint of \S+ \(5, 10, 15, 20\), got 7\n"),
        (["tokens:run={tmp}/no"], r"run must be a run, RUN@STEP or a saved model, got \S+ \(it does not exist\)\n"),
        (["tokens:run={other}#sha256:0123456789abcdef"], r"run must be the weights with sha256:0123456789abcdef, got "),
        (["tokens:run={tmp}/junk"], r"model\.interventions: .*a saved model must be a safetensors file, got "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_a_folder_is_made(texts, message, other, tmp_path, capsys):
    (tmp_path / "junk").write_bytes(b"junk")
    written = [text.format(other=other, tmp=tmp_path) for text in texts]
    assert re.search(message, refused(capsys, tmp_path, "--model.interventions", *written))


def test_models_without_attention_are_refused_patterns(tmp_path, capsys):
    options = ["--model.sequence-model", "lstm", "--model.interventions", "blocks.0.attention.weights:pattern=previous"]
    assert "a name must be one of embeddings, tokens, layers.*" in refused(capsys, tmp_path, *options)


def test_a_longer_evaluation_than_the_other_model_has_positions_for_is_refused(tmp_path, capsys):
    learned = ["--model.sequence-model-config.positions", "learned", "--model.sequence-model-config.num-positions"]
    args = ["run", "smoke", "--root", str(tmp_path / "others"), "--name", "one", *SHORT, *learned, "17"]
    assert _main(args) == 0
    capsys.readouterr()
    options = ["--eval.evaluations", "long:base=fewshot_holdout,shots=8", "--model.interventions"]
    line = refused(capsys, tmp_path, *options, f"blocks.0.mlp:run={tmp_path / 'others' / 'one'}")
    assert "model.interventions: evaluation long: " in line


def test_a_run_stores_them_and_shows_them(tmp_path, capsys):
    run = started(tmp_path, "blocks.0.mlp: mean, stop=4", "blocks.1.attention.heads: ablate, but=0")
    stored = json.loads((run.path / "config.json").read_text())["config"]["model"]["interventions"]
    assert stored == ["blocks.0.mlp:mean,stop=4", "blocks.1.attention.heads:ablate,but=0"]
    capsys.readouterr()
    assert _main(["show-config", str(run.path), "--format", "toml"]) == 0
    (tmp_path / "again.toml").write_text(capsys.readouterr().out)
    args = ["run", "--config", str(tmp_path / "again.toml"), "--root", str(tmp_path), "--name", "again"]
    assert _main(args) == 0
    assert RunFolder.open(tmp_path / "again").config == run.config


def test_a_sweep_varies_them_and_calls_runs_by_them(other, capsys, tmp_path):
    one, two = "blocks.1.attention.heads:ablate,but=0", f"blocks.0.mlp:run={other}@5"
    args = ["sweep", "grid", "smoke", "--root", str(tmp_path), "--launcher", "commands", "--model.num-layers", "2"]
    vary = ["--vary", "model.interventions", "None", one, two, json.dumps([one, "blocks.0.mlp:mean"])]
    assert _main([*args, *vary]) == 0
    runs = [RunFolder.open(path.parent) for path in sorted(tmp_path.rglob("config.json"))]
    found = {run.name.rpartition("-")[0]: run.config.model.interventions for run in runs}
    assert {name: texts and len(texts) for name, texts in found.items()} == {
        "gaussian-interventionsNone-s0": None,
        "gaussian-blocks.1.attention.heads-ablate-but-0-s0": 1,
        "gaussian-blocks.0.mlp-run-run-5-s0": 1,
        "gaussian-blocks.1.attention.heads-ablate-but-0-bl-s0": 2,
    }


def test_runs_under_other_actions_are_timed_apart():
    plain, one, two = (
        kind_of(run_config(*texts)) for texts in ((), ("blocks.0.mlp:mean",), ("blocks.1.mlp:mean,stop=3",))
    )
    assert plain != one == two


def test_labels_in_a_sweep_tell_them_in_full_but_where_anothers_folder_lies(other):
    one, two = "blocks.1.attention.heads:ablate,but=0", f"blocks.0.mlp:run={other}@5"
    plan = planned(smoke(), [Axis.of("model.interventions", None, [one], [one, two])])
    assert plan.labels == ("interventions None, s0", f"{one}, s0", f"{one}, blocks.0.mlp:run=run@5, s0")
    assert plan.configs[2].model.interventions[1].startswith(f"{two}#sha256:")


def test_another_runs_weights_are_copied_and_named_by_their_hash(other, tmp_path, capsys):
    run = started(tmp_path, f"blocks.0.mlp:run={other}@5")
    (text,) = run.config.model.interventions
    digest = re.fullmatch(rf"blocks\.0\.mlp:run={other}@5#sha256:([0-9a-f]{{16}})", text)[1]
    copy = run.path / f"other_{digest}.safetensors"
    assert copy.read_bytes() == (other / "checkpoints" / "step_0000005" / "model.safetensors").read_bytes()
    assert copy.name in verified(run).files


def test_a_run_needs_the_other_run_no_longer(other, tmp_path, capsys):
    shutil.copytree(other, tmp_path / "gone")
    run = started(tmp_path / "runs", f"blocks.0.mlp:run={tmp_path / 'gone'}")
    shutil.rmtree(tmp_path / "gone")
    shutil.rmtree(run.checkpoints / "step_0000006")
    (run.path / "DONE").unlink()
    assert _main(["resume", str(run.path)]) == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.unlink(), r"other_\w+\.safetensors is missing"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), r"other_\w+\.safetensors must have sha256:"),
    ],
)
def test_a_copy_that_is_not_as_it_was_is_named_and_not_used(damage, message, other, tmp_path, capsys):
    run = started(tmp_path, f"blocks.0.mlp:run={other}")
    (copy,) = run.path.glob("other_*.safetensors")
    damage(copy)
    found = verified(run)
    assert list(found.damaged) == [copy.name]
    capsys.readouterr()
    shutil.rmtree(run.checkpoints / "step_0000006")
    (run.path / "DONE").unlink()
    assert run_command(_main, "icl-train", ["resume", str(run.path)]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_copy_that_is_a_link_is_named(other, tmp_path, capsys):
    run = started(tmp_path, f"blocks.0.mlp:run={other}")
    (copy,) = run.path.glob("other_*.safetensors")
    shutil.move(copy, tmp_path / "elsewhere")
    copy.symlink_to(tmp_path / "elsewhere")
    assert "got a link" in verified(run).damaged[copy.name]


def test_a_run_that_gets_more_steps_keeps_them(other, tmp_path, capsys):
    run = started(tmp_path, f"blocks.0.mlp:run={other},stop=4")
    assert _main(["resume", str(run.path), "--max-steps", "8"]) == 0
    assert RunFolder.open(run.path).config.model == run.config.model


def test_a_notebook_is_told_what_is_not_there(tmp_path):
    import torch

    from icl_train import Task

    model = Task.build(run_config(), device=torch.device("cpu")).build_model()
    with (
        pytest.raises(ValueError, match="run must be a run, RUN@STEP or a saved model"),
        intervene(model, [f"tokens:run={tmp_path / 'no'}"]),
    ):
        pass


@pytest.mark.parametrize("written", ["{tmp}/mine.safetensors", "x#sha256:../../mine", "/etc/passwd"])
def test_a_strangers_run_makes_nobody_read_what_lies_outside_its_folder(written, tmp_path, capsys):
    run = RunFolder.create(tmp_path / "run", run_config(), device="cpu", threads=1)
    (tmp_path / "mine.safetensors").write_bytes(b"junk")
    text = f"blocks.0.mlp:run={written.format(tmp=tmp_path)}"
    run.rewrite(config=run_config(text))
    assert run_command(_main, "icl-train", ["resume", str(run.path)]) == 1
    assert "other_unknown.safetensors is missing" in capsys.readouterr().err
