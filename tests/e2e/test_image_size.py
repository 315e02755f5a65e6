"""The page about the size of the images holds large ones against small ones, in each of batch norm's groups."""

import importlib.util
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import build_page, config_of, contents, rows_of, written

PAGE = Path(__file__).parents[2] / "results" / "image-size"


def run_of(path, scale, *, icl, **changes):
    """A run of 50,000 updates, as those on the page are."""
    config = config_of(scale=scale, **changes)
    return written(path, replace(config, train=replace(config.train, max_steps=50_000)), icl=icl)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page of runs of both sizes, and of some that it does not speak of, and what was said."""
    root = tmp_path_factory.mktemp("runs")
    for seed, icl in enumerate((0.8, 0.75, 0.85)):  # in place of those that are on the page about figure 3a
        run_of(root / f"large-s{seed}", "paper", icl=icl, seed=seed)
    run_of(root / "large-32", "paper", icl=0.85, statistics=32)
    run_of(root / "large-4", "paper", icl=0.9, statistics=4)
    run_of(root / "large-few", "paper", icl=0.5, classes=100)
    page = tmp_path_factory.mktemp("page")
    shutil.copy(PAGE / "README.md", page)
    return root, page, build_page(PAGE, root, "--fresh", "--out", page)


def test_runs_of_both_sizes_are_on_the_page_and_small_ones_are_other_pages(made):
    _, page, said = made
    assert (said.returncode, said.stderr) == (0, "")
    found = {row["run"] for row in rows_of(page / "runs.csv")}
    small = {f"28x28-classes1600-statistics{groups}-s{seed}" for groups in (2, 32) for seed in (0, 1)}
    assert small < found
    assert {"105x105-classes1600-statistics2-s0", "105x105-classes1600-statistics32-s0"} < found
    assert not any("statistics4" in name or "classes100-" in name for name in found)


def test_large_images_are_held_against_small_ones_of_the_same_groups(made):
    _, page, _ = made
    found = {folder: rows_of(page / folder / "compare_differences.csv") for folder in ("groups-of-2", "all-together")}
    for folder, differences in found.items():
        last = next(row for row in differences if row["step"] == "50000" and "fewshot_holdout" in row["metric"])
        assert float(last["mean_theirs"]) < 0.65 < float(last["mean_ours"])
        assert (page / folder / "compare.png").exists()


def test_large_images_are_held_against_each_other_by_groups(made):
    _, page, _ = made
    differences = rows_of(page / "at-105x105" / "compare_differences.csv")
    last = next(row for row in differences if row["step"] == "50000" and "fewshot_holdout" in row["metric"])
    assert [float(last[side]) for side in ("mean_ours", "mean_theirs")] == pytest.approx([0.8, 0.85], abs=0.01)
    assert (page / "at-105x105" / "compare.png").exists()


def test_the_page_is_made_anew_of_its_own_files(made, tmp_path):
    _, page, _ = made
    again = shutil.copytree(page, tmp_path / "page")
    assert build_page(PAGE, "--out", again).returncode == 0
    assert contents(again) == contents(page)


@pytest.fixture
def module():
    """The script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(PAGE.parent), *sys.path])
        spec = importlib.util.spec_from_file_location("image_size", PAGE / "build.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def of(module, tmp_path):
    """A run of each size and groups."""
    run = written(tmp_path / "run", config_of(), until=0)
    sides = [("paper", 2), ("omniglot28", 2), ("paper", 32), ("omniglot28", 32), ("paper", 4), ("omniglot28", 4)]
    return {(scale, groups): module.Figure3Run(run, scale, groups) for scale, groups in sides}


def test_groups_that_were_trained_at_one_size_alone_are_left_out(module, of):
    found = [one for side, one in of.items() if side != ("paper", 32)]
    sides = {"paper": [of["paper", 2]], "omniglot28": [of["omniglot28", 2]]}
    assert module.of_both_sizes(found) == {2: sides}
    assert module.of_both_sizes([of["omniglot28", 2]]) == {}


def test_comparisons_that_are_not_due_any_more_are_removed_and_failed_ones_stay(module, of, tmp_path, monkeypatch):
    made = {}

    def compared(folder, ours, theirs, names):
        folder.mkdir(exist_ok=True)
        made[folder.name] = ours, theirs
        return folder.name != "all-together"

    monkeypatch.setattr(module, "compared", compared)
    out = tmp_path / "page"
    out.mkdir()
    assert not module.compare(out, module.of_both_sizes(list(of.values())))
    assert made["at-105x105"] == ([of["paper", 2]], [of["paper", 32]])
    assert {path.name for path in out.iterdir()} == {"groups-of-2", "all-together", "at-105x105"} == set(made)
    assert module.compare(out, module.of_both_sizes([of["paper", 2], of["omniglot28", 2]]))
    assert [path.name for path in out.iterdir()] == ["groups-of-2"]
