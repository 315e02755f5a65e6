"""The pages on contributing, citing, releasing and sessions: sessions and files that they name are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / f"{name}.md" for name in ("cite", "releasing", "sessions"))]
each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def sessions():
    """Names of nox's sessions."""
    found = set()
    for one in ast.parse((ROOT / "noxfile.py").read_text()).body:
        if isinstance(one, ast.FunctionDef) and any(ast.unparse(mark) == "nox.session" for mark in one.decorator_list):
            found.add(one.name)
    return found


@each
def test_sessions_that_are_named_exist(page):
    text = page.read_text()
    named = " ".join(re.findall(r"nox -s ([\w ]+)", text)).split() + re.findall(r'nox -s "(\w+)\(', text)
    assert set(named) <= sessions()


def test_every_session_is_described_once():
    rows = [line.split("|")[1] for line in PAGES[-1].read_text().splitlines() if line.startswith("| `nox")]
    described = " ".join(re.findall(r"nox -s ([\w ]+)", " ".join(rows))).split()
    assert sorted(described) == sorted(sessions())


def test_what_contributing_says_can_be_read_in_a_sitting():
    assert len(PAGES[0].read_text().splitlines()) < 120


def test_files_that_are_named_exist():
    for page in (PAGES[0], PAGES[2]):
        for path in re.findall(
            r"`((?:packages|tests|tools|docs|examples|results|benchmarks)/[\w./*-]*)`", page.read_text()
        ):
            assert list(ROOT.glob(path.rstrip("/"))), path
