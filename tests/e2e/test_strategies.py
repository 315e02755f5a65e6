"""The page of strategies measures checkpoints of real runs once, and keeps what it has when these are gone."""

import csv
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from recorded import contents

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "results" / "strategies"


def build(*args):
    command = [sys.executable, PAGE / "build.py", *map(str, args), "--scale", "laptop"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rows(page):
    with (page / "checkpoints.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of few classes with two checkpoints."""
    root = tmp_path_factory.mktemp("runs")
    settings = ("--max-steps", "2", "--eval-interval", "2", "--train.checkpoint-interval", "1")
    command = [sys.executable, "-m", "icl_train", "sweep", "figure3", "--scale", "laptop", "--vary", "classes", "100"]
    subprocess.run([*command, *settings, "--run-seeds", "0", "--root", root], check=True, capture_output=True)
    return root


@pytest.fixture(scope="module")
def made(runs, tmp_path_factory):
    """The page, and what was said."""
    page = tmp_path_factory.mktemp("page")
    shutil.copy(PAGE / "README.md", page)
    return page, build(runs, "--out", page)


def test_every_checkpoint_is_a_row_with_the_numbers_of_icl_eval(made, runs, tmp_path):
    page, said = made
    assert (said.returncode, said.stderr) == (0, "no-images-classes100-s0: measuring its checkpoints of step 1, 2\n")
    (run,) = (path.parent for path in runs.rglob("config.json"))
    file = tmp_path / "evaluation.csv"
    command = [sys.executable, "-m", "icl_eval", "evaluate", run, "--all-checkpoints", "--sequences", "2048"]
    asked = ("ciwl_all:base=ciwl,answers=all", "no_support_zipfian", "novel_label")
    subprocess.run([*command, "--splits", *asked, "--out", file], check=True, capture_output=True)
    with file.open(newline="") as text:
        columns = ("step", "ciwl_all", "ciwl_all_low", "iwl", "icl_novel_label_high")
        known = [tuple(row[name] for name in columns) for row in csv.DictReader(text)]
    assert [row[0] for row in known] == ["1", "2"]
    columns = ("step", "ciwl", "ciwl_low", "iwl", "new_classes_high")
    assert [tuple(row[name] for name in columns) for row in rows(page)] == known
    assert {row["condition"] for row in rows(page)} == {"no images, 100 classes"}
    assert re.search(r"\| no images, 100 classes \| 2 \| 1 \| 0\.\d\d \(0\.\d\d to 0\.\d\d\) \|", read(page))
    assert (page / "strategies.png").stat().st_size > 10_000


def read(page):
    return (page / "README.md").read_text(encoding="utf-8")


def test_what_was_measured_is_not_measured_again_and_stays_without_the_runs(made, runs, tmp_path):
    page = shutil.copytree(made[0], tmp_path / "page")
    for again in ((runs,), ()):
        said = build(*again, "--out", page)
        assert (said.returncode, said.stderr) == (0, "")
        assert contents(page) == contents(made[0])


def test_a_checkpoint_that_is_new_is_measured_alone(made, runs, tmp_path):
    page = shutil.copytree(made[0], tmp_path / "page")
    first, second = rows(page)
    first |= {"ciwl": "0.123", "ciwl_low": "0.1", "ciwl_high": "0.2"}  # as of another machine
    with (page / "checkpoints.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, first, lineterminator="\n")
        table.writeheader()
        table.writerow(first)
    said = build(runs, "--out", page)
    assert (said.returncode, said.stderr) == (0, "no-images-classes100-s0: measuring its checkpoints of step 2\n")
    assert rows(page) == [first, second]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (",ciwl,", ",ciwi,", "in line 2 there must be the columns condition, run, .* no more and no fewer cells"),
        ("condition", "\ufeffcondition", "in line 2 there must be the columns"),
        (",2048,", ",2048\n", "in line 2 there must be the columns"),
        (",1,2048,", ",1.5,2048,", "in line 2 step must be a whole number, got '1.5'"),
        ("-s0,", "-s7,", "in line 2 run must be 'no-images-classes100-s0', got 'no-images-classes100-s7'"),
        (",2,2048,", ",1,2048,", "once: line 3 is of one that stands above"),
        (",2048,0.", ",2048,2.", "in line 2 ciwl must be between its bounds, and all from 0 to 1, got 0.* <= 2."),
        (",2048,0.", ",2048,nan0.", "in line 2 ciwl and its bounds must be numbers, got '0.*', 'nan0."),
        (",2048,0.", ",2048,\0", "no CSV|in line 2 ciwl and its bounds must be numbers"),
    ],
)
def test_a_damaged_page_is_one_line(before, after, told, made, tmp_path):
    page = shutil.copytree(made[0], tmp_path / "page")
    text = (page / "checkpoints.csv").read_text()
    assert before in text
    (page / "checkpoints.csv").write_text(text.replace(before, after), encoding="utf-8")
    damaged = contents(page)
    said = build("--out", page)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert re.search(f"checkpoints.csv must .*({told})", said.stderr)
    assert contents(page) == damaged


def test_what_was_measured_before_a_damaged_run_is_kept(runs, tmp_path):
    root = shutil.copytree(runs, tmp_path / "runs")
    (first,) = (path.parent for path in root.rglob("config.json"))
    command = [sys.executable, "-m", "icl_train", "sweep", "figure3", "--scale", "laptop", "--vary", "classes", "100"]
    short = ("--max-steps", "2", "--eval-interval", "2", "--run-seeds", "1")
    subprocess.run([*command, *short, "--root", root], check=True, capture_output=True)
    (other,) = (path.parent for path in root.rglob("config.json") if path.parent != first)
    for weights in other.rglob("*.safetensors"):
        weights.write_bytes(weights.read_bytes()[:100])
    said = build(root, "--out", tmp_path / "page")
    assert said.returncode == 2
    assert "could not be measured" in said.stderr.splitlines()[-1]
    assert "Traceback" not in said.stderr
    assert [row["run"] for row in rows(tmp_path / "page")] == ["no-images-classes100-s0"] * 2


def test_every_panel_shows_every_checkpoint(made):
    described = importlib.util.spec_from_file_location("build_strategies", PAGE / "build.py")
    page = importlib.util.module_from_spec(described)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(PAGE), *sys.path])
        described.loader.exec_module(page)
    short = rows(made[0])
    long = [row | {"condition": "another", "run": "other", "step": f"{1000 * int(row['step'])}"} for row in short]
    more = [row | {"condition": f"{number} more", "run": "more"} for row in short for number in range(2)]
    for given in (short + long + more, long + short + more):
        axes = [axis for axis in page.figure_of(given).axes if axis.get_visible()]
        assert len(axes) == 8
        for axis in axes:
            low, high = axis.get_xlim()
            assert low <= 0
            assert high >= 2000
            assert len(axis.lines) >= 3


def test_without_checkpoints_it_is_one_line(tmp_path):
    said = build(tmp_path, "--out", tmp_path / "page")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "page").exists()
