"""Finding runs: what is taken, what is passed over and why, and which runs belong together."""

from dataclasses import replace

import pytest

from icl_eval import collect, group_runs, load_runs
from icl_train import RunError

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}


def reason(skipped, run):
    (found,) = [line for line in skipped if line.startswith(f"skipped {run.path}: ")]
    assert "\n" not in found
    return found.removeprefix(f"skipped {run.path}: ")


def test_finished_runs_are_taken_with_their_evaluations_by_step(trained):
    series, skipped = collect(trained)
    assert skipped == []
    assert [(one.class_count, one.seed) for one in series] == [(30, 0), (64, 0), (64, 1)]
    for one in series:
        assert [evaluation.step for evaluation in one.evaluations] == [0, 10, 20]
        assert [evaluation.sequences for evaluation in one.evaluations] == [0, 160, 320]
        lines = {(r["split"], r["step"]): r for r in one.run.records()}
        for evaluation in one.evaluations:
            assert set(evaluation.splits) == {"fewshot_holdout", "flipped", "novel_label", "no_support_zipfian"}
            for split, record in evaluation.splits.items():
                assert record == lines[f"eval_{split}", evaluation.step]


def test_runs_are_found_at_any_depth_and_a_run_folder_itself_is_one(write_run, tmp_path):
    deep = write_run("a/b/deep", SCORES)
    assert [one.run.path for one in collect(tmp_path)[0]] == [deep.path]
    assert [one.run.path for one in collect(deep.path)[0]] == [deep.path]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RunError, match="it does not exist"):
        collect(tmp_path / "nowhere")


def test_an_unfinished_run_is_named_and_taken_only_when_asked_for(write_run, tmp_path):
    run = write_run("half", {0: (0.5, 0.0)}, done=False)
    series, skipped = collect(tmp_path)
    assert series == []
    assert "unfinished" in reason(skipped, run)
    assert "--unfinished" in reason(skipped, run)
    series, skipped = collect(tmp_path, unfinished=True)
    assert [one.run.path for one in series] == [run.path]
    assert skipped == []


def test_a_failed_run_is_named_as_failed(write_run, tmp_path):
    run = write_run("broken", SCORES, done=False)
    run.mark_failed("no memory")
    assert "failed" in reason(collect(tmp_path)[1], run)


def test_a_run_without_evaluations_is_named(write_run, tmp_path):
    run = write_run("empty", {})
    assert "no evaluation yet" in reason(collect(tmp_path, unfinished=True)[1], run)


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '{"format": 99}', '"text"', "null"])
def test_a_foreign_config_json_is_named_and_passed_over(write_run, tmp_path, content):
    good = write_run("good", SCORES)
    foreign = tmp_path / "runs" / "foreign"
    foreign.mkdir()
    (foreign / "config.json").write_text(content)
    series, skipped = collect(tmp_path)
    assert [one.run.path for one in series] == [good.path]
    (line,) = skipped
    assert line.startswith(f"skipped {foreign}: cannot read ")
    assert "\n" not in line


@pytest.mark.parametrize("part", ["data", "optim", "seeds"])
def test_a_configuration_of_the_wrong_shape_is_named_and_passed_over(write_run, tmp_path, part, config_of, put_config):
    run = write_run("odd", SCORES)
    stored = config_of(run)
    stored["config"][part] = 5
    put_config(run, stored)
    series, skipped = collect(tmp_path)
    assert series == []
    assert "cannot read" in reason(skipped, run)


