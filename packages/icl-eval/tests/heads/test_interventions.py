"""Heads of runs under interventions: looked at as they were trained, or by themselves."""

import io
import json
from dataclasses import replace

import pandas as pd
import pytest
import torch

from icl_eval import evaluate_run, measure_heads, patch_run
from icl_eval._commands.main import _main
from icl_eval._heads.patterns import attention_patterns
from icl_models import capture
from icl_train import Evaluator, PlainReporter, RunFolder, Task, interventions_of, load_model_weights, smoke, train

FIRST, SECOND = "blocks.0.attention", "blocks.1.attention"


def config_of(*interventions, **model):
    base = smoke()
    return replace(
        base,
        model=replace(base.model, num_layers=2, interventions=interventions or None, **model),
        train=replace(base.train, max_steps=20, checkpoint_steps=(0, 10, 20)),
        eval=replace(base.eval, interval=20, batches=1),
    )


@pytest.fixture(scope="session")
def run_under(tmp_path_factory):
    """``run_under("blocks.0.mlp:ablate")``: a run under these interventions, trained once. Not to be changed."""
    runs = {}

    def trained(*interventions, **model):
        key = (interventions, tuple(model.items()))
        if key not in runs:
            path = tmp_path_factory.mktemp("run") / "run"
            runs[key] = RunFolder.create(path, config_of(*interventions, **model), device="cpu", threads=1)
            train(runs[key], PlainReporter(io.StringIO()))
        return runs[key]

    return trained


def values(frame, measure, **where):
    """Of the heads of a layer, in order."""
    rows = frame[(frame["measure"] == measure) & (frame["kind"] == "head")]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows["value"].tolist()


def test_heads_that_are_taken_out_add_nothing_and_are_not_missed(run_under):
    run = run_under(f"{SECOND}.heads:ablate,but=0")
    frame = measure_heads(run, sequences=32, ablate="zero")
    kept, gone = values(frame, "direct", layer=1)
    assert gone == 0
    assert kept != 0
    assert values(frame, "ablation_loss", layer=1, head=1) == [0, 0]  # of in-context and in-weights learning
    assert 0 not in values(frame, "ablation_loss", layer=1, head=0)
    assert values(frame, "label_copy", layer=1, head=1) == []
    bare = measure_heads(run, sequences=32, ablate="zero", interventions=False)
    assert 0 not in values(bare, "direct", layer=1)
    assert 0 not in values(bare, "ablation_loss", layer=1)


def test_what_the_kept_heads_add_is_what_it_is_by_itself(run_under):
    """Direct contributions of captured outputs are those of weights and values."""
    run = run_under(f"{FIRST}.heads:ablate,but=0+1")  # of all heads but all
    one, other = (measure_heads(run, sequences=300, interventions=wanted) for wanted in (True, False))
    assert values(one, "direct") == pytest.approx(values(other, "direct"), rel=1e-4, abs=1e-6)


def test_a_layer_with_a_given_pattern_has_its_scores(run_under):
    run = run_under(f"{FIRST}.weights:pattern=previous")
    assert values(measure_heads(run, sequences=32), "previous_token", layer=0) == [1, 1]
    assert max(values(measure_heads(run, sequences=32, interventions=False), "previous_token", layer=0)) < 0.9


def test_an_intervention_acts_at_the_checkpoints_of_its_steps_alone(run_under):
    run = run_under(f"{FIRST}.weights:pattern=previous,stop=15")
    frame = measure_heads(run, steps="all", sequences=32)
    perfect = {step: values(frame, "previous_token", layer=0, step=step) == [1, 1] for step in (0, 10, 20)}
    assert perfect == {0: True, 10: True, 20: False}


INTERVENTIONS = [
    f"{SECOND}.heads:ablate,but=0",
    f"{SECOND}.weights:pattern=induction",
    f"{SECOND}.weights.0:pattern=shifted",
    f"{SECOND}.weights.0:copy",
    "blocks.0.mlp:mean",
    f"{SECOND}.values:value=0.5",
]


@pytest.mark.parametrize("text", INTERVENTIONS)
def test_accuracy_and_loss_are_those_of_the_evaluation(text, run_under):
    run = run_under(text)
    frame = measure_heads(run, sequences=300)
    (record,) = evaluate_run(run, steps=[20], splits=["fewshot_holdout"], sequences=300, device="cpu")
    whole = frame[frame["kind"] == "model"].set_index("measure")["value"]
    assert whole["accuracy"] == pytest.approx(record["accuracy_closed"])
    assert whole["loss"] == pytest.approx(record["loss_query"], rel=1e-5)


def test_held_to_another_run_it_has_the_numbers_of_the_evaluation(run_under):
    run = run_under(f"blocks.0.residual_post:run={run_under('blocks.0.mlp:mean').path}")
    frame = measure_heads(run, sequences=300)
    (record,) = evaluate_run(run, steps=[20], splits=["fewshot_holdout"], sequences=300, device="cpu")
    assert frame[frame["measure"] == "loss"]["value"].tolist() == pytest.approx([record["loss_query"]], rel=1e-5)
    assert "stands between the heads and the answer" in frame.attrs["blank"]["direct"]


