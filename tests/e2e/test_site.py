"""What the build of the site makes by itself: pages of experiments, and the pictures of the ideas."""

import importlib.util
import json

import pytest
from blocks import ROOT, blocks, command_lines, wrong

DOCS = ROOT / "docs"
EXPERIMENTS = DOCS / "_site" / "experiment_pages.py"


def _part(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    part = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(part)
    return part


@pytest.fixture(scope="module")
def pages():
    part = _part(EXPERIMENTS)
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
        measured = claim["measured"]
        if isinstance(measured, float):
            assert (f"{measured:,.0f}" if abs(measured) >= 1000 else f"{measured:.3f}") in line


def test_a_claim_reads_the_same_on_its_page_and_in_the_gallery(pages):
    row = {"experiment": "figure2", "scale": "laptop", "claim": "It comes late.", "n_seeds": 3, "reason": ""}
    row |= {"measured": 7666.7, "low": 6000.0, "high": 9333.4, "above": None, "below": 9500, "judgement": "holds"}
    experiment, _ = pages["figure2"]
    assert "| It comes late. | 7,667 (6,000 to 9,333) | 3 | < 9500 | holds |" in _part(EXPERIMENTS).page(
        experiment, [row]
    )
    gallery = _part(DOCS / "gallery" / "build.py")
    assert gallery.line(row) == "| It comes late. | 7,667 | 6,000 to 9,333 | 3 | < 9500 | holds |"


def test_commands_of_pages_have_the_options_they_are_given(pages):
    lines = [words for _, page in pages.values() for block in blocks(page) for words in command_lines(block.text)]
    assert lines
    assert [said for said in map(wrong, lines) if said] == []


def test_every_picture_of_the_ideas_has_its_command():
    drawn = {words[-1] for words in _part(DOCS / "_site" / "idea_pictures.py").commands()}
    assert drawn == {path.name for path in (DOCS / "ideas").glob("*.png")}