GARBAGE = {
    "not JSON before the end": "nonsense\n{}\n",
    "a number": "1\n",
    "a list": "[]\n",
    "null": "null\n",
    "a line without a split": '{"step": 1}\n',
    "an evaluation without a step": '{"split": "eval_fewshot_holdout", "sequences": 0}\n',
    "an evaluation without its sequences": '{"split": "eval_fewshot_holdout", "step": 0}\n',
    "steps that cannot be ordered": (
        '{"split": "eval_flipped", "step": 1, "sequences": 0}\n{"split": "eval_flipped", "step": "x", "sequences": 0}\n'
    ),
    "a step that is a list": '{"split": "eval_flipped", "step": [1], "sequences": 0}\n',
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_metrics_that_are_garbage_are_named_and_passed_over(write_run, put_lines, tmp_path, garbage):
    good, bad = write_run("good", SCORES), write_run("bad", SCORES)
    put_lines(bad, GARBAGE[garbage])
    series, skipped = collect(tmp_path)
    assert [one.run.path for one in series] == [good.path]
    assert f"cannot read {bad.path / 'metrics.jsonl'}" in reason(skipped, bad) or "its metrics" in reason(skipped, bad)


WHOLE = (
    b'{"split": "eval_fewshot_holdout", "step": 0, "sequences": 0, "headline": "accuracy_closed", "chance": 0.5, '
    b'"n_sequences": 9, "protocol": "paper", "accuracy_closed": 0.5, "accuracy_closed_low": 0.25, '
    b'"accuracy_closed_high": 0.75}\n'
)
UNREADABLE = {
    "a split that is no text": b'{"split": 1, "step": 1}\n',
    "not UTF-8": b"\xff\xfe\x00\n",
    "an evaluation without its accuracy": b'{"split": "eval_fewshot_holdout", "step": 0, "sequences": 0}\n',
    "nested beyond reading": b'{"split": ' + b"[" * 100_000 + b"\n{}\n",
    "an evaluation by another metric than the figures draw": (WHOLE.replace(b"accuracy_closed", b"accuracy_query")),
    "an accuracy above 1": WHOLE.replace(b'"accuracy_closed": 0.5,', b'"accuracy_closed": 1.5,'),
    "an accuracy that is text": WHOLE.replace(b'"accuracy_closed": 0.5,', b'"accuracy_closed": "0.5",'),
    "endlessly many sequences": WHOLE.replace(b'"n_sequences": 9', b'"n_sequences": Infinity'),
    "a step before the first": WHOLE.replace(b'"step": 0', b'"step": -1'),
    "an evaluation without an interval": (
        b'{"split": "eval_fewshot_holdout", "step": 0, "sequences": 0, "headline": "accuracy_closed", "chance": 0.5, '
        b'"n_sequences": 9, "protocol": "paper", "accuracy_closed": 0.5}\n'
    ),
}


@pytest.mark.parametrize("garbage", UNREADABLE)
def test_metrics_that_no_figure_could_use_are_named_and_passed_over(write_run, put_lines, tmp_path, garbage):
    good, bad = write_run("good", SCORES), write_run("bad", SCORES)
    put_lines(bad, UNREADABLE[garbage])
    series, skipped = collect(tmp_path)
    assert [one.run.path for one in series] == [good.path]
    assert "metrics.jsonl" in reason(skipped, bad)


@pytest.mark.filterwarnings("ignore::icl_eval.RunsSkipped")
@pytest.mark.parametrize("garbage", [*(text.encode() for text in GARBAGE.values()), *UNREADABLE.values()])
def test_a_table_of_runs_is_of_those_that_are_collected_and_says_the_same_of_others(
    write_run, put_lines, tmp_path, garbage
):
    write_run("good", SCORES)
    write_run("copies/good", SCORES)
    write_run("half", {0: (0.5, 0.0)}, seed=1, done=False)
    put_lines(write_run("bad", SCORES, seed=2), garbage)
    series, skipped = collect(tmp_path)
    table = load_runs(tmp_path)
    assert set(table["run"]) == {one.run.name for one in series}
    assert table.attrs["skipped"] == skipped


def test_a_line_of_training_without_its_step_is_named_and_its_run_passed_over(write_run, put_lines, tmp_path):
    run = write_run("one", SCORES)
    lines = (run.path / "metrics.jsonl").read_text()
    put_lines(run, lines + '{"split": "train", "sequences": 16, "loss": 0.5}\n')
    assert "metrics.jsonl: line 5 must have a whole number" in reason(collect(tmp_path)[1], run)


def test_a_line_with_all_that_figures_need_is_an_evaluation(write_run, put_lines, tmp_path):
    put_lines(write_run("one", {}), WHOLE)
    (series,), _ = collect(tmp_path, unfinished=True)
    assert [evaluation.step for evaluation in series.evaluations] == [0]


def test_runs_that_differ_in_class_count_and_seeds_are_one_group(trained):
    (group,) = group_runs(collect(trained)[0])
    assert group.class_counts() == [30, 64]
    assert [(one.class_count, one.seed) for one in group.series] == [(30, 0), (64, 0), (64, 1)]
    assert [one.seed for one in group.with_count(64)] == [0, 1]
    assert group.with_count(7) == []
    assert group.title.splitlines()[0] == "Gaussian classes, 1-layer transformer, p(bursty) 0.9, 8 shared labels"


@pytest.mark.parametrize(
    "changes",
    [
        {"train": {"log_interval": 5}},
        {"train": {"checkpoint_interval": 5}},
        {"train": {"threads": 2}},
        {"train": {"device": "cpu"}},
    ],
)
def test_settings_that_change_no_number_do_not_set_runs_apart(write_run, tmp_path, changes):
    write_run("one", SCORES, seed=0)
    write_run("two", SCORES, seed=1, **changes)
    assert len(group_runs(collect(tmp_path)[0])) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"p_bursty": 0.5}},
        {"data": {"noise_scale": 0.5}},
        {"data": {"n_labels": None}},
        {"data": {"zipf_exponent": 1.0}},
        {"model": {"num_layers": 3}},
        {"model": {"emb_dim": 32}},
        {"model": {"sequence_model": "lstm", "sequence_model_config": None, "num_heads": None}},
        {"optim": {"max_lr": 0.5}},
        {"train": {"batch_size": 8}},
        {"eval": {"protocol": "released"}},
        {"eval": {"batches": 3}},
    ],
    ids=str,
)
def test_settings_that_change_numbers_make_groups_whose_titles_tell_them_apart(write_run, tmp_path, changes):
    write_run("one", SCORES)
    write_run("two", SCORES, **changes)
    groups = group_runs(collect(tmp_path)[0])
    assert [len(group.series) for group in groups] == [1, 1]
    assert groups[0].title != groups[1].title


