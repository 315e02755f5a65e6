"""What a page of runs of figure 3 takes of folders and of its own files, before any of it is drawn."""

import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import config_of, contents, written

from icl_train import RunError

ROOT = Path(__file__).parents[2]
NAME = "28x28-classes100-statistics2-s0"


@pytest.fixture(scope="module")
def pages():
    """The module that writes the files of pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "results"), *sys.path])
        return importlib.import_module("page")


def taken(pages, page, *folders):
    """The name of each run and how far it has come; the page's files are made of them."""
    chosen = pages.arguments(page, "").parse_args([*map(str, folders), "--out", str(page)])
    with sys.modules["figure3_runs"].runs_of_figure3(chosen, ["omniglot28"]) as runs:
        pages.build(page, runs)
        return [(one.name, sys.modules["figure3_runs"].updates_done(one.run)) for one in runs]


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
@pytest.mark.parametrize("lengths", [(20_000, 30_000), (20_000, 20_000)])
def test_of_runs_that_are_called_alike_the_one_that_has_come_furthest_is_taken(names, lengths, pages, tmp_path, capsys):
    config = config_of(classes=100)
    other = replace(config, eval=replace(config.eval, interval=2 * config.eval.interval))
    for name, one, length in zip(names, (config, other), lengths, strict=True):
        written(tmp_path / "runs" / name, replace(one, train=replace(one.train, max_steps=length)))
    assert taken(pages, tmp_path / "page", tmp_path / "runs") == [(NAME, max(lengths))]
    left_out = names[0] if lengths[0] < lengths[1] else "two"
    said = capsys.readouterr().err
    assert said.startswith(f"skipped {tmp_path / 'runs' / left_out}: it is called {NAME} here, as is ")
    assert said.count("\n") == 1
    before = contents(tmp_path / "page")
    assert taken(pages, tmp_path / "page") == [(NAME, max(lengths))]
    assert contents(tmp_path / "page") == before


@pytest.mark.parametrize("file", ["timeseries.csv", f"configs/{NAME}.json"])
def test_a_page_without_one_of_its_files_says_what_is_to_be_done(file, pages, tmp_path):
    written(tmp_path / "runs" / "one", config_of(classes=100), until=20_000)
    page = tmp_path / "page"
    taken(pages, page, tmp_path / "runs")
    (page / file).unlink()
    with pytest.raises(RunError, match=f"{re.escape(file)} must .*since runs.csv has .*; bring back .* with --fresh$"):
        taken(pages, page)


def cut_off(pages, page, *folders, writes):
    """A build that is killed when it has written so many files."""
    left = iter(range(writes))

    def until(write):
        return lambda *args: write(*args) if next(left, None) is not None else pytest.fail("cut off")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("write_text", "write_rows"):
            patch.setattr(pages, name, until(getattr(pages, name)))
        with pytest.raises(pytest.fail.Exception, match="cut off"):
            taken(pages, page, *folders)


@pytest.mark.parametrize("writes", range(5))
def test_a_build_that_is_cut_off_leaves_a_page_that_can_be_read(writes, pages, tmp_path):
    page, root = tmp_path / "page", tmp_path / "runs"
    written(root / "one", config_of(classes=100), until=20_000)
    taken(pages, page, root)
    written(root / "two", config_of(classes=200), until=20_000)
    cut_off(pages, page, root, writes=writes)
    assert taken(pages, page) == [(NAME, 20_000)]


def test_settings_of_a_run_that_is_dropped_go_when_all_else_is_written(pages, tmp_path):
    page, root = tmp_path / "page", tmp_path / "runs"
    for name, classes in (("one", 100), ("two", 200)):
        written(root / name, config_of(classes=classes), until=20_000)
    taken(pages, page, root)
    cut_off(pages, page, root / "two", "--fresh", writes=1)
    assert len(taken(pages, page)) == 2
    taken(pages, page, root / "two", "--fresh")
    assert [file.stem for file in (page / "configs").iterdir()] == ["28x28-classes200-statistics2-s0"]


def test_what_a_page_has_of_groups_that_cannot_be_compared_any_more_stays(pages, tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("build_groups", ROOT / "results" / "batch-statistics" / "build.py")
    groups = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(groups)
    page, root = tmp_path / "page", tmp_path / "runs"

    def compared():
        chosen = pages.arguments(page, "").parse_args([str(root), "--out", str(page)])
        with sys.modules["figure3_runs"].runs_of_figure3(chosen, ["omniglot28"]) as runs:
            return groups.compare(page, runs)

    for statistics in (2, 32):
        written(root / f"{statistics}", config_of(statistics=statistics), until=20_000)
    assert compared()
    before = contents(page / "2-against-all")
    assert len(before) == 3
    other = config_of(seed=1)
    written(root / "other", replace(other, train=replace(other.train, max_steps=20_000)))
    (page / "8-against-all").mkdir()
    assert not compared()
    said = capsys.readouterr().err
    assert "train.max_steps" in said
    assert said.endswith("groups of 2 could not be held against groups of 32: what the page has of it stays\n")
    assert contents(page / "2-against-all") == before
    assert [path.name for path in page.iterdir()] == ["2-against-all"]
