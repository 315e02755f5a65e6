"""`icl-data omniglot`: the zips arrive whole or not at all, and what is wrong is said in one line."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.response import addinfourl

import numpy as np
import pytest

import icl_data._omniglot.download as download_module
from icl_data import OmniglotError, OmniglotSource
from icl_data._commands.main import main
from icl_data._omniglot.cache import fetched_folder
from icl_data._omniglot.files import PARTS, Part
from icl_data._omniglot.progress import Progress

BACKGROUND, EVALUATION = "images_background.zip", "images_evaluation.zip"


pytestmark = pytest.mark.usefixtures("own_cache")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


def _one_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


def test_official_sizes_are_those_of_all_images() -> None:
    assert [part.n_bytes for part in PARTS] == [9_464_212, 6_462_886]
    assert sum(part.n_images for part in PARTS) == 32_460
    assert {len(bytes.fromhex(part.sha256)) for part in PARTS} == {32}


def test_fetched_zips_are_found_without_a_path(fetch, server, tiny_omniglot) -> None:
    assert fetch() == 0
    assert _files(fetched_folder()) == server.files
    found, expected = OmniglotSource(), OmniglotSource(tiny_omniglot.folder)
    np.testing.assert_array_equal(found.images, expected.images)


def test_named_folder_gets_the_zips_instead_of_the_cache(fetch, server, tmp_path: Path) -> None:
    assert fetch("--to", str(tmp_path / "a" / "b")) == 0
    assert _files(tmp_path / "a" / "b") == server.files
    assert not fetched_folder().exists()


def test_second_fetch_asks_the_network_for_nothing(fetch, server, capsys) -> None:
    fetch()
    server.asked.clear()
    assert fetch() == 0
    assert server.asked == []
    assert capsys.readouterr().out.count("there already") == 2


def test_connection_that_breaks_off_is_taken_up_where_it_broke(fetch, server) -> None:
    server.manner = "break once"
    assert fetch() == 0
    half = len(server.files[BACKGROUND]) // 2
    assert server.asked[:2] == [(BACKGROUND, None), (BACKGROUND, f"bytes={half}-")]
    assert _files(fetched_folder()) == server.files


def test_next_fetch_goes_on_from_what_an_earlier_one_got(fetch, server) -> None:
    server.manner = "break"
    assert fetch() == 1
    half = len(server.files[BACKGROUND]) // 2
    assert _files(fetched_folder()) == {f"{BACKGROUND}.part": server.files[BACKGROUND][:half]}
    server.manner = "whole"
    server.asked.clear()
    assert fetch() == 0
    assert server.asked == [(BACKGROUND, f"bytes={half}-"), (EVALUATION, None)]
    assert _files(fetched_folder()) == server.files


def _leave_behind(content: bytes) -> None:
    fetched_folder().mkdir(parents=True)
    (fetched_folder() / f"{BACKGROUND}.part").write_bytes(content)


@pytest.mark.parametrize("manner", ["ignore range", "other range"])
def test_server_that_cannot_resume_is_read_from_the_beginning(fetch, server, manner: str) -> None:
    _leave_behind(server.files[BACKGROUND][:1000])
    server.manner = manner
    assert fetch() == 0
    assert _files(fetched_folder()) == server.files


@pytest.mark.parametrize("length", [1000, None, 10**6], ids=["short", "full", "too long"])
def test_rubbish_of_an_earlier_fetch_is_replaced(fetch, server, length: int | None) -> None:
    _leave_behind(b"?" * (length or len(server.files[BACKGROUND])))
    assert fetch() == 0
    assert _files(fetched_folder()) == server.files


def test_whole_file_of_an_earlier_fetch_is_not_fetched_again(fetch, server) -> None:
    _leave_behind(server.files[BACKGROUND])
    assert fetch() == 0
    assert server.asked == [(EVALUATION, None)]


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("truncate", "bytes instead of"),
        ("corrupt", "has the SHA-256"),
        ("404", "answered 404 Not Found"),
        ("503", "answered 503"),
    ],
)
def test_file_that_is_not_the_official_one_is_refused_and_not_kept(fetch, server, capsys, manner, reason) -> None:
    server.manner = manner
    assert fetch() == 1
    line = _one_line(capsys.readouterr().err)
    assert f"{server.url}/{BACKGROUND} " in line
    assert reason in line
    assert _files(fetched_folder()) == {}
    assert len(server.asked) == 1


def test_connection_that_always_breaks_is_given_up(fetch, server, capsys) -> None:
    server.manner = "break"
    assert fetch() == 1
    assert "broke off" in _one_line(capsys.readouterr().err)
    assert len(server.asked) == 2


def test_no_network_is_one_line_with_both_addresses_and_the_folder(parts, capsys) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"  # bound, but nobody listens
        assert main(["omniglot", "fetch", "--url", url], parts=parts) == 1
    line = _one_line(capsys.readouterr().err)
    assert f"cannot reach {url}/{BACKGROUND}" in line
    for name in (BACKGROUND, EVALUATION):
        assert f"https://github.com/brendenlake/omniglot/raw/master/python/{name}" in line
    assert repr(str(fetched_folder())) in line


def test_zip_of_another_origin_is_never_replaced(fetch, server, capsys) -> None:
    fetched_folder().mkdir(parents=True)
    (fetched_folder() / BACKGROUND).write_bytes(b"mine")
    assert fetch() == 2
    assert "not the official file" in _one_line(capsys.readouterr().err)
    assert _files(fetched_folder()) == {BACKGROUND: b"mine"}


def test_full_disk_is_one_line_and_leaves_no_zip(fetch, monkeypatch, capsys) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download_module.os, "fsync", full)
    assert fetch() == 1
    line = _one_line(capsys.readouterr().err)
    assert f"No space left on device: {fetched_folder() / BACKGROUND}.part (free some space, or choose" in line
    assert "run the command again" in line
    assert list(fetched_folder().glob("*.zip")) == []


def test_interrupted_fetch_keeps_what_it_has(fetch, server, monkeypatch, capsys) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download_module.os, "fsync", interrupt)
        assert fetch() == 130
    assert "run the same command again" in _one_line(capsys.readouterr().err)
    assert fetch() == 0
    assert server.asked == [(BACKGROUND, None), (EVALUATION, None)]


@pytest.mark.parametrize(
    ("options", "cache", "message"),
    [
        (["fetch", "--url", "ftp://somewhere"], "cache", "must start with http:// or https://, got 'ftp://somewhere'"),
        (["fetch"], "", "ICL_CACHE is empty"),
        (["verify"], "", "ICL_CACHE is empty"),
        (["where"], "", "ICL_CACHE is empty"),
    ],
)
def test_mistake_is_one_line(options, cache, message, monkeypatch, capsys) -> None:
    monkeypatch.setenv("ICL_CACHE", cache)
    assert main(["omniglot", *options]) == 2
    assert message in _one_line(capsys.readouterr().err)


def test_folder_that_is_a_file_is_one_line(fetch, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    assert fetch("--to", str(tmp_path / "file")) == 2
    assert f"the zips need a folder, got the file {str(tmp_path / 'file')!r}" in _one_line(capsys.readouterr().err)


def test_where_names_the_folder_and_tells_whether_it_is_filled(fetch, capsys) -> None:
    assert main(["omniglot", "where"]) == 1
    found = capsys.readouterr()
    assert found.out == f"{fetched_folder()}\n"
    assert "run icl-data omniglot fetch" in _one_line(found.err)
    fetch()
    capsys.readouterr()
    assert main(["omniglot", "where"]) == 0
    assert capsys.readouterr() == (f"{fetched_folder()}\n", "")


def test_source_without_a_path_says_how_to_fetch() -> None:
    with pytest.raises(OmniglotError, match="run icl-data omniglot fetch") as caught:
        OmniglotSource()
    assert str(fetched_folder()) in str(caught.value)


def _verify(folder: Path, parts: tuple[Part, ...], capsys) -> tuple[int, str]:
    return main(["omniglot", "verify", str(folder)], parts=parts), capsys.readouterr().out


def test_official_zips_are_verified(tiny_omniglot, parts, capsys) -> None:
    code, out = _verify(tiny_omniglot.folder, parts, capsys)
    assert code == 0
    assert "official checksum, all 12 images" in out
    assert "official checksum, all 8 images" in out


def test_repacked_zip_is_told_from_the_official_one(tiny_omniglot, parts, capsys) -> None:
    tiny_omniglot.write("images_evaluation", compression=0)
    code, out = _verify(tiny_omniglot.folder, parts, capsys)
    assert code == 3
    assert f"{EVALUATION}: the checksum is not the official one, but all 8 images are readable" in out


def test_unpacked_folders_have_no_checksum_but_readable_images(tiny_omniglot, parts, tmp_path: Path, capsys) -> None:
    code, out = _verify(tiny_omniglot.unpack(tmp_path / "unpacked"), parts, capsys)
    assert code == 3
    assert out.count("no checksum to compare, but all") == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing", "missing"),
        ("truncated", "not a readable part"),
        ("incomplete", "incomplete, 8 instead of 12"),
    ],
)
def test_damage_is_found(tiny_omniglot, parts, capsys, damage: str, message: str) -> None:
    path = tiny_omniglot.folder / BACKGROUND
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-3000])
    else:
        del tiny_omniglot.entries["images_background"][:4]
        tiny_omniglot.write("images_background")
    code, out = _verify(tiny_omniglot.folder, parts, capsys)
    assert code == 1
    assert message in out.splitlines()[0]
    assert "official checksum" in out.splitlines()[1]


def test_all_real_images_are_readable(omniglot: Path, capsys) -> None:
    code, out = _verify(omniglot, PARTS, capsys)
    assert code in (0, 3)
    assert "all 19,280 images are readable" in out
    assert "all 13,180 images are readable" in out


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_progress_redraws_one_line_on_a_terminal() -> None:
    stream = Terminal()
    progress = Progress(stream, "x.zip", 10_000_000)
    for there in (0, 5_000_000, 10_000_000):
        progress(there)
    progress.close()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().startswith("\rx.zip [")
    assert "100% of 10.0 MB" in stream.getvalue().rpartition("\r")[2]


def test_progress_writes_a_line_a_quarter_elsewhere() -> None:
    stream = io.StringIO()
    progress = Progress(stream, "x.zip", 10_000_000)
    for there in range(0, 10_000_001, 100_000):
        progress(there)
    progress.close()
    assert stream.getvalue().splitlines() == [f"x.zip: {share}% of 10.0 MB" for share in (25, 50, 75, 100)]


def test_command_needs_numpy_and_the_standard_library_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from icl_data._commands.main import main; main(['omniglot', 'where'])\n"
        "roots = {name.partition('.')[0] for name in sys.modules if getattr(sys.modules[name], '__file__', None)}\n"
        "print(*sorted(roots & {'torch', 'tensorflow', 'PIL', 'h5py', 'rich', 'requests'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}, check=True)
    assert done.stdout.splitlines()[1:] == [""]


@pytest.mark.parametrize("told", ["\xb2", "9" * 5000, "-1", "1_0"])
def test_odd_length_that_a_server_tells_is_no_length(told: str) -> None:
    response = SimpleNamespace(status=200, headers={"Content-Length": told})
    assert download_module._offer(response) == (0, None)
    response = SimpleNamespace(status=206, headers={"Content-Range": f"bytes {told}-9/10"})
    assert download_module._offer(response) == (-1, None)


def test_server_that_sends_on_to_another_protocol_is_named(fetch, monkeypatch, capsys) -> None:
    answer = addinfourl(io.BytesIO(b"zip"), {}, "ftp://127.0.0.1/images_background.zip")
    monkeypatch.setattr(download_module.urllib.request, "urlopen", lambda request, timeout: answer)
    assert fetch() == 1
    assert "ftp://127.0.0.1/images_background.zip, which is neither http nor https" in _one_line(
        capsys.readouterr().err
    )
