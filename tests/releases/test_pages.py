"""The pages on contributing, citing, releasing and sessions: what they name is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / f"{name}.md" for name in ("cite", "releasing", "sessions"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def sessions():
    """Names of nox's sessions."""
    found = set()
    for one in ast.parse((ROOT / "noxfile.py").read_text()).body:
        if isinstance(one, ast.FunctionDef) and any(ast.unparse(mark) == "nox.session" for mark in one.decorator_list):
            found.add(one.name)
    return found


def anchors(page):
    """What a page's headings are called in links."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@each
def test_links_lead_somewhere(page):
    for path, anchor in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        assert path == "ADDRESS/…" or target.exists(), path
        assert not anchor or anchor in anchors(target), anchor


@each
def test_sessions_that_are_named_exist(page):
    text = page.read_text()
    named = " ".join(re.findall(r"nox -s ([\w ]+)", text)).split() + re.findall(r'nox -s "(\w+)\(', text)
    assert set(named) <= sessions()


def test_every_session_is_described():
    rows = [line.split("|")[1] for line in PAGES[-1].read_text().splitlines() if line.startswith("| `nox")]
    described = " ".join(re.findall(r"nox -s ([\w ]+)", " ".join(rows))).split()
    assert set(described) == sessions()


def test_what_contributing_says_can_be_read_in_a_sitting():
    assert len(PAGES[0].read_text().splitlines()) < 120


def test_files_that_are_named_exist():
    for page in (PAGES[0], PAGES[2]):
        for path in re.findall(
            r"`((?:packages|tests|tools|docs|examples|results|benchmarks)/[\w./*-]*)`", page.read_text()
        ):
            assert list(ROOT.glob(path.rstrip("/"))), path
