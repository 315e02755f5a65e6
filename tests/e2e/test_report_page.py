"""docs/report.html is what its own CSV files give, and runs of other folders come to it."""

import csv
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import evaluation, training_record, written

from icl_models import find_experiment
from icl_train import RunFolder, experiment_runs, smoke

ROOT = Path(__file__).parents[2]
FILES = ("report.html", "report_runs.csv", "report_curves.csv")
PICTURE = re.compile(rb"data:image/png;base64,[A-Za-z0-9+/=]*")  # another zlib packs the same pixels otherwise


def make(out, *runs):
    command = [sys.executable, ROOT / "tools" / "make_report.py", *runs, "--out", out]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def one(tmp_path):
    """A folder with the curves of one run of the report, and that run as the experiment has it."""
    run = experiment_runs(find_experiment("figure2"), "laptop")[0]
    out = tmp_path / "page"
    out.mkdir()
    kept = [row for row in rows(ROOT / "docs" / "report_curves.csv") if row["run"] == run.folder]
    with (out / "report_curves.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, kept[0], lineterminator="\n")
        table.writeheader()
        table.writerows(kept)
    return out, run


def test_the_page_is_what_its_csv_files_give(tmp_path):
    shutil.copy(ROOT / "docs" / "report_curves.csv", tmp_path)
    done = make(tmp_path)
    assert done.returncode == 0, done.stderr
    for name in FILES:
        found, kept = (PICTURE.sub(b"", (folder / name).read_bytes()) for folder in (tmp_path, ROOT / "docs"))
        assert found == kept, f"docs/{name} is not what it would be now: python tools/make_report.py"


def test_the_page_is_called_by_its_papers_and_names_its_experiments(one):
    out, _ = one
    assert make(out).returncode == 0
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "<title>Gallery runs at laptop scale: Chan et al. 2022</title>" in text
    assert "Experiments: figure2 (figure 2: burstiness; 1 of 12 runs), " in text


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_finished_run_of_a_folder_takes_the_place_of_the_one_that_the_report_has(one, is_finished, tmp_path):
    out, run = one
    step = run.config.train.max_steps
    folder = RunFolder.create(tmp_path / "runs" / run.folder, run.config, device="cpu", threads=1)
    told = evaluation(run.config, "fewshot_holdout", step, 0.123)
    folder.append([training_record(run.config, step), told])
    if is_finished:
        folder.mark_done()
    done = make(out, tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    assert ("it is not finished" in done.stderr) != is_finished
    values = {row["value"] for row in rows(out / "report_curves.csv") if row["split"] == "fewshot_holdout"}
    assert ("0.123" in values) == is_finished
    assert len({row["run"] for row in rows(out / "report_runs.csv")}) == 1


def test_a_run_that_a_report_leaves_out_is_not_lost(one):
    out, run = one
    curves = out / "report_curves.csv"
    kept = rows(ROOT / "docs" / "report_curves.csv")
    other = next(row["run"] for row in kept if row["run"] != run.folder)
    lines = [",".join(row.values()) for row in kept if row["run"] == other]
    damaged = "\n".join(lines).replace(",2000,128000,", ",-5,128000,")
    curves.write_text(curves.read_text() + damaged + "\n")
    before = curves.read_bytes()
    done = make(out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert other in done.stderr
    assert curves.read_bytes() == before
    assert [file.name for file in out.iterdir()] == ["report_curves.csv"]


def test_a_run_of_other_settings_is_named_and_left_out(one, tmp_path):
    out, run = one
    written(tmp_path / "runs" / run.folder, smoke())
    written(tmp_path / "runs" / "my-run", replace(smoke(), seeds=replace(smoke().seeds, init=1)))
    done = make(out, tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    skipped = [line for line in done.stderr.splitlines() if line.startswith("skipped ")]
    assert [line.endswith(": it is no run of an experiment at laptop scale") for line in skipped] == [True, True]
    assert [row["run"] for row in rows(out / "report_runs.csv")] == [run.folder]


@pytest.mark.parametrize("line", ["x,y", "", "run,done,many,0,flipped,accuracy_closed,0.5,,,,1,false"])
def test_a_damaged_file_is_one_line_and_nothing_is_written(line, one):
    out, _ = one
    curves = out / "report_curves.csv"
    lines = curves.read_text().splitlines()
    lines[0 if not line else 3] = line or "a,b"
    curves.write_text("\n".join(lines))
    done = make(out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "report_curves.csv must be what a report has written" in done.stderr
    assert [file.name for file in out.iterdir()] == ["report_curves.csv"]


LEFT_OUT = "left out my-run: it is no run of an experiment at laptop scale any more\n"


def test_a_run_that_no_experiment_has_any_more_is_left_out_and_named(one):
    out, run = one
    curves = out / "report_curves.csv"
    head, *lines = curves.read_text().splitlines()
    curves.write_text("\n".join([head, *lines, *(line.replace(run.folder, "my-run") for line in lines)]) + "\n")
    done = make(out)
    assert (done.returncode, done.stderr) == (0, LEFT_OUT)
    for name in ("report_curves.csv", "report_runs.csv"):
        assert {row["run"] for row in rows(out / name)} == {run.folder}


def test_without_a_run_of_an_experiment_nothing_is_written(one):
    out, run = one
    curves = out / "report_curves.csv"
    curves.write_text(curves.read_text().replace(run.folder, "my-run"))
    done = make(out)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{LEFT_OUT}make_report.py: a report needs finished runs ")
    assert [file.name for file in out.iterdir()] == ["report_curves.csv"]


def test_a_file_that_cannot_be_written_is_one_line(one):
    out, _ = one
    (out / "report.html").mkdir()
    done = make(out)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert str(out / "report.html") in done.stderr
