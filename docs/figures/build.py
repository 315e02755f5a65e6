"""Make this page of what `nox -s figures` has made: its pictures, and what experiments claim, held against runs.

python docs/figures/build.py figures-runs    copies the pictures and claims.json, and writes README.md
python docs/figures/build.py --check         says whether README.md is what claims.json holds; exit code 1
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXPERIMENTS = (
    "figure2",
    "figure3",
    "figure4",
    "figure5",
    "figure6",
    "figure7",
    "figure3-adamw",
    "transience",
    "tradeoff",
)
HEAD = """\
# The figures, drawn from runs on a laptop

Every experiment at laptop scale: Gaussian classes in place of Omniglot, small models, minutes (`icl-train experiments
NAME` says in what each differs from the paper). All of it is one command, bounded at an hour on two cores; the same
command goes on where it was:

```bash
nox -s figures
```

Below each picture are the two commands that make it alone, and what the experiment claims with what these runs show:
the mean over seeds with its 95% interval (Student's t), and the bound that is asserted. Where nothing is asserted at
this scale it says what was tried. [claims.json](claims.json) has the numbers; this page is written from it by
[build.py](build.py).
"""


def page(claims: list[dict[str, Any]]) -> str:
    """The text of README.md."""
    parts = [HEAD]
    for name in EXPERIMENTS:
        own = [row for row in claims if row["experiment"] == name and row["scale"] == "laptop"]
        commands = f"icl-train sweep {name} --scale laptop --root runs\nicl-eval {name} runs --experiment {name}"
        table = ["| claim | measured | 95% interval | seeds | bound | |", "|---|---|---|---|---|---|", *map(line, own)]
        parts.append(f"## {name}\n\n![{name}]({name}.png)\n\n```bash\n{commands}\n```\n")
        parts.append("\n".join(table))
    return "\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def line(row: dict[str, Any]) -> str:
    """A claim as a row of a table."""
    bounds = [f"{sign} {row[end]:g}" for sign, end in ((">", "above"), ("<", "below")) if row[end] is not None]
    interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    verdict = row["judgement"] + (f": {row['reason']}" if row["reason"] else "")
    cells = (row["claim"], f"{row['measured']:.3f}", interval, row["n_seeds"], " ".join(bounds), verdict)
    return f"| {' | '.join(map(str, cells))} |"


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    if args == ["--check"]:
        same = (HERE / "README.md").read_text() == page(json.loads((HERE / "claims.json").read_text()))
        print("as claims.json has it" if same else "README.md is not what claims.json holds")
        return 0 if same else 1
    (folder,) = map(Path, args)
    claims = json.loads((folder / "claims.json").read_text())
    for name in EXPERIMENTS:
        shutil.copyfile(folder / name / f"{name}.png", HERE / f"{name}.png")
    shutil.copyfile(folder / "claims.json", HERE / "claims.json")
    (HERE / "README.md").write_text(page(claims))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
