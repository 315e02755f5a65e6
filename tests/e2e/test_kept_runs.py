"""What a page of runs of figure 3 takes of folders and of its own files, before any of it is drawn."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import config_of, contents, written

ROOT = Path(__file__).parents[2]
NAME = "28x28-classes100-statistics2-s0"


@pytest.fixture(scope="module")
def omniglot():
    """The module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "results"), *sys.path])
        return importlib.import_module("omniglot")


def taken(omniglot, page, *folders):
    """The name of each run and how far it has come; the page's files are made of them."""
    chosen = omniglot.arguments(page, "").parse_args([*map(str, folders), "--out", str(page)])
    with omniglot.runs_of_figure3(chosen, ["omniglot28"]) as runs:
        omniglot.build(page, runs)
        return [(one.name, omniglot.updates_done(one.run)) for one in runs]


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
@pytest.mark.parametrize("lengths", [(20_000, 30_000), (20_000, 20_000)])
def test_of_runs_that_are_called_alike_the_one_that_has_come_furthest_is_taken(
    names, lengths, omniglot, tmp_path, capsys
):
    config = config_of(classes=100)
    other = replace(config, eval=replace(config.eval, interval=2 * config.eval.interval))
    for name, one, length in zip(names, (config, other), lengths, strict=True):
        written(tmp_path / "runs" / name, replace(one, train=replace(one.train, max_steps=length)))
    assert taken(omniglot, tmp_path / "page", tmp_path / "runs") == [(NAME, max(lengths))]
    left_out = names[0] if lengths[0] < lengths[1] else "two"
    said = capsys.readouterr().err
    assert said.startswith(f"skipped {tmp_path / 'runs' / left_out}: it is called {NAME} here, as is ")
    assert said.count("\n") == 1
    before = contents(tmp_path / "page")
    assert taken(omniglot, tmp_path / "page") == [(NAME, max(lengths))]
    assert contents(tmp_path / "page") == before
