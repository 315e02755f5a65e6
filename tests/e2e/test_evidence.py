"""The pages of figure 3a and of batch statistics are made of run folders, whatever state these are in."""

import csv
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import config_of, contents, files_of, training_record, written

from icl_train import RunFolder, smoke

ROOT = Path(__file__).parents[2]
WRITTEN = "page must be what a build has written: "
HOST = "a-host-that-must-not-be-told"


def build(page, *args):
    return subprocess.run(
        [sys.executable, ROOT / "results" / page / "build.py", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def built(page, root, out):
    out.mkdir()
    shutil.copy(ROOT / "results" / page / "README.md", out)
    return build(page, root, "--out", out)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Figure 3a of a finished run, two that are not, a damaged and a foreign one: folder, page, what was said."""
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform, "node", lambda: HOST)
        written(root / "few", config_of(classes=100), icl=0.5, iwl=0.95)
        written(root / "many", config_of(), until=30_000, icl=0.6)
        written(root / "many-1", config_of(seed=1), until=20_000, icl=0.8)
        written(root / "torn", config_of(classes=200))
        shutil.copytree(root / "many", root / "copy")
        RunFolder.create(root / "foreign", smoke(), device="cpu", threads=1)
        written(root / "foreign" / "longer", smoke())
        written(root / "other-group", config_of(statistics=8))
    metrics = root / "torn" / "metrics.jsonl"
    metrics.write_bytes(metrics.read_bytes().replace(b"0.7", b"0.8", 1))
    out = root.parent / "page"
    return root, out, built("figure3a", root, out)


def test_runs_are_taken_as_far_as_they_are(made):
    _, out, said = made
    assert said.returncode == 0, said.stderr
    states = {row["run"]: (row["state"], row["updates"], row["of_updates"]) for row in rows(out / "runs.csv")}
    assert states == {
        "28x28-classes100-statistics2-s0": ("done", "50000", "50000"),
        "28x28-classes1600-statistics2-s0": ("unfinished", "30000", "50000"),
        "28x28-classes1600-statistics2-s1": ("unfinished", "20000", "50000"),
    }
    assert "| 30,000 of 50,000, unfinished |" in (out / "README.md").read_text()


def test_damaged_and_foreign_folders_are_named(made):
    root, _, said = made
    assert re.search(r"torn.*crc32|torn.*damaged|torn.*metrics", said.stderr)
    assert f"skipped {root / 'foreign' / 'longer'}: it is no run of figure3" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_copy_of_a_run_is_named_and_no_other_seed(made):
    _, _, said = made
    assert re.search("copy.*same settings and seeds", said.stderr)


def test_a_mean_is_over_the_runs_that_have_the_step_with_least_and_greatest(made):
    _, out, _ = made
    page = (out / "README.md").read_text()
    assert "| 28x28 | 2 | 1,600 | 20,000 | 2 | 0.700 (0.600 to 0.800) |" in page
    assert "| 28x28 | 2 | 1,600 | 30,000 | 1 | 0.600 (0.578 to 0.621) |" in page  # Wilson


def test_each_class_count_is_told_at_the_last_update_that_its_own_runs_have(made):
    _, out, _ = made
    page = (out / "README.md").read_text()
    told = "At the last update that all runs of a kind have, ICL is 0.500 (0.478 to 0.522) with 100 classes "
    assert told + "(1 run, update 50,000); 0.700 (0.600 to 0.800) with 1,600 classes (2 runs, update 20,000)." in page


def test_runs_on_larger_images_are_told_by_themselves(tmp_path):
    written(tmp_path / "runs" / "small", config_of(), icl=0.6)
    large = config_of(scale="paper")
    large = replace(large, train=replace(large.train, max_steps=50_000))
    written(tmp_path / "runs" / "large", large, until=10_000, icl=0.7)
    out = tmp_path / "page"
    assert built("figure3a", tmp_path / "runs", out).returncode == 0
    page = (out / "README.md").read_text()
    assert "0.700 (0.680 to 0.720) with 1,600 classes on 105x105 (1 run, update 10,000)" in page
    assert "0.600 (0.578 to 0.621) with 1,600 classes on 28x28 (1 run, update 50,000)" in page
    assert "| 105x105 | 2 | 1,600 | 10,000 | 1 | 0.700 (0.680 to 0.720) |" in page


def test_the_papers_value_stands_beside_ours_where_it_was_published(made):
    _, out, _ = made
    last = [
        line for line in (out / "README.md").read_text().split("\n") if line.startswith("| 28x28 | 2 | 100 | 50,000")
    ]
    assert last[0].split(" | ")[6] == "0.50 (ours +0.00)"
    assert {row["value"] for row in rows(out / "paper.csv") if row["step"] == "50000"} == {"0.5", "0.75", "0.01"}


def test_both_accuracies_of_every_evaluation_are_kept_with_their_intervals(made):
    _, out, _ = made
    series = [row for row in rows(out / "timeseries.csv") if row["run"] == "28x28-classes1600-statistics2-s0"]
    assert [row["step"] for row in series] == ["0", "10000", "20000", "30000"]
    row = series[-1]
    assert (row["icl"], row["icl_all_classes"], row["training_accuracy"]) == ("0.6", "0.3", "0.25")
    assert float(row["icl_low"]) < 0.6 < float(row["icl_high"])


def test_the_time_of_updates_is_read_from_the_records(made):
    _, out, _ = made
    assert {row["seconds_per_update"] for row in rows(out / "runs.csv")} == {"0.01"}
    assert {row["seconds_in_all"] for row in rows(out / "runs.csv")} == {""}  # never started: nobody knows


def test_the_figure_is_what_the_command_draws(made, tmp_path):
    root, out, _ = made
    folders = [root / name for name in ("few", "copy", "many-1")]
    command = [sys.executable, "-m", "icl_eval", "figure3a", *folders, "--unfinished", "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    assert (out / "figure3a.png").read_bytes() == (tmp_path / "figure3a.png").read_bytes()


def test_the_same_runs_give_the_same_bytes(made):
    root, out, _ = made
    before = contents(out)
    assert build("figure3a", root, "--out", out).returncode == 0
    assert contents(out) == before


def test_no_file_names_the_machine_or_a_place_on_it(made):
    root, out, _ = made
    for path in files_of(out):
        content = path.read_bytes()
        for told in (HOST, str(root), str(ROOT), str(Path.home()), sys.executable):
            assert told.encode() not in content, path


def test_a_page_is_made_anew_of_its_own_files(made, tmp_path):
    _, out, _ = made
    again = shutil.copytree(out, tmp_path / "page")
    for picture in again.glob("*.png"):
        picture.unlink()
    said = build("figure3a", "--out", again)
    assert (said.returncode, said.stderr) == (0, "")
    assert contents(again) == contents(out)


def test_what_a_page_has_stays_unless_a_run_has_come_further(made, tmp_path):
    _, out, _ = made
    page = shutil.copytree(out, tmp_path / "page")
    written(tmp_path / "runs" / "further", config_of(seed=1), until=40_000, icl=0.9)
    written(tmp_path / "runs" / "behind", config_of(classes=100), until=10_000, icl=0.9)
    assert build("figure3a", tmp_path / "runs", "--out", page).returncode == 0
    final = {row["run"]: (row["step"], row["icl"]) for row in rows(page / "final.csv")}
    assert final == {
        "28x28-classes100-statistics2-s0": ("50000", "0.5"),
        "28x28-classes1600-statistics2-s0": ("30000", "0.6"),
        "28x28-classes1600-statistics2-s1": ("40000", "0.9"),
    }
    assert [row["updates"] for row in rows(page / "runs.csv")] == ["50000", "30000", "40000"]
    assert build("figure3a", tmp_path / "runs", "--fresh", "--out", page).returncode == 0
    assert {row["run"]: row["step"] for row in rows(page / "final.csv")} == {
        "28x28-classes100-statistics2-s0": "10000",
        "28x28-classes1600-statistics2-s1": "40000",
    }


def test_a_page_without_the_settings_of_a_run_is_one_line(made, tmp_path):
    _, out, _ = made
    page = shutil.copytree(out, tmp_path / "page")
    (page / "configs" / "28x28-classes100-statistics2-s0.json").unlink()
    before = contents(page)
    said = build("figure3a", "--out", page)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "28x28-classes100-statistics2-s0.json must be there" in said.stderr
    assert contents(page) == before


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        ("runs.csv", "threads", "thread", f"{WRITTEN}a file has no column 'threads'"),
        ("runs.csv", ",cpu,", "\n", WRITTEN),
        (
            "timeseries.csv",
            "0.25,",
            "much,",
            f"{WRITTEN}could not convert string to float",
        ),
        ("timeseries.csv", "0.25,", "\udcff,", f"{WRITTEN}.* codec"),
        ("timeseries.csv", "0.25,", "9" * 200_000 + ",", f"{WRITTEN}field larger"),
        (
            "configs/28x28-classes100-statistics2-s0.json",
            "{",
            "[",
            "must hold the settings of a run: Expecting",
        ),
    ],
)
def test_a_damaged_page_is_one_line(file, before, after, told, made, tmp_path):
    _, out, _ = made
    page = shutil.copytree(out, tmp_path / "page")
    text = (page / file).read_text()
    assert before in text
    (page / file).write_text(text.replace(before, after), errors="surrogateescape")
    damaged = contents(page)
    said = build("figure3a", "--out", page)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert re.search(told, said.stderr)
    assert contents(page) == damaged


def test_the_settings_of_each_run_are_kept(made):
    _, out, _ = made
    settings = json.loads((out / "configs" / "28x28-classes1600-statistics2-s1.json").read_text())
    assert settings["seeds"]["data"] == 1
    assert settings["model"]["embedder_config"]["sequences_per_statistics"] == 2


@pytest.mark.parametrize("page", ["figure3a", "batch-statistics"])
def test_a_folder_without_such_runs_is_one_line(page, tmp_path):
    said = build(page, tmp_path, "--out", tmp_path / "page")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "page").exists()
    missing = build(page, tmp_path / "nowhere", "--out", tmp_path / "page")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)


def test_groups_of_batch_statistics_are_held_against_all_together(tmp_path):
    for group, icl in ((2, 0.7), (32, 0.52)):
        for seed in (0, 1):
            run = config_of(statistics=group, seed=seed)
            written(tmp_path / "runs" / f"{group}-{seed}", run, until=20_000, icl=icl + seed / 100)
    written(tmp_path / "runs" / "few", config_of(classes=100))  # of another question
    out = tmp_path / "page"
    said = built("batch-statistics", tmp_path / "runs", out)
    assert said.returncode == 0, said.stderr
    page = (out / "README.md").read_text()
    assert "| 2 | 20,000 | 2 | 0.705 (0.700 to 0.710) |" in page
    assert "| 28x28-classes1600-statistics32-s1 | 20,000 | 1 | 0.530 (0.508 to 0.552) |" in page  # Wilson
    assert re.search(r"\[2-against-all\]\(2-against-all\) \| ICL \| 20,000 \| 0.705 \| 0.525 \| \+0.180 \(\+", page)
    assert (
        "At update 20,000, the last that all of these runs have, ICL is 0.705 (0.700 to 0.710) in groups of 2" in page
    )
    assert {row["classes"] for row in rows(out / "timeseries.csv")} == {"1600"}
    assert (out / "accuracies.png").exists()
    assert (out / "controls.png").exists()


def test_groups_of_batch_statistics_are_drawn_alike_of_runs_and_of_what_is_kept_of_them(tmp_path):
    run, out = written(tmp_path / "runs" / "one", config_of(), until=20_000), tmp_path / "page"
    run.append([training_record(run.config, 20_100) | {"accuracy_query": 0.9}])  # more often than it is evaluated
    assert built("batch-statistics", tmp_path / "runs", out).returncode == 0
    first = (out / "controls.png").read_bytes()
    assert build("batch-statistics", "--out", out).returncode == 0
    assert (out / "controls.png").read_bytes() == first


def test_without_runs_to_compare_with_the_page_says_so(tmp_path):
    written(tmp_path / "runs" / "one", config_of(), until=20_000)
    out = tmp_path / "page"
    assert built("batch-statistics", tmp_path / "runs", out).returncode == 0
    assert "*Nothing of this has been measured yet.*" in (out / "README.md").read_text()


def test_the_session_trains_no_longer_than_it_may_and_goes_on(tmp_path):
    short = ["--max-steps", "2", "--eval-interval", "1", "--vary", "classes", "100", "400"]
    command = [sys.executable, ROOT / "tools" / "make_figure3a.py", "--scale", "laptop", "--root", tmp_path / "runs"]
    none = subprocess.run([*command, "--minutes", "0", *short], capture_output=True, text=True, check=False)
    assert "seed 0 is not all trained after 0 minutes: the same command goes on" in none.stderr
    assert not (tmp_path / "runs").exists()
    done = subprocess.run([*command, "--seeds", "3", *short], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    final = rows(tmp_path / "runs" / "figure3a" / "final.csv")
    assert [(row["classes"], row["seed"], row["step"]) for row in final] == [("100", "3", "2"), ("400", "3", "2")]
    assert (tmp_path / "runs" / "figure3a" / "figure3a.png").exists()


@pytest.mark.parametrize(
    ("words", "cache", "said"),
    [
        ([], "", "ICL_CACHE is empty"),  # so that there is no folder to fetch it into
        ([], "cache", "seed 0 is not all trained"),
        (["--data.omniglot=there"], "", "seed 0 is not all trained"),
    ],
)
def test_the_session_fetches_omniglot_where_it_is_not_there(tmp_path, words, cache, said):
    folder = tmp_path / "cache" / "omniglot"
    folder.mkdir(parents=True)
    for name in ("images_background.zip", "images_evaluation.zip"):
        (folder / name).touch()
    command = [sys.executable, ROOT / "tools" / "make_figure3a.py", "--minutes", "0", "--root", tmp_path / "runs"]
    environment = os.environ | {"ICL_CACHE": str(tmp_path / cache) if cache else ""}
    run = [*command, "--out", tmp_path / "page", *words]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=environment)
    assert said in done.stderr
    assert done.returncode != 0
    assert ("omniglot fetch" in done.stdout) == (said == "ICL_CACHE is empty")
