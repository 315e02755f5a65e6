"""CITATION.cff, and the page that is made of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
PAPERS = {"2205.05055", "2312.03002", "2311.08360", "2404.07129", "2503.05631"}


@pytest.fixture(scope="module")
def cited():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_it_has_what_version_1_2_0_of_the_format_asks_for(cited):
    assert cited["cff-version"] == "1.2.0"
    assert {"title", "message", "authors"} <= cited.keys()
    for one in cited["references"]:
        assert {"type", "title", "authors"} <= one.keys()
        assert all({"given-names", "family-names"} == author.keys() for author in one["authors"])


def test_the_packages_have_its_version_authors_and_licence(cited, settings):
    for package in settings.values():
        project = package["project"]
        assert (project["version"], project["license"]) == (str(cited["version"]), cited["license"])
        assert project["authors"] == cited["authors"]


def test_the_papers_are_those_that_are_re_created(cited):
    numbers = {one["identifiers"][0]["value"].removeprefix("arXiv:") for one in cited["references"]}
    assert numbers == PAPERS == {one["url"].rpartition("/")[2] for one in cited["references"]}


def test_the_page_is_what_the_file_gives():
    command = [sys.executable, str(ROOT / "tools" / "cite.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_has_an_entry_for_everything(cited):
    page = (ROOT / "docs" / "cite.md").read_text(encoding="utf-8")
    entries = re.findall(r"^@(\w+)\{(\w+),\n((?:  .*\n)+)\}$", page, re.MULTILINE)
    assert len({key for _, key, _ in entries}) == 1 + len(cited["references"])
    for text in (fields for _, _, fields in entries):
        assert text.count("{") == text.count("}")
