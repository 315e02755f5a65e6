"""Blocks of code in the site's pages run, commands name options that exist, and links of all pages lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import FENCE, FILE, ROOT, Block, blocks, command_lines, commands_in_text, wrong

DOCS = ROOT / "docs"
MADE = {"page.md"}  # what pages are made from


def _tracked(*patterns: str) -> list[Path]:
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    hidden = [path for path in found if any(part.startswith(("_", ".")) for part in path.relative_to(ROOT).parts)]
    made = [path for path in found if path.parent == DOCS / "experiments" and path.name != "index.md"]
    return sorted(path for path in found.difference(hidden, made) if path.name not in MADE)


PAGES = _tracked("docs/**/*.md")
EVERY_PAGE = sorted(
    {*PAGES, *_tracked("*.md", "packages/*/*.md", "examples/*/*.md", "results/**/*.md", "benchmarks/results/*.md")}
)
KNOWN = {"bash", "bash parsed", "python", "python jax", "bibtex", "json", "toml", "text", ""}
# Pages that are written by scripts, whose commands take hours, or files of others.
LONG = {DOCS / "gallery" / "README.md", DOCS / "how-to" / "from-other-code.md", DOCS / "reliability.md"}
RUN = [page for page in PAGES if page not in LONG]
EXPERIMENTS = {one["name"] for one in json.loads((DOCS / "gallery" / "experiments.json").read_text())}


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def runs_here(block: Block) -> bool:
    return block.info in ("bash", "python")


@pytest.mark.parametrize("page", [page for page in RUN if any(map(runs_here, blocks(page.read_text())))], ids=name)
def test_its_blocks_run_in_their_order(page, tmp_path):
    for beside in page.parent.glob("*.py"):
        shutil.copy(beside, tmp_path)
    for number, block in enumerate(filter(runs_here, blocks(page.read_text()))):
        named = FILE.match(block.text)
        file = tmp_path / (named[1] if named else f"block{number}.py")
        if block.info == "python":
            file.write_text(block.text)
        command = ["bash", "-euo", "pipefail", "-c", block.text] if block.info == "bash" else [sys.executable, file]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        env = {**os.environ, "PATH": path, "COLUMNS": "80"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block.text}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("page", [page for page in EVERY_PAGE if "```bash" in page.read_text()], ids=name)
def test_its_commands_have_the_options_they_are_given(page):
    shell = [block.text for block in blocks(page.read_text()) if block.info.startswith("bash")]
    lines = [words for text in shell for words in command_lines(text)]
    assert [said for said in map(wrong, lines) if said] == []


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name)
def test_commands_in_its_text_have_the_options_they_are_given(page):
    assert [said for said in map(wrong, commands_in_text(page.read_text())) if said] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_test_knows_what_to_do_with_each_of_its_blocks(page):
    infos = {block.info for block in blocks(page.read_text())}
    assert {info for info in infos if not info.startswith("{")} <= KNOWN


@pytest.mark.parametrize(
    "line",
    [
        "icl-train run laptop --optim.max-rl 1",
        "icl-train sweep --stall-hours 3",
        "icl-eval plot runs --sixe 3",
        "icl-eval NAME RUNS --output FILE",
        "nox -s doc",
    ],
)
def test_a_command_that_is_wrong_is_noticed(line):
    assert wrong(line.split())
    assert commands_in_text(f"Say `{line}`.\n\n```bash\n{line}\n```\n") == [line.split()]


LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)(?:\s\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as repository browsers and the site make them."""
    text = FENCE.sub("", page.read_text())
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "") for heading in HEADING.findall(text)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def leads_nowhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    if path.startswith("ADDRESS/"):  # where the repository lies, to be put in
        return False
    target = (page.parent / path).resolve() if path else page
    if target.is_dir() and anchor:
        target = target / "README.md"
    made = target.parent == DOCS / "experiments" and target.stem in EXPERIMENTS
    if not (target.exists() or made):
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name)
def test_its_links_and_their_anchors_exist(page):
    assert [link for link in LINK.findall(FENCE.sub("", page.read_text())) if leads_nowhere(page, link)] == []
