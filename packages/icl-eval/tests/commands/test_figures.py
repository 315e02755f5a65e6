"""What is said of figures and runs: what each needs, what is there, and what would train the rest."""

import json

import pytest

from icl_eval import FIGURES
from icl_eval._commands import figures
from icl_eval._commands.main import _main
from icl_train import RunError

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}


@pytest.fixture
def bursts(write_run, tmp_path):
    for p_bursty in (0.5, 0.9):
        write_run(f"{p_bursty}", SCORES, data={"p_bursty": p_bursty})
    return tmp_path / "runs"


def listed(path, capsys):
    assert _main(["figures", str(path), "--json"]) == 0
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_the_list_says_what_runs_have_and_miss_for_each_figure(bursts, capsys):
    found = listed(bursts, capsys)
    assert list(found) == list(FIGURES)
    assert found["figure2"]["recorded"] == {"fewshot_holdout": 2, "no_support_zipfian": 2}
    assert found["figure2"]["varied"] == {"data.p_bursty": "0.5, 0.9"}
    assert found["figure2"]["missing"] == {"measures": [], "varies": []}
    assert found["figure3a"]["missing"] == {"measures": [], "varies": ["data.n_rare_classes"]}
    norms = [f"train/{name}" for name in ("weight_l2", "weight_l2_all", "grad_l2")]
    assert found["figure3-adamw"]["missing"]["measures"] == norms


def test_the_list_as_text_names_a_command_for_what_is_missing(bursts, capsys):
    assert _main(["figures", str(bursts)]) == 0
    printed = capsys.readouterr().out
    assert "runs that differ in data.n_rare_classes" in printed
    command = f"icl-train sweep figure3 --scale laptop --root {bursts}"
    assert " ".join(printed.split()).endswith(f"What is missing is trained by {command}")


def test_a_command_that_does_not_fit_beside_what_is_said_has_a_line_of_its_own(bursts, capsys, monkeypatch):
    monkeypatch.setattr(figures, "shown_width", lambda: 60)
    monkeypatch.chdir(bursts.parent)
    assert _main(["figures", "runs"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "What is missing is trained by",
        "  icl-train sweep figure3 --scale laptop --root runs",
    ]


def test_broken_and_unfinished_folders_are_named_and_passed_over(bursts, write_run, capsys):
    write_run("half", {0: (0.5, 0.0)}, done=False)
    (bursts / "0.5" / "config.json").write_text("{")
    assert _main(["figures", str(bursts)]) == 0
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 2
    assert "fewshot_holdout (1 run)" in " ".join(printed.out.split())


def test_without_the_records_a_figure_needs_one_line_names_them_and_what_trains_them(write_run, put_lines, tmp_path):
    run = write_run("one", SCORES)
    lines = (run.path / "metrics.jsonl").read_text().splitlines(keepends=True)
    put_lines(run, "".join(line for line in lines if "fewshot" not in line))
    with pytest.raises(RunError) as refused:
        _main(["figure4", str(tmp_path), "--out", str(tmp_path / "out")])
    assert str(refused.value) == (
        f"figure4 needs at least one finished run with evaluations of fewshot_holdout, found none below {tmp_path} "
        f"(icl-train sweep figure4 --scale laptop --root {tmp_path} trains some)"
    )
    assert not (tmp_path / "out").exists()


def test_a_figure_is_drawn_without_what_no_run_recorded_and_says_so(bursts, tmp_path, capsys):
    assert _main(["figure6", str(bursts), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    missing = "no_support_common/accuracy_query, no_support_rare/accuracy_query"
    assert printed.err.startswith(f"icl-eval figure6: no run has records of {missing}: drawn without")
    assert "figure6 is about runs that differ in data.zipf_exponent; these do not" in printed.out
    assert (tmp_path / "out" / "figure6.png").exists()


OTHER_RECORDS = ("reddy2023", "reddy2023-phases", "singh2024-induction")  # than those of `bursts`


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in ("figure3a", "figure3b", *OTHER_RECORDS)])
def test_every_figure_is_three_pictures_and_its_numbers(bursts, tmp_path, name, capsys):
    assert _main([name, str(bursts), "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{name}{end}" for end in (".png", ".pdf", ".svg", ".csv")
    )


def test_a_figure_with_json_prints_what_is_drawn(bursts, tmp_path, capsys):
    assert _main(["figure2", str(bursts), "--out", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["data.p_bursty"], row["y"]) for row in rows} == {
        (p_bursty, y) for p_bursty in (0.5, 0.9) for y in ("fewshot_holdout", "no_support_zipfian")
    }


def test_text_in_svg_is_text(bursts, tmp_path):
    assert _main(["figure2", str(bursts), "--out", str(tmp_path)]) == 0
    drawing = (tmp_path / "figure2.svg").read_text()
    for text in ("p(bursty)", "ICL two-way accuracy (new classes)", "sequences (16 per step)"):
        assert f">{text}</text>" in drawing


def test_the_same_runs_give_the_same_files(bursts, tmp_path):
    for out in ("a", "b"):
        assert _main(["figure2", str(bursts), "--out", str(tmp_path / out), "--band", "bootstrap"]) == 0
    for end in (".png", ".pdf", ".svg", ".csv"):
        assert (tmp_path / "a" / f"figure2{end}").read_bytes() == (tmp_path / "b" / f"figure2{end}").read_bytes()
