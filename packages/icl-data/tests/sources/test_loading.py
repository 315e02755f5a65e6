"""Sources by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from icl_data import SymbolicSource, load_source


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somebodys_sources.py").write_text(
        "from icl_data import SymbolicSource\n"
        "def good(): return SymbolicSource(5)\n"
        "def bad(): return 3\n"
        "def odd():\n    source = SymbolicSource(5)\n    source.kind = 'sound'\n    return source\n"
        "def failing(): return {}['no such key']\n"
        "def needing(argument): return SymbolicSource(5)\n"
        "number = 3\n"
        "def leaving(): raise SystemExit(0)\n"
    )
    (tmp_path / "leaving_sources.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "misspelt_sources.py").write_text("def good(:\n")
    (tmp_path / "torn_sources.py").write_text("raise ImportError('no library\\nhere')\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_named_factory_is_called() -> None:
    source = load_source("somebodys_sources:good")
    assert isinstance(source, SymbolicSource)
    assert source.n_classes == 5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("somebodys_sources", "package.module:factory, got 'somebodys_sources'"),
        ("somebodys_sources:", "package.module:factory"),
        (".somebodys_sources:good", "package.module:factory, got '.somebodys_sources:good'"),
        ("torn_sources:good", "'torn_sources' could not be imported: ImportError: no library here"),
        ("misspelt_sources:good", "'misspelt_sources' could not be imported: SyntaxError: "),
        ("somebodys_sources:failing", r"failing\(\) failed: KeyError: 'no such key'"),
        ("somebodys_sources:needing", r"needing\(\) failed: TypeError: .*argument"),
        ("nobodys_sources:good", "'nobodys_sources' could not be imported"),
        ("somebodys_sources:missing", "has no callable 'missing'"),
        ("somebodys_sources:number", "has no callable 'number'"),
        ("somebodys_sources:bad", "returned a int without n_classes, n_exemplars"),
        ("somebodys_sources:odd", "id, vector, image, got 'sound'"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_source(name)


@pytest.mark.parametrize("name", ["leaving_sources:good", "somebodys_sources:leaving"])
def test_a_source_that_calls_sys_exit_ends_no_command_as_if_it_were_done(name: str) -> None:
    with pytest.raises(ValueError, match="SystemExit: 0"):
        load_source(name)
