"""Make this page of what `nox -s figures` and `nox -s followups` have made: pictures, and claims held against runs.

python docs/figures/build.py figures-runs followups-runs    copies their pictures and claims, and writes README.md; of
                                                            experiments that they do not have, it keeps what is there
python docs/figures/build.py --check                        says whether README.md is what claims.json holds; else 1
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXPERIMENTS = {  # and what its figure is called
    **{f"figure{number}": f"figure{number}" for number in range(2, 8)},
    "figure3-adamw": "figure3-adamw",
    "tradeoff": "tradeoff",
    "reddy2023": "reddy2023",
    "reddy2023-phases": "reddy2023-phases",
    "singh2023-transience": "transience",
    "singh2024-induction": "singh2024-induction",
    "singh2025-coopetition": "singh2025-coopetition",
}
HEAD = """\
# The figures, drawn from runs on a laptop

Every experiment at laptop scale: Gaussian classes in place of Omniglot, small models, minutes (`icl-train experiments
NAME` says in what each differs from the paper). All of it is two commands, each bounded at an hour on two cores; the
same command goes on where it was:

```bash
nox -s figures       # Chan et al. 2022
nox -s followups     # Reddy 2023, Singh et al. 2023, 2024 and 2025
```

Below each picture are the two commands that make it alone, and what the experiment claims with what these runs show:
the mean over seeds with its 95% interval (Student's t), and the bound that is asserted. Where nothing is asserted at
this scale it says what was tried. [claims.json](claims.json) has the numbers; this page is written from it by
[build.py](build.py).
"""


def page(claims: list[dict[str, Any]]) -> str:
    """The text of README.md."""
    parts = [HEAD]
    for name, figure in EXPERIMENTS.items():
        own = [row for row in claims if row["experiment"] == name and row["scale"] == "laptop"]
        commands = f"icl-train sweep {name} --scale laptop --root runs\nicl-eval {figure} runs --experiment {name}"
        table = ["| claim | measured | 95% interval | seeds | bound | |", "|---|---|---|---|---|---|", *map(line, own)]
        parts.append(f"## {name}\n\n![{figure}]({figure}.png)\n\n```bash\n{commands}\n```\n")
        parts.append("\n".join(table))
    return "\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def line(row: dict[str, Any]) -> str:
    """A claim as a row of a table."""
    bounds = [f"{sign} {row[end]:g}" for sign, end in ((">", "above"), ("<", "below")) if row[end] is not None]
    interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    verdict = row["judgement"] + (f": {row['reason']}" if row["reason"] else "")
    measured = row["measured"]
    value = measured if isinstance(measured, str) else "" if measured is None else f"{measured:.3f}"
    cells = (row["claim"], value, interval, row["n_seeds"], " ".join(bounds), verdict)
    return f"| {' | '.join(map(str, cells))} |"


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    if args == ["--check"]:
        same = (HERE / "README.md").read_text() == page(json.loads((HERE / "claims.json").read_text()))
        print("as claims.json has it" if same else "README.md is not what claims.json holds")
        return 0 if same else 1
    claims = json.loads((HERE / "claims.json").read_text())
    for folder in map(Path, args):
        found = [row for row in json.loads((folder / "claims.json").read_text()) if row["experiment"] in EXPERIMENTS]
        claims = [row for row in claims if row["experiment"] not in {new["experiment"] for new in found}] + found
        for name, figure in EXPERIMENTS.items():
            if (folder / name).is_dir():
                shutil.copyfile(folder / name / f"{figure}.png", HERE / f"{figure}.png")
    order = list(EXPERIMENTS)
    claims.sort(key=lambda row: order.index(row["experiment"]))
    (HERE / "claims.json").write_text(json.dumps(claims, indent=1) + "\n")
    (HERE / "README.md").write_text(page(claims))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