@pytest.mark.parametrize("text", [*INTERVENTIONS, f"{FIRST}.weights:pattern=previous,stop=15"])
def test_workers_change_no_number(text, run_under):
    run = run_under(text)
    one, two = (measure_heads(run, steps="all", sequences=300, workers=workers) for workers in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def passed(run, *names, sequences):
    """Sequences, logits at their queries under the run's interventions, and what was captured."""
    task = Task.of_run(run, device=torch.device("cpu"))
    model = task.build_model()
    load_model_weights(run.checkpoints, 20, model)
    with interventions_of(run, model) as put, torch.no_grad():
        acting = put.at(20)
        (given,) = Evaluator(task, sequences=sequences, splits=["fewshot_holdout"]).embedded(model, acting)
        with acting.on(given.labels, given.theirs.__getitem__), capture(model, *names) as trace:
            logits = model.from_embeddings(given.embedded, given.labels)[:, -1]
    return model, given, logits, trace


def test_under_the_shifted_pattern_heads_add_what_their_own_values_give(run_under):
    """The weights are computed by a call of the layer on other tokens, of which nothing else must be seen."""
    names = [f"{SECOND}.{site}" for site in ("values", "weights", "heads")]
    model, _, _, trace = passed(run_under(f"{SECOND}.weights:pattern=shifted"), *names, sequences=8)
    values, weights, heads = map(trace.__getitem__, names)
    out = model.sequence_model.blocks[1].attention.out.weight
    assert torch.einsum("bhqd,whd->bhqw", weights @ values, out.view(len(out), 2, -1)).allclose(heads, atol=1e-6)


@pytest.mark.parametrize("text", [f"{SECOND}.weights:copy", f"{SECOND}:ablate", "blocks.1.residual_post:mean"])
def test_where_something_stands_between_heads_and_answer_there_is_no_direct_contribution(text, run_under):
    frame = measure_heads(run_under(text), sequences=16)
    told = f"{text} stands between the heads and the answer"
    assert frame.attrs["blank"] == {"direct": told, "label_copy": told}


def test_what_is_not_defined_is_said_of_the_last_step(run_under):
    run = run_under(f"{SECOND}.weights:copy,stop=15")
    assert "direct" in measure_heads(run, steps=[0, 10], sequences=16).attrs["blank"]
    frame = measure_heads(run, steps="all", sequences=16)
    assert frame.attrs["blank"] == {}
    assert set(frame[frame["measure"] == "direct"]["step"]) == {20}


def test_attention_that_is_drawn_is_that_of_the_run(run_under):
    run = run_under(f"{FIRST}.weights:pattern=previous")
    (one,) = attention_patterns(run, heads=[(0, 1)], sequences=[3])
    assert [row.argmax() for row in one.weights] == [max(0, place - 1) for place in range(len(one.tokens))]
    (bare,) = attention_patterns(run, heads=[(0, 1)], sequences=[3], interventions=False)
    assert bare.weights.max() < 1 or bare.weights[1:, 1:].any()


@pytest.mark.parametrize("corrupted", ["labels", "query"])
def test_patching_is_of_the_model_as_it_was_trained(corrupted, run_under):
    run = run_under(f"{SECOND}.weights:pattern=induction", "blocks.0.mlp:ablate")
    _, given, logits, _ = passed(run, "readout", sequences=64)
    right = given.labels[:, -1:]
    wrong = torch.stack([row[row != row[-1]][0] for row in given.labels])[:, None]
    expected = float((logits.gather(1, right) - logits.gather(1, wrong)).mean())
    found, bare = (
        patch_run(run, corrupted=corrupted, sequences=64, sites=["blocks.0.mlp", SECOND], interventions=wanted)
        for wanted in (True, False)
    )
    assert found.clean == pytest.approx(expected, abs=1e-5)
    assert bare.clean != pytest.approx(expected, abs=1e-5)


def told(capsys, *args):
    assert _main([*args, "--device", "cpu"]) == 0
    return capsys.readouterr().out


def test_the_commands_say_what_the_model_is_under_or_without(run_under, tmp_path, capsys):
    run = run_under(f"{FIRST}.weights:pattern=previous,stop=15")
    common = [str(run.path), "--sequences", "16", "--out", str(tmp_path)]
    text = f"{FIRST}.weights:pattern=previous,stop=15"
    assert f"under {text}" in told(capsys, "heads", *common, "--steps", "10")
    assert text not in told(capsys, "heads", *common, "--steps", "20")
    assert f"without {text}" in told(capsys, "heads", *common, "--steps", "10", "--without-interventions")
    assert f"under {text}" in told(capsys, "patch", *common, "--step", "10")
    assert f"without {text}" in told(capsys, "patch", *common, "--step", "10", "--without-interventions")


@pytest.mark.parametrize("command", ["heads", "patch"])
def test_rows_without_interventions_say_so(command, run_under, tmp_path, capsys):
    args = [command, str(run_under("blocks.0.mlp:mean").path), "--sequences", "16", "--out", str(tmp_path), "--json"]
    assert {row.get("interventions") for row in json.loads(told(capsys, *args))} == {None}
    assert {row["interventions"] for row in json.loads(told(capsys, *args, "--without-interventions"))} == {"without"}
