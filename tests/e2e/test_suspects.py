"""The page of suspects holds runs of one change against figure 3's own run of the same seed."""

import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recorded import build_page, config_of, contents, rows_of, written

from icl_data import ArraySource
from icl_data.torch import ExampleBank

PAGE = Path(__file__).parents[2] / "results" / "suspects"
REVERSED = {"source": "reversed_drawings:omniglot28", "downsample": False}


def changed(path, *, seed=1, statistics=2, **data):
    """A run of figure 3 with another setting of its data, shorter than figure 3's, as those on the page are."""
    config = config_of(seed=seed, statistics=statistics)
    config = replace(config, data=replace(config.data, **data), train=replace(config.train, max_steps=20_000))
    return written(path, config, icl=0.6)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page of both changes and of runs that it does not speak of, and what was said."""
    root = tmp_path_factory.mktemp("runs")
    changed(root / "released", protocol="released")
    changed(root / "reversed", statistics=32, **REVERSED)
    written(root / "own", config_of(seed=1), icl=0.7)
    written(root / "own-32", config_of(seed=1, statistics=32), icl=0.65)
    written(root / "other-seed", config_of(seed=0))
    written(root / "other-groups", config_of(seed=1, statistics=4))
    changed(root / "both", protocol="released", **REVERSED)
    page = tmp_path_factory.mktemp("page")
    shutil.copy(PAGE / "README.md", page)
    return root, page, build_page(PAGE, root, "--fresh", "--out", page)


def test_each_change_is_a_group_beside_the_run_without_one(made):
    _, page, said = made
    assert said.returncode == 0, said.stderr
    columns = ("sequences_per_statistics", "change", "seed", "updates")
    assert [tuple(row[name] for name in columns) for row in rows_of(page / "runs.csv")] == [
        ("2", "unchanged", "1", "50000"),
        ("32", "unchanged", "1", "50000"),
        ("2", "released-sequences", "1", "20000"),
        ("32", "reversed-drawings", "1", "20000"),
    ]
    text = (page / "README.md").read_text()
    assert "| 28x28-classes1600-statistics2-unchanged-s1 | 10,000 | 1 | 0.700 (0.680 to 0.720) |" in text
    assert "| 28x28-classes1600-statistics32-reversed-drawings-s1 | 10,000 | 1 | 0.600 (0.578 to 0.621) |" in text


def test_each_change_is_held_against_the_run_of_its_groups_without_one(made):
    _, page, _ = made
    for change, difference in {"released-sequences": -0.1, "reversed-drawings": -0.05}.items():
        found = {
            (row["metric"], row["step"]): float(row["difference"])
            for row in rows_of(page / change / "compare_differences.csv")
        }
        assert found["eval_fewshot_holdout/accuracy_closed", "20000"] == pytest.approx(difference)
        assert (page / change / "compare.png").exists()


def test_a_run_of_two_changes_is_named_and_none_of_this_page(made):
    root, _, said = made
    assert said.stderr.count("\n") == 1
    assert f"skipped {root / 'both'}: it is no run of figure3" in said.stderr


def test_without_a_run_of_its_own_the_kept_one_of_another_page_is_taken(tmp_path):
    changed(tmp_path / "runs" / "released", protocol="released")
    said = build_page(PAGE, tmp_path / "runs", "--fresh", "--out", tmp_path / "page")
    assert (said.returncode, said.stderr) == (0, "")
    kept = rows_of(PAGE.parent / "batch-statistics" / "timeseries.csv")
    ours = {
        row["step"]: row["icl"] for row in rows_of(tmp_path / "page" / "timeseries.csv") if row["change"] == "unchanged"
    }
    assert ours == {row["step"]: row["icl"] for row in kept if row["run"] == "28x28-classes1600-statistics2-s1"}
    assert not (tmp_path / "page" / "reversed-drawings").exists()


def test_the_page_is_made_anew_of_its_own_files(made, tmp_path):
    _, page, _ = made
    again = shutil.copytree(page, tmp_path / "page")
    assert build_page(PAGE, "--out", again).returncode == 0
    assert contents(again) == contents(page)


@pytest.mark.parametrize(
    ("seed", "told"),
    [
        (None, "there must be runs with 1600 classes of 28 x 28 and one change, got none"),
        (7, "got none with groups of 2 and seed 7"),
    ],
)
def test_what_is_missing_is_one_line_and_nothing_is_written(tmp_path, seed, told):
    root = tmp_path / "runs"
    root.mkdir()
    if seed is not None:
        changed(root / "released", seed=seed, protocol="released")
    said = build_page(PAGE, root, "--fresh", "--out", tmp_path / "page")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert told in said.stderr
    assert not (tmp_path / "page").exists()


def test_the_reversed_source_shows_what_downsampling_does_in_the_opposite_order(monkeypatch):
    images = np.random.default_rng(0).integers(2, size=(3, 4, 105, 105)).astype(np.float32)
    spec = importlib.util.spec_from_file_location("reversed_drawings", PAGE / "reversed_drawings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "OmniglotSource", lambda: ArraySource(images))
    shown = ExampleBank(module.omniglot28()).gather([0, 2], [0, 1])
    assert shown.equal(ExampleBank(ArraySource(images), downsample=True).gather([0, 2], [3, 2]))


def test_the_antialiased_source_shows_all_strokes_that_a_small_pixel_covers(monkeypatch):
    images = np.zeros((3, 4, 112, 112), np.float32)
    images[1, 2, 56:60, 56:58] = 1.0  # half of a pixel, each of four by four
    monkeypatch.setattr(importlib.import_module("icl_data"), "OmniglotSource", lambda: ArraySource(images))
    spec = importlib.util.spec_from_file_location("antialiased_drawings", PAGE / "antialiased_drawings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = ExampleBank(module.omniglot28()).gather([0, 1], [0, 2])
    assert shown.shape == (2, 28, 28, 1)
    assert not shown[0].any()
    assert float(shown[1].sum()) == pytest.approx(8 / 16)
