"""The gallery takes what is finished, keeps what it has of the rest, and says what did not appear."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded import contents, evaluation, training_record

from icl_models import find_experiment
from icl_train import RunFolder, experiment_runs

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "docs" / "gallery"
BUILD = GALLERY / "build.py"
CLAIM = {
    "experiment": "figure3",
    "scale": "laptop",
    "claim": "Few classes are not learned in context.",
    "measured": 0.7,
    "low": 0.65,
    "high": 0.75,
    "n_seeds": 3,
    "above": None,
    "below": 0.6,
    "judgement": "does not hold",
    "reason": "",
}


def build(*args):
    return subprocess.run([sys.executable, BUILD, *map(str, args)], capture_output=True, text=True, check=False)


def trained(folder, count):
    """A folder as the session makes it, with so many of the runs of figure 3 finished, 9 in all."""
    for planned in experiment_runs(find_experiment("figure3"), "laptop")[:count]:
        run = RunFolder.create(folder / "runs" / planned.folder, planned.config, device="cpu", threads=1)
        run.append([training_record(planned.config, 2000), evaluation(planned.config, "fewshot_holdout", 2000, 0.5)])
        run.mark_done()
    (folder / "figure3").mkdir()
    shutil.copy(GALLERY / "figure2.png", folder / "figure3" / "figure3.png")  # another picture than the gallery has
    (folder / "claims.json").write_text(json.dumps([CLAIM]))
    return folder


def section(page, name):
    """An experiment's part of the page."""
    return page.split(f"\n### {name}\n")[1].split("\n### ")[0]


@pytest.fixture
def gallery(tmp_path):
    """A copy of the gallery's files."""
    return Path(shutil.copytree(GALLERY, tmp_path / "gallery", ignore=shutil.ignore_patterns("__pycache__")))


def test_a_finished_experiment_takes_the_place_of_what_was_there(gallery, tmp_path):
    done = build(trained(tmp_path / "made", 9), "--out", gallery)
    assert done.returncode == 0, done.stderr
    part = section((gallery / "README.md").read_text(), "figure3")
    assert "9 runs of 2,000 updates: 3 minutes in all, 20 seconds each, on 1 thread" in part
    assert "| Few classes are not learned in context. | 0.700 | 0.650 to 0.750 | 3 | < 0.6 | does not hold |" in part
    assert "- *Few classes are not learned in context.* Measured: 0.700. It does not hold." in part
    assert (gallery / "figure3.png").read_bytes() == (GALLERY / "figure2.png").read_bytes()
    for name in ("figure2.png", "reddy2023.png"):
        assert (gallery / name).read_bytes() == (GALLERY / name).read_bytes()
    before = contents(gallery)
    assert build(tmp_path / "made", "--out", gallery).returncode == 0
    assert contents(gallery) == before


def test_an_experiment_that_is_not_all_trained_leaves_what_was_there(gallery, tmp_path):
    before = contents(gallery)
    done = build(trained(tmp_path / "made", 2), tmp_path / "nowhere", "--out", gallery)
    assert done.returncode == 0, done.stderr
    assert "figure3: 2 of 9 runs are done; what is here stays" in done.stderr
    assert f"skipped {tmp_path / 'nowhere'}" in done.stderr
    drawn_anew = {"strip.png": before["strip.png"]}  # the same, but for another Pillow
    assert contents(gallery) | drawn_anew == before


def test_an_experiment_without_runs_has_no_time():
    page = page_of()
    one = {"name": "figure2", "figure": "figure2", "tests": "T.", "section": "s", "note": "N."}
    assert "**Time.** Not measured." in page.entry(one, [], [])
    assert "| not measured |" in page.overview([one], [], [])


def test_a_claim_is_secured_by_an_interval_that_is_wholly_within_the_bound():
    page = page_of()
    one = {"name": "figure3", "figure": "figure3", "tests": "T.", "section": "s", "note": "N."}
    holds = CLAIM | {"judgement": "holds", "measured": 0.5}
    intervals = [(0.4, 0.59), (0.4, 0.6), (0.3, 0.7), (None, None)]
    rows = [holds | {"low": low, "high": high} for low, high in intervals]
    rows += [CLAIM, CLAIM | {"judgement": "not asserted", "low": 0.1, "high": 0.2}]
    table = page.overview([one], rows, [])
    assert "| T. | 4 of 5 | 1 | 2 | not measured |" in table
    told = "Of the 4 that hold, 1 have their whole 95% interval there; 1 rest on one seed, and have no interval; "
    assert told + "of the other 2 it takes more seeds to be sure." in table


def test_a_claim_that_holds_without_its_whole_interval_is_told_as_not_sure():
    page = page_of()
    one = {"name": "figure3", "figure": "figure3", "tests": "T.", "section": "s", "note": "N."}
    holds = CLAIM | {"judgement": "holds", "measured": 0.5}
    part = page.entry(one, [holds | {"low": 0.3, "high": 0.7}, holds | {"low": None, "high": None}], [])
    said = f"- *{CLAIM['claim']}* The interval, 0.300 to 0.700, goes beyond the bound, < 0.6.\n"
    assert f"not yet sure.**\n\n{said}- *{CLAIM['claim']}* There is one seed, and no interval." in part
    assert "All that is claimed" not in part
    assert "All that is claimed at this scale appeared, with" in page.entry(
        one, [holds | {"low": 0.4, "high": 0.5}], []
    )


def test_what_is_not_asserted_is_told_with_its_reason():
    part = section((GALLERY / "README.md").read_text(), "figure4")
    assert re.search(r"- \*Of classes with ten labels.*Not asserted at this scale: 800 classes have 8,000 labels", part)


