"""Pages of the experiments: what each varies, its scales and commands, its picture, and its claims held against runs.

All of it comes from what `icl-train experiments --json` says and from the files of the gallery.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from claim_cells import bound_of, interval_of, number

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
FOLDER = DOCS / "experiments"
RESULTS = DOCS / "gallery"
GRID = ("::::{grid} 1 2 2 2", ":gutter: 3", "")


def experiments() -> list[dict[str, Any]]:
    """What the built-in experiments are, as the command says it."""
    command = [sys.executable, "-m", "icl_train", "experiments", "--json", "--no-time"]
    found: list[dict[str, Any]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def page(experiment: dict[str, Any], claims: list[dict[str, Any]]) -> str:
    """The page of one experiment."""
    name, figures = experiment["name"], experiment["figures"]
    picture = RESULTS / f"{figures[0]}.png"
    parts = [f"# {name}", experiment["tests"], f"After {experiment['paper']}, {experiment['section']}."]
    if picture.is_file():
        parts += [f"![{figures[0]} at laptop scale](../{RESULTS.name}/{picture.name})"]
        parts += [f"*What `icl-eval {figures[0]}` draws of the runs at laptop scale.*"]
    parts += ["## What is claimed, and what was seen", *seen(name, claims)]
    parts += ["## Commands", "See what it would train, and for how long; train it; draw it; check its claims:"]
    scale = "laptop" if "laptop" in experiment["scales"] else next(iter(experiment["scales"]))
    lines = [f"icl-train experiments {name}", f"icl-train sweep {name} --scale {scale} --root runs --dry-run"]
    lines += [f"icl-train sweep {name} --scale {scale} --root runs"]
    lines += [f"icl-eval {figure} runs --experiment {name}" for figure in figures]
    lines += [f"icl-eval claims runs --experiment {name}"]
    parts += ["\n".join(["```bash parsed", *lines, "```"])]
    parts += ["`--scale` takes any of the scales below, and all options of `icl-train run` can be added."]
    parts += ["## What varies", axes(experiment), "## Scales", scales(experiment)]
    return "\n\n".join(parts) + "\n"


def seen(name: str, claims: list[dict[str, Any]]) -> list[str]:
    """The claims of an experiment at laptop scale, beside what runs have shown."""
    own = [row for row in claims if row["experiment"] == name and row["scale"] == "laptop"]
    if not own:
        return ["Nothing has been measured at laptop scale yet."]
    lines = ["| claim | measured, with its 95% interval | seeds | bound | |", "|---|---|---|---|---|"]
    for row in own:
        interval = f" ({interval_of(row)})" if interval_of(row) else ""
        verdict = row["judgement"] + (f": {row['reason']}" if row["reason"] else "")
        cells = (row["claim"], f"{number(row['measured'])}{interval}", row["n_seeds"], bound_of(row), verdict)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    told = "Measured are means over seeds, intervals by Student's t. A claim holds if the mean is within the bound; "
    told += "this is checked each time the gallery is made."
    return ["\n".join(lines), f"{told} The numbers are from [claims.json](../{RESULTS.name}/claims.json)."]


def axes(experiment: dict[str, Any]) -> str:
    """The axes as a table: the points of each at every scale."""
    if not experiment["axes"]:
        return "Nothing: the same settings in every run."
    of_scale = {name: {axis["name"]: axis for axis in scale["axes"]} for name, scale in experiment["scales"].items()}
    lines = [f"| axis | {' | '.join(f'`{name}`' for name in of_scale)} |", "|---" * (1 + len(of_scale)) + "|"]
    for name in dict.fromkeys(axis for own in of_scale.values() for axis in own):
        points = [own[name]["points"] if name in own else [] for own in of_scale.values()]
        cells = [", ".join(point["label"] for point in those) for those in points]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def scales(experiment: dict[str, Any]) -> str:
    """The scales as a table: what each is, how many runs it has, and how long they are."""
    lines = ["| scale | preset | runs | seeds | updates of a run | what it is |", "|---|---|---|---|---|---|"]
    for name, scale in experiment["scales"].items():
        updates = " to ".join(f"{steps:,}" for steps in sorted(set(scale["updates"])))
        cells = (f"`{name}`", f"`{scale['preset']}`", len(scale["runs"]), len(scale["seeds"]), updates)
        lines.append(f"| {' | '.join(map(str, cells))} | {scale['note'] or 'As published.'} |")
    return "\n".join(lines)


def card(experiment: dict[str, Any]) -> str:
    """The experiment on the page of all of them: its picture, small, and what it asks."""
    picture = RESULTS / f"{experiment['figures'][0]}.png"
    lines = [f":::{{grid-item-card}} {experiment['name']}", f":link: {experiment['name']}", ":link-type: doc"]
    lines += [f":img-top: ../{RESULTS.name}/{picture.name}"] if picture.is_file() else []
    return "\n".join([*lines, f":img-alt: {experiment['tests']}", "", experiment["tests"], ":::"])


def write_pages(app: Sphinx | None = None) -> None:
    """Write the pages anew where they have changed, and take away those of experiments that are gone."""
    claims = json.loads((RESULTS / "claims.json").read_text(encoding="utf-8"))
    found = experiments()
    pages = {f"{experiment['name']}.md": page(experiment, claims) for experiment in found}
    cards: dict[str, list[str]] = {}
    for experiment in found:
        cards.setdefault(experiment["paper"], []).append(card(experiment))
    groups = []
    for paper, own in cards.items():
        author, _, title = paper.partition(", ")
        groups.append("\n".join([f"## {author}", "", f"{title}.", "", *GRID, *own, "::::"]))
    pages["_cards.md"] = "\n\n".join(groups) + "\n"
    for old in FOLDER.glob("*.md"):
        if old.name not in (*pages, "index.md"):
            old.unlink()
    for name, text in pages.items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
