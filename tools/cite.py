"""Write docs/cite.md from CITATION.cff: how to cite, in BibTeX.

python tools/cite.py            writes the page, in an environment with PyYAML
python tools/cite.py --check    exit code 1 if it is not what would be written
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cite.md"
HEAD = """# How to cite

*Made from [CITATION.cff](../CITATION.cff) by `python tools/cite.py`.*

Cite the software with its version (`icl-train --version`; a run folder's `config.json` has the versions it was made
with), and the papers whose experiments you ran. The software has no paper and no DOI of its own.

"""
PAPERS = """
These are the papers whose experiments it re-creates: `figure2` to `figure7` and `tradeoff` are from Chan et al. 2022,
`reddy2023` and `reddy2023-phases` from Reddy 2023, and `singh2023-transience`, `singh2024-induction` and
`singh2025-coopetition` from Singh et al. of those years.

"""
OMNIGLOT = """
Omniglot's images are (c) 2015 Brenden Lake, MIT licence. If you train on them, cite Lake, Salakhutdinov and Tenenbaum
2015, "Human-level concept learning through probabilistic program induction", Science 350(6266), 1332-1338.
"""


def page(cited: dict[str, Any]) -> str:
    """The page.

    Args:
        cited: what CITATION.cff has.
    """
    (author,) = cited["authors"]
    software = {"author": f"{{{author['name']}}}", "title": cited["title"], "version": str(cited["version"])}
    papers = [_entry("article", *_paper(one)) for one in cited["references"]]
    return HEAD + _block([_entry("software", "icl", software)]) + PAPERS + _block(papers) + OMNIGLOT


def _paper(reference: dict[str, Any]) -> tuple[str, dict[str, str]]:
    (identifier,) = reference["identifiers"]
    number = identifier["value"].removeprefix("arXiv:")
    names = [f"{one['family-names']}, {one['given-names']}" for one in reference["authors"]]
    fields = {
        "author": " and ".join(names),
        "title": reference["title"],
        "year": str(reference["year"]),
        "journal": f"arXiv preprint arXiv:{number}",
        "url": reference["url"],
    }
    return f"{reference['authors'][0]['family-names'].lower()}{reference['year']}", fields


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _block(entries: Sequence[str]) -> str:
    return "```bibtex\n" + "\n\n".join(entries) + "\n```\n"


def main(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="cite.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is another")
    is_checked = parser.parse_args(args).check
    text = page(yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")))
    if not is_checked:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") != text:
        print("docs/cite.md must be what CITATION.cff gives: python tools/cite.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
