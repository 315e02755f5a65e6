"""A library that is missing is one line that says how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from icl_data.foundation.extras import MissingExtra, import_extra, require_extra

LINE = r'^tracker x needs {}, which is not installed: pip install "icl-train\[x\]"$'


@pytest.mark.parametrize("ask", [import_extra, require_extra])
def test_a_missing_library_is_named_with_its_extra(ask) -> None:
    with pytest.raises(MissingExtra, match=LINE.format("no_such_library")):
        ask("no_such_library.part", "icl-train[x]", "tracker x")


@pytest.mark.parametrize("ask", [import_extra, require_extra])
def test_an_empty_folder_of_its_name_is_not_the_library(ask, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "nothing_in_it").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingExtra, match=LINE.format("nothing_in_it")):
        ask("nothing_in_it", "icl-train[x]", "tracker x")


def test_what_a_library_needs_itself_is_named_as_missing(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "half_there.py").write_text("import its_other_half\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingExtra, match=LINE.format("its_other_half")):
        import_extra("half_there", "icl-train[x]", "tracker x")


def test_it_is_an_import_error_and_a_mistake() -> None:
    assert issubclass(MissingExtra, ImportError)
    assert issubclass(MissingExtra, ValueError)


def test_a_library_that_is_there_is_imported() -> None:
    assert import_extra("json.decoder", "icl-train[x]", "tracker x").JSONDecoder
