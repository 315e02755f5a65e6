"""`~` is the home folder in every path that a command or a function takes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from icl_data import ArraySource, ImageFolderSource, OmniglotError, OmniglotSource, load_source
from icl_data._commands.main import _parser, main
from icl_data._commands.path_options import figure_file
from icl_data._omniglot.cache import fetched_folder
from icl_data._omniglot.files import PARTS
from icl_data.foundation.command_line import path_option


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder that is not the current one; nothing may be named `~` afterwards."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    yield tmp_path
    assert [path for path in tmp_path.rglob("*") if "~" in path.name] == []


def _options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _options(sub)
        else:
            yield action


def test_every_option_for_a_path_is_read_by_one_of_two_functions() -> None:
    options = list(_options(_parser(PARTS)))
    paths = [option for option in options if option.metavar in ("FILE", "FOLDER", "PATH") or option.dest == "folder"]
    assert {option.dest for option in paths} == {"out", "plot", "omniglot", "reference", "to", "folder"}
    assert {option.type for option in paths} == {path_option, figure_file}
    assert {option.type for option in options} <= {None, int, float, str, path_option, figure_file} | {
        option.type for option in options if option.dest == "exemplars"
    }


PATH_OPTIONS = ["show --out", "stats --plot", "show --omniglot", "sanity-check --reference", "omniglot fetch --to"]


@pytest.mark.parametrize("text", ["~nobody_of_this_name/x.png", ""])
@pytest.mark.parametrize("option", [*PATH_OPTIONS, "omniglot verify"])
def test_path_of_nobody_is_one_line(option: str, text: str, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*option.split(), text])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert ("needs that user's home folder, got ~nobody" if text else "must not be empty") in line


def test_files_of_the_home_folder_are_sources_and_figures_go_there(home: Path, tiny_omniglot, capsys) -> None:
    pytest.importorskip("matplotlib", reason='matplotlib is not installed: pip install "icl-data[plot]"')
    np.save(home / "ids.npy", np.arange(180).reshape(20, 9))
    assert main(["show", "--source", "~/ids.npy", "--out", "~/a.png"]) == 0
    assert capsys.readouterr().out == f"{home / 'a.png'}\n"
    assert main(["stats", "--source", "~/ids.npy", "--n", "50", "--plot", "~/b.png"]) == 0
    assert main(["show", "--omniglot", "~/omniglot", "--n-holdout", "1", "--n-common", "1"]) == 0
    assert {"a.png", "b.png"} <= {path.name for path in home.iterdir()}


def test_omniglot_is_fetched_to_the_home_folder_and_verified_there(home: Path, fetch, parts, server) -> None:
    assert fetch("--to", "~/fetched") == 0
    assert {path.name for path in (home / "fetched").iterdir()} == server.files.keys()
    assert main(["omniglot", "verify", "~/fetched"], parts=parts) == 0


def test_variable_icl_cache_may_begin_with_a_tilde(home: Path, tiny_omniglot, monkeypatch, capsys) -> None:
    monkeypatch.setenv("ICL_CACHE", "~/cache")
    assert fetched_folder() == home / "cache" / "omniglot"
    OmniglotSource(tiny_omniglot.folder)
    assert len(list((home / "cache").glob("*.npz"))) == 2
    main(["omniglot", "where"])
    assert capsys.readouterr().out == f"{home / 'cache' / 'omniglot'}\n"


def test_folders_of_omniglot_may_begin_with_a_tilde(home: Path, tiny_omniglot, monkeypatch) -> None:
    assert OmniglotSource("~/omniglot", cache="~/my-cache").path == home / "omniglot"
    assert len(list((home / "my-cache").glob("*.npz"))) == 2
    asked = []

    def remember(folder: Path, part: object) -> None:
        asked.append(folder)
        raise OmniglotError("seen")

    monkeypatch.setattr("icl_data._omniglot.source.read_tfds", remember)
    with pytest.raises(OmniglotError, match="seen"):
        OmniglotSource.from_tfds("~/tfds")
    assert asked == [home / "tfds"]


def test_checks_take_folders_of_the_home_folder(home: Path, capsys) -> None:
    pytest.importorskip("torch")
    assert main(["sanity-check", "--reference", "~/checkout"]) == 2
    assert str(home / "checkout" / "datasets") in capsys.readouterr().err
    assert main(["sanity-check", "--omniglot", "~/nowhere"]) == 2
    assert str(home / "nowhere") in capsys.readouterr().err


def test_files_of_ones_own_may_lie_in_the_home_folder(home: Path) -> None:
    np.savez(home / "x.npz", np.zeros((3, 2, 4)))
    assert ArraySource.from_npz("~/x.npz").n_classes == load_source("~/x.npz").n_classes == 3
    h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    with h5py.File(home / "x.h5", "w") as file:
        file["a"] = np.zeros((3, 2, 4))
    assert ArraySource.from_h5("~/x.h5", "a").n_classes == load_source("~/x.h5").n_classes == 3
    pillow = pytest.importorskip("PIL.Image", reason='Pillow is not installed: pip install "icl-data[images]"')
    (home / "shapes" / "a").mkdir(parents=True)
    pillow.new("L", (6, 6)).save(home / "shapes" / "a" / "0.png")
    assert ImageFolderSource("~/shapes").folder == home / "shapes"
