"""Claims held against runs: which runs are meant, what is measured, and what follows."""

import json
from dataclasses import replace

import pytest

from icl_eval._claims.checking import verdicts
from icl_eval._claims.matching import performed
from icl_eval._commands.main import _main
from icl_eval._runs import collect
from icl_train import RunError, RunFolder

GOOD, CHANCE = [0.5, 0.9], [0.5, 0.5]
ALL_WELL = {("0", "1"): CHANCE, ("0", "2"): CHANCE, ("1", "1"): GOOD, ("1", "2"): GOOD}


ASSERTED = ("Bursts bring ICL.", "More than none.", "It stays.")


def judged(root, scale="small"):
    """Claim → what was found."""
    series, _ = collect(root)
    (done,) = [one for one in performed(series, ["mine"]) if one.scale == scale]
    return {verdict.claim.says: verdict for verdict in verdicts(done)}


def test_claims_hold_where_their_bounds_are_kept(write):
    found = judged(write("small", ALL_WELL))
    assert [found[says].judgement for says in ASSERTED] == ["holds"] * 3
    assert found["Bursts bring ICL."].measured == pytest.approx(0.9)
    assert found["More than none."].measured == pytest.approx(0.4)
    assert found["It stays."].measured == pytest.approx(0.0)


def test_a_claim_whose_bound_is_not_kept_does_not_hold(write):
    found = judged(write("small", ALL_WELL | {("1", "1"): [0.9, 0.6], ("1", "2"): [0.9, 0.6]}))
    assert [found[says].judgement for says in ASSERTED] == ["does not hold"] * 3


def test_an_axis_that_is_not_named_is_averaged_over(write):
    found = judged(write("small", ALL_WELL | {("1", "1"): [0.5, 0.7]}))
    assert found["Bursts bring ICL."].measured == pytest.approx(0.8)


def test_the_mean_is_over_seeds_with_an_interval_that_says_how_many(write):
    curves = {place: (lambda run: [0.5, 0.8 + 0.1 * run.seed]) for place in ALL_WELL}
    one = judged(write("small", curves))["Bursts bring ICL."]
    assert (one.n, one.measured) == (2, pytest.approx(0.85))
    assert (one.low, one.high) == (pytest.approx(0.85 - 12.7062047 * 0.05), pytest.approx(0.85 + 12.7062047 * 0.05))


def test_a_difference_is_taken_seed_by_seed(write):
    def curve(last):
        return lambda run: [0.5, last + 0.05 * run.seed]

    one = judged(write("small", {place: curve(values[-1]) for place, values in ALL_WELL.items()}))["More than none."]
    assert (one.measured, one.low, one.high) == (pytest.approx(0.4),) * 3


def test_a_quotient_is_taken_seed_by_seed(write):
    def curve(last):
        return lambda run: [0.5, last * (1 + 0.1 * run.seed)]

    root = write("small", {place: curve(values[-1]) for place, values in ALL_WELL.items()})
    series, _ = collect(root)
    (done,) = performed(series, ["mine"])
    claim = next(one for one in done.spec.claims if one.than is not None)
    done = replace(done, spec=replace(done.spec, claims=(replace(claim, quotient=True),)))
    (one,) = verdicts(done)
    assert (one.measured, one.low, one.high) == (pytest.approx(0.9 / 0.5),) * 3


def test_a_quotient_of_what_is_never_cannot_be_said(write):
    root = write("small", dict.fromkeys(ALL_WELL, CHANCE))
    series, _ = collect(root)
    (done,) = performed(series, ["mine"])
    claim = next(one for one in done.spec.claims if one.than is not None)
    done = replace(done, spec=replace(done.spec, claims=(replace(claim, quotient=True, at="reached", level=0.99),)))
    (one,) = verdicts(done)
    assert (one.judgement, one.reason) == ("cannot say", "neither has a value to be compared")


def test_further_seeds_count(write):
    assert judged(write("small", ALL_WELL, seeds=(0, 1, 5)))["Bursts bring ICL."].n == 3


def test_a_seed_of_which_runs_are_missing_does_not_count(write):
    write("small", ALL_WELL, seeds=(0,))
    root = write("small", {("1", "1"): GOOD}, seeds=(1,))
    assert judged(root)["Bursts bring ICL."].n == 1


def test_without_the_runs_it_cannot_be_said(write):
    found = judged(write("small", {("1", "1"): GOOD}))
    assert [(found[says].judgement, found[says].measured) for says in ASSERTED] == [("cannot say", None)] * 3
    assert found["It stays."].reason == "runs are missing"


def test_runs_without_the_measure_leave_a_claim_unsaid(write, put_lines, tmp_path):
    root = write("small", ALL_WELL)
    for file in root.glob("*/metrics.jsonl"):
        put_lines(RunFolder.open(file.parent), file.read_text().replace("eval_fewshot_holdout", "eval_fewshot_rare"))
    one = judged(root)["It stays."]
    assert (one.judgement, one.reason) == ("cannot say", "its runs have no fewshot_holdout")