def test_every_picture_of_the_page_is_there_and_the_strip_is_small():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (GALLERY / "README.md").read_text())
    assert len(pictures) > 10
    assert all((GALLERY / name).is_file() for name in pictures)
    assert (GALLERY / "strip.png").stat().st_size <= 200_000


def test_the_strip_has_whole_panels_of_experiments_of_the_gallery(strip):
    known = {one["name"]: one["figure"] for one in json.loads((GALLERY / "experiments.json").read_text())}
    shown = [(name, which) for row in strip.ROWS for name, which, _ in row]
    assert len(shown) == 5  # as the texts beside the picture say
    for name, which in shown:
        with Image.open(GALLERY / f"{known[name]}.png") as opened:
            grey = np.asarray(opened.convert("L"))
        left, top, right, bottom = strip.panels(grey)[which]
        beside = grey[top:bottom, left], grey[top:bottom, right : right + 3], grey[bottom : bottom + 3, left:right]
        assert all((edge > 200).all() for edge in beside), name


def test_a_picture_without_the_panel_is_left_out_of_the_strip_and_named(strip, tmp_path, capsys):
    with Image.open(GALLERY / "singh2024-induction.png") as opened:
        picture = opened.convert("RGB")
    left = picture.crop(strip.panels(np.asarray(picture.convert("L")))[0])
    white, alone = Image.new("RGB", picture.size, "white"), tmp_path / "alone.png"
    white.paste(left, (100, 100))
    white.save(alone)
    strip.write_strip(tmp_path / "without.png", {"figure2": GALLERY / "figure2.png"})
    strip.write_strip(tmp_path / "strip.png", {"figure2": GALLERY / "figure2.png", "singh2024-induction": alone})
    assert (tmp_path / "strip.png").read_bytes() == (tmp_path / "without.png").read_bytes()
    told = f"left out of the strip: singh2024-induction: {alone} must have a panel 1, counted from 0, got 1 panels\n"
    assert capsys.readouterr().err == told


def test_a_picture_that_no_strip_can_be_made_of_leaves_the_gallery_as_it_was(gallery, tmp_path):
    made = trained(tmp_path / "made", 9)
    (gallery / "reddy2023.png").write_bytes(b"no picture")
    before = contents(gallery)
    done = build(made, "--out", gallery)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "reddy2023.png" in done.stderr
    assert contents(gallery) == before


def test_every_built_in_experiment_at_laptop_scale_has_an_entry():
    listed = subprocess.run(
        [sys.executable, "-m", "icl_train", "experiments", "--json", "--no-time"], capture_output=True, check=True
    )
    names = {one["name"] for one in json.loads(listed.stdout) if "laptop" in one["scales"]}
    assert names == {one["name"] for one in json.loads((GALLERY / "experiments.json").read_text())}


def test_a_session_without_time_trains_nothing_and_says_that_it_goes_on(tmp_path):
    command = [sys.executable, ROOT / "tools" / "make_gallery.py", tmp_path / "made", "--minutes", "0"]
    done = subprocess.run([*command, "--part", "followups"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "reddy2023 is not all trained after 0 minutes: the same command goes on" in done.stderr
    assert "figure2" not in done.stderr
    assert not (tmp_path / "made").exists()


def test_a_session_that_ends_before_a_run_is_finished_judges_nothing(tmp_path):
    first, *_ = experiment_runs(find_experiment("reddy2023"), "laptop")
    RunFolder.create(tmp_path / "runs" / first.folder, first.config, device="cpu", threads=1)
    command = [sys.executable, ROOT / "tools" / "make_gallery.py", tmp_path, "--minutes", "0", "--part", "followups"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("no run is finished yet: there is nothing to judge\n")
    assert not (tmp_path / "claims.json").exists()


@pytest.mark.parametrize(
    ("told", "code", "kept"),
    [("", 1, "old"), ("", 2, "old"), ("[{", -9, "old"), ("", 0, "old"), ("[]", 1, "[]"), ("[]", 0, "[]")],
)
def test_pages_are_made_of_claims_that_were_judged_alone(told, code, kept, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    session = module_of(ROOT / "tools" / "make_gallery.py")
    ran = []

    def run(words, **options):
        ran.append(words)
        asked = "--json" in words
        return subprocess.CompletedProcess(words, code, told.encode() if asked else None)

    monkeypatch.setattr(session.subprocess, "run", run)
    monkeypatch.setattr(session.subprocess, "check_output", lambda *args: b"[]")
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "DONE").touch()
    (tmp_path / "claims.json").write_text("old")
    assert session.make("all", tmp_path, 1.0) == (code or int(kept == "old"))
    assert (tmp_path / "claims.json").read_text() == kept
    assert any(str(BUILD) in words for words in ran) == (kept != "old")


@pytest.mark.parametrize("script", ["make_gallery.py", "make_figure3a.py"])
@pytest.mark.parametrize("minutes", ["-1", "nan", "inf", "long"])
def test_minutes_that_are_no_time_are_refused(script, minutes):
    command = [sys.executable, ROOT / "tools" / script, "--minutes", minutes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(f"argument --minutes: .*{minutes}", done.stderr)


def page_of():
    """The module that writes the page."""
    return module_of(BUILD)


@pytest.fixture
def strip():
    """The module that draws the strip."""
    return module_of(ROOT / "tools" / "strip.py")


def module_of(file):
    spec = importlib.util.spec_from_file_location(f"gallery_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
