"""A tiny Omniglot, served on this machine, and a cache folder of each test's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from zip_server import ZipServer

from icl_data._commands.main import main
from icl_data._omniglot.files import PARTS, Part


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that no other test uses, and no proxy before the server."""
    monkeypatch.setenv("ICL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def parts(tiny_omniglot) -> tuple[Part, ...]:
    """What the tiny imitation's zips must be."""
    contents = [(tiny_omniglot.folder / f"{part.name}.zip").read_bytes() for part in PARTS]
    return tuple(
        replace(part, n_images=n_images, n_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for part, content, n_images in zip(PARTS, contents, (12, 8), strict=True)
    )


@pytest.fixture
def server(tiny_omniglot) -> Iterator[ZipServer]:
    """A server of the tiny imitation."""
    names = [f"{part.name}.zip" for part in PARTS]
    with ZipServer({name: (tiny_omniglot.folder / name).read_bytes() for name in names}) as it:
        yield it
        it.shutdown()


@pytest.fixture
def fetch(server, parts, own_cache: Path) -> Callable[..., int]:
    """Run `omniglot fetch` on that server; its exit code."""
    return lambda *options: main(["omniglot", "fetch", "--url", server.url, *options], parts=parts)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder, and 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run a command that succeeds; its output."""

    def run(*args: str) -> str:
        assert main(args) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def measured(run):
    """The JSON object of `stats`."""
    return lambda *args: json.loads(run("stats", *args, "--json", "--n", "2000"))