def test_a_claim_that_is_not_asserted_at_a_scale_is_measured_and_says_what_was_tried(write):
    one = judged(write("drawn", ALL_WELL), "drawn")["Bursts bring ICL."]
    assert (one.judgement, one.reason, one.measured) == ("not asserted", "four dimensions are too few", 0.9)


def test_of_draws_the_best_may_be_meant(write):
    def curve(run):
        return [0.5, 0.9 if run.where["optim.max_lr"] == "0.25" else 0.6]

    one = judged(write("drawn", dict.fromkeys(ALL_WELL, curve)), "drawn")["The best is good."]
    assert (one.judgement, one.measured) == ("holds", 0.9)


def test_runs_of_other_settings_are_not_the_experiments(write):
    other = write("small", ALL_WELL, change=lambda config: replace(config, train=replace(config.train, max_steps=60)))
    series, _ = collect(other)
    assert len(series) == 8
    assert performed(series, ["mine"]) == []


def test_where_a_run_is_computed_makes_no_other_run_of_it(write):
    root = write("small", ALL_WELL, change=lambda config: replace(config, train=replace(config.train, device="cuda")))
    assert judged(root)["Bursts bring ICL."].n == 2


def run(capsys, *args):
    code = _main(["claims", *map(str, args)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_ends_well_when_all_hold_and_says_so(write, capsys):
    code, out, err = run(capsys, write("small", ALL_WELL))
    text = " ".join(out.split())
    assert code == 0
    assert "mine at scale small: 8 runs" in text
    assert "0.9" in text
    assert "> 0.7" in text
    assert text.count("holds") == 3
    assert "missing" not in err


def test_the_command_fails_when_one_does_not_hold(write, capsys):
    code, out, _ = run(capsys, write("small", ALL_WELL | {("1", "2"): CHANCE}), "--experiment", "mine")
    assert code == 1
    assert "does not hold" in " ".join(out.split())


def test_missing_runs_are_named_with_the_command_that_trains_them_and_fail_nothing(write, capsys):
    code, _, err = run(capsys, write("small", {place: GOOD for place in ALL_WELL if place != ("0", "2")}))
    assert code == 0
    assert "missing of mine at scale small: data.p_bursty 0, model.num_layers 2, seed 0; data.p_bursty 0, " in err
    assert "(icl-train sweep mine --scale small trains them)" in err


def test_json_has_a_row_for_each_claim(write, capsys):
    code, out, _ = run(capsys, write("small", ALL_WELL), "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["claim"] for row in rows] == [*ASSERTED, "The best is good."]
    assert [row["judgement"] for row in rows] == ["holds"] * 3 + ["not asserted"]
    assert rows[0] == {
        "experiment": "mine",
        "scale": "small",
        "claim": "Bursts bring ICL.",
        "measure": "fewshot_holdout",
        "metric": None,
        "heads": None,
        "at": "last",
        "level": None,
        "where": {"data.p_bursty": "1"},
        "than": None,
        "quotient": False,
        "measured": pytest.approx(0.9),
        "low": pytest.approx(0.9),
        "high": pytest.approx(0.9),
        "n_seeds": 2,
        "above": 0.7,
        "below": None,
        "judgement": "holds",
        "reason": "",
    }


def test_folders_that_are_broken_are_named_and_passed_over(write, capsys):
    root = write("small", ALL_WELL)
    (root / "broken").mkdir()
    (root / "broken" / "config.json").write_text("{")
    code, _, err = run(capsys, root)
    assert code == 0
    assert f"skipped {root / 'broken'}" in err


def test_an_experiment_that_cannot_be_is_named_and_passed_over_unless_it_was_asked_for(write, capsys):
    root = write("small", ALL_WELL)
    code, _, err = run(capsys, root)
    assert code == 0
    assert "skipped experiment typo at scale small: setting data.p_bursti does not exist" in err
    with pytest.raises(ValueError, match=r"setting data.p_bursti does not exist; did you mean data.p_bursty\?"):
        _main(["claims", str(root), "--experiment", "typo"])


def test_an_experiment_named_twice_is_checked_once(write, capsys):
    _, out, _ = run(capsys, write("small", ALL_WELL), "--experiment", "mine", "mine")
    assert out.count("mine at scale small") == 1


def test_where_no_run_is_an_experiments_it_says_so(write, tmp_path):
    write("small", {})
    (tmp_path / "runs").mkdir()
    with pytest.raises(RunError, match=r"claims need a finished run of mine, with the settings .*; found none below"):
        _main(["claims", str(tmp_path / "runs"), "--experiment", "mine"])


def test_an_experiment_that_does_not_exist_is_refused(spec, tmp_path):
    with pytest.raises(ValueError, match=r"experiment must be one of .*, got 'mien' \(did you mean 'mine'\?\)"):
        _main(["claims", str(tmp_path), "--experiment", "mien"])
