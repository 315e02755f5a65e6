"""Blocks of code in Markdown pages, and command lines in them: to run, or held against what their command offers.

The word behind the language says what a test does with a block: ``bash`` is run, ``bash parsed`` is not, as it takes
too long, or needs what a test has not (a GPU, a cluster, a network); its options must exist.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import itertools
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```+([^\n`]*)\n(.*?)^```+\s*$", re.MULTILINE | re.DOTALL)
OURS = ("icl-data", "icl-models", "icl-train", "icl-eval")
IN_TEXT = re.compile(r"`((?:icl-(?:data|models|train|eval)|nox) [^`\n]+)`")
FILE = re.compile(r"# (\w+\.py)\n")
# What a line names and a test does not have: experiments of plugins, and names that readers put in.
STAND_INS = dict.fromkeys(("linear-attention-gate", "heads", "NAME"), "figure2")
STAND_INS |= dict.fromkeys(("PRESET", "PRESET|RUN"), "smoke")
USUAL = {
    "run": "laptop",
    "sweep": "figure2",
}  # command of icl-train → what it is asked about where a line names nothing
ALWAYS = {"--", "--help", "--help-all", "--version"}
OF_PLUGINS = re.compile(r"--[\w.-]+-config\.")
SESSION = re.compile(r"^@nox\.session.*?^def (\w+)\(", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code: what stands behind its fence, and its text."""

    info: str
    text: str


def commands_in_text(page: str) -> list[list[str]]:
    """The words of each command of the project between backticks in a page's text, outside of blocks."""
    spans = IN_TEXT.findall(FENCE.sub("", page))
    return [words for span in spans for words in command_lines(span)]


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    return [Block(info.strip(), text) for info, text in FENCE.findall(page)]


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of each command in a block for the shell, without comments; a line may go on with a backslash."""
    for line in text.replace("\\\n", " ").split("\n"):
        words: list[str] = []
        for word in shlex.split(line, comments=True):
            if word in ("&&", "|", ";"):
                yield words
                words = []
            else:
                words.append(word)
        if words:
            yield words


def wrong(words: list[str]) -> str | None:
    """What is wrong with a command that is not run; None if nothing is, or if it is none of the project's."""
    name = Path(words[0]).name
    if name == "nox":
        return _wrong_session(words)
    if name not in OURS:
        return None
    plain = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    here = [STAND_INS.get(word, "laptop" if word.startswith("runs/") else word) for word in plain if word != "…"]
    bare = name == "icl-train" and len(here) == 2 and here[1] in USUAL
    asked = [[*here, USUAL[here[1]]]] if bare else [words, plain, here]
    # What a line names may not be here: a plugin, a file, a run.
    text = next(filter(None, map(offered, map(tuple, asked))), None)
    if text is None:
        return f"{shlex.join(words)}: no such command"
    known = set(re.findall(r"--[\w.-]+", text))
    given = {word.split("=")[0].replace("_", "-") for word in words[1:] if word.startswith("--")}
    unknown = sorted(option for option in given - known - ALWAYS if not OF_PLUGINS.match(option))
    return f"{shlex.join(words)}: no such option: {', '.join(unknown)}" if unknown else None


def _wrong_session(words: list[str]) -> str | None:
    sessions = SESSION.findall((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    given = words[: words.index("--")] if "--" in words else words
    asked = given[given.index("-s") + 1 :] if "-s" in given else []
    unknown = [one for one in asked if re.sub(r"[-(].*", "", one) not in sessions]
    return f"{shlex.join(words)}: no such session: {', '.join(unknown)}" if unknown else None


@functools.cache
def offered(words: tuple[str, ...]) -> str:
    """All the help of a command; empty if there is no such command."""
    package = words[0].replace("-", "_")
    arguments = [*words[1:], "--help-all" if package == "icl_train" else "--help"]
    main = importlib.import_module(f"{package}.__main__").main
    text, code = io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", [words[0], *arguments]),
        mock.patch.dict("os.environ", COLUMNS="200"),
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(text),
    ):
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code
    return "" if code else text.getvalue()
