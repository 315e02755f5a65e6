"""Finding runs: through links, once each, without loops, at any depth."""

import os

import pytest

from icl_train import RunFolder, find_runs, smoke


@pytest.fixture
def make_run(tmp_path):
    def make(name):
        return RunFolder.create(tmp_path / name, smoke(), device="cpu", threads=1).path

    return make


def found(root):
    runs, broken = find_runs(root)
    assert broken == []
    return [run.path for run in runs]


def test_a_linked_run_folder_is_found(make_run, tmp_path):
    make_run("elsewhere/one")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(tmp_path / "elsewhere" / "one")
    assert found(tmp_path / "runs") == [tmp_path / "runs" / "linked"]


def test_runs_below_a_linked_folder_are_found_and_the_root_may_be_a_link(make_run, tmp_path):
    make_run("elsewhere/deep/one")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "all").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root").symlink_to(tmp_path / "runs")
    assert found(tmp_path / "root") == [tmp_path / "root" / "all" / "deep" / "one"]


def test_a_run_that_a_link_leads_to_as_well_is_there_once_under_its_own_name(make_run, tmp_path):
    one = make_run("runs/one")
    (tmp_path / "runs" / "a").symlink_to(one)
    (tmp_path / "runs" / "z").symlink_to(one, target_is_directory=True)
    assert found(tmp_path / "runs") == [one]


def test_of_two_links_to_one_run_the_first_by_name_is_taken(make_run, tmp_path):
    one = make_run("elsewhere/one")
    (tmp_path / "runs").mkdir()
    for name in ("z", "a"):
        (tmp_path / "runs" / name).symlink_to(one)
    assert found(tmp_path / "runs") == [tmp_path / "runs" / "a"]


def test_links_that_go_round_end(make_run, tmp_path):
    one = make_run("runs/x/one")
    (tmp_path / "runs" / "x" / "again").symlink_to(tmp_path / "runs" / "x")
    (tmp_path / "runs" / "y").mkdir()
    (tmp_path / "runs" / "y" / "x").symlink_to(tmp_path / "runs" / "x")
    (tmp_path / "runs" / "x" / "y").symlink_to(tmp_path / "runs" / "y")
    (tmp_path / "runs" / "self").symlink_to(tmp_path / "runs" / "self")
    assert found(tmp_path / "runs") == [one]


def test_a_link_upwards_does_not_lead_out_of_the_root(make_run, tmp_path):
    one = make_run("runs/one")
    make_run("others/two")
    (tmp_path / "runs" / "up").symlink_to(tmp_path)
    (tmp_path / "runs" / "all").symlink_to("/")
    assert found(tmp_path / "runs") == [one]


def test_runs_two_thousand_folders_down_are_found(make_run, tmp_path):
    folder = tmp_path
    for _ in range(1900):  # as deep as a path of 4,096 bytes may be
        folder = folder / "d"
        folder.mkdir()
    config = folder / "config.json"
    try:
        config.write_bytes((make_run("one") / "config.json").read_bytes())
        assert len(found(tmp_path)) == 2
    finally:
        config.unlink()
        os.removedirs(folder)  # rmtree would recurse


def test_hidden_folders_are_not_entered_but_a_hidden_root_is(make_run, tmp_path):
    make_run(".beside.123")
    one = make_run(".hidden/one")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / ".one").symlink_to(one)
    assert found(tmp_path) == []
    assert found(tmp_path / ".hidden") == [one]


def test_a_folder_that_cannot_be_looked_into_is_named(make_run, tmp_path, monkeypatch):
    make_run("runs/one")
    closed = tmp_path / "runs" / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    runs, broken = find_runs(tmp_path / "runs")
    assert [run.name for run in runs] == ["one"]
    assert broken == [(closed, "cannot look into it: Permission denied")]


@pytest.mark.parametrize("name", ["link", "below/link"])
def test_a_link_to_what_is_not_there_is_named(name, make_run, tmp_path):
    make_run("runs/below/run")
    (tmp_path / "runs" / name).symlink_to(tmp_path / "another-disk" / "run")
    (tmp_path / "runs" / ".hidden").symlink_to(tmp_path / "another-disk" / "run")
    runs, broken = find_runs(tmp_path / "runs")
    assert [run.name for run in runs] == ["run"]
    assert broken == [(tmp_path / "runs" / name, "it is a link to what is not there")]


def test_a_configuration_nested_too_deeply_to_read_is_named(tmp_path):
    (tmp_path / "config.json").write_text("[" * 100_000)
    runs, ((path, reason),) = find_runs(tmp_path)
    assert (runs, path) == ([], tmp_path)
    assert reason.startswith("cannot read ")