def test_groups_that_differ_in_many_settings_have_different_titles(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("two", SCORES, optim={"max_lr": 0.5, "warmup_steps": 3}, model={"emb_dim": 32, "dropout_prob": 0.1})
    groups = group_runs(collect(tmp_path)[0])
    assert groups[0].title != groups[1].title


def test_the_same_run_from_another_preset_is_in_the_same_group(write_run, tmp_path):
    one = write_run("one", SCORES)
    write_run("two", SCORES, seed=1, base=replace(one.config, preset="mine"))
    assert len(group_runs(collect(tmp_path)[0])) == 1


def test_of_copies_the_one_that_got_furthest_is_taken(write_run, tmp_path):
    cut = write_run("a", {0: (0.5, 0.0), 10: (0.5, 0.0)})
    whole = write_run("b", SCORES)
    (series,), skipped = collect(tmp_path, unfinished=True)
    assert series.run.path == whole.path
    assert "a copy of" in reason(skipped, cut)


def test_a_finished_run_whose_evaluations_end_early_is_named_and_passed_over(write_run, tmp_path):
    cut = write_run("cut", {0: (0.5, 0.0), 10: (0.5, 0.0)})
    series, skipped = collect(tmp_path)
    assert series == []
    assert "its evaluations end at step 10 of 20" in reason(skipped, cut)


def test_a_copy_of_a_run_is_no_other_seed(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("copies/one", SCORES)
    (group,) = group_runs(collect(tmp_path)[0])
    assert len(group.with_count(64)) == 1


def test_a_run_whose_plugin_is_missing_is_drawn_from_its_records_and_named(write_run, tmp_path, of_a_missing_plugin):
    write_run("here", SCORES)
    run = of_a_missing_plugin(write_run("gone", SCORES))
    series, lines = collect(tmp_path)
    assert {one.run.name for one in series} == {"here", "gone"}
    needs = "embedder 'gone' needs icl-gone 0.3, which is not installed: pip install icl-gone==0.3"
    assert lines == [f"{run.path}: drawn from its records; {needs}"]
    assert len({group.title for group in group_runs(series)}) == 2


def test_a_tracker_does_not_set_runs_apart(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("two", SCORES, seed=1, train={"tracker": "tensorboard"})
    assert len(group_runs(collect(tmp_path)[0])) == 1
