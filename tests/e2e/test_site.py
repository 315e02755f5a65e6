"""What the build of the site makes by itself: pages of experiments, and the pictures of the ideas."""

import importlib.util
import json

import pytest
from blocks import ROOT, blocks, command_lines, wrong

DOCS = ROOT / "docs"


def _part(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / "_site" / f"{name}.py")
    part = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(part)
    return part


@pytest.fixture(scope="module")
def pages():
    part = _part("experiment_pages")
    claims = json.loads((DOCS / "gallery" / "claims.json").read_text())
    return {experiment["name"]: (experiment, part.page(experiment, claims)) for experiment in part.experiments()}


def test_every_experiment_of_the_gallery_has_a_page(pages):
    assert set(pages) == {one["name"] for one in json.loads((DOCS / "gallery" / "experiments.json").read_text())}


def test_pages_have_each_claim_with_what_was_measured(pages):
    for claim in json.loads((DOCS / "gallery" / "claims.json").read_text()):
        (line,) = [
            line for line in pages[claim["experiment"]][1].split("\n") if line.startswith(f"| {claim['claim']} |")
        ]
        assert claim["judgement"] in line
        if isinstance(claim["measured"], float):
            assert f"{claim['measured']:.3f}" in line


def test_commands_of_pages_have_the_options_they_are_given(pages):
    lines = [words for _, page in pages.values() for block in blocks(page) for words in command_lines(block.text)]
    assert lines
    assert [said for said in map(wrong, lines) if said] == []


def test_every_picture_of_the_ideas_has_its_command():
    drawn = {words[-1] for words in _part("idea_pictures").commands()}
    assert drawn == {path.name for path in (DOCS / "ideas").glob("*.png")}
