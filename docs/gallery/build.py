"""Make the gallery of what `nox -s gallery` has made: pictures, claims held against runs, times.

python docs/gallery/build.py FOLDER [FOLDER ...]   takes what is finished in such folders, and writes README.md and the
                                                   table of the repository's front page; of experiments whose runs
                                                   are not all there, what is here stays
python docs/gallery/build.py --check               says whether both are what the files beside it hold; else 1
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from claim_cells import bound_of, interval_of, is_secured, number

HERE = Path(__file__).parent
FRONT = HERE.parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- gallery -->\n).*?(<!-- end -->)", re.DOTALL)  # of the front page
MORE = {  # experiment → the page that goes into it
    "figure3": ("figure3a", "the same on Omniglot, beside the paper's values"),
    "figure3-adamw": ("weight-decay", "more on decay"),
    "reddy2023": ("followups", "beside the paper"),
    "singh2023-transience": ("followups", "where transience did not appear, and where L2 is no cure"),
    "singh2024-induction": ("followups", "beside the paper, and the heads' strengths"),
    "singh2025-coopetition": ("followups", "what was tried until it came"),
}
HEAD = """\
# Gallery

Every experiment, trained, drawn and judged at laptop scale: Gaussian classes in place of Omniglot, and small models
that take minutes. One command makes all of it. It stops after an hour (`-- --minutes M`), and the same command goes on
where it stopped:

```bash
nox -s gallery
```

![One panel each of five of the figures](strip.png)

Each experiment has its picture, the two commands that make it alone, the time that its runs took, its claims beside
what these runs show (the mean over seeds, its 95% interval by Student's t, wide with two or three seeds, and the bound
that is asserted), and what did not appear. Times are sums over the runs, of which as many run at once as there are
cores, so that the wait is shorter; the machines may have been busy with other work. The numbers are in
[claims.json](claims.json), [runs.csv](runs.csv) and [experiments.json](experiments.json), from which
[build.py](build.py) writes this page.
"""


def files_of(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Experiments, claims and runs of a gallery."""
    claims = json.loads((folder / "claims.json").read_text())
    experiments = json.loads((folder / "experiments.json").read_text())
    return experiments, claims, rows_of(folder / "runs.csv")


def page(folder: Path) -> str:
    """The text of README.md."""
    experiments, claims, runs = files_of(folder)
    parts = [HEAD, overview(experiments, claims, runs)]
    for paper in dict.fromkeys(one["paper"] for one in experiments):
        parts.append(f"## {paper.partition(', ')[0]}\n\n{paper.partition(', ')[2]}.\n")
        for one in experiments:
            if one["paper"] == paper:
                parts.append(entry(one, of(one, claims), of(one, runs)))
    return "\n".join(parts)


def of(experiment: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of an experiment."""
    return [row for row in rows if row["experiment"] == experiment["name"]]


def front(folder: Path) -> str:
    """The text of the repository's front page, with the table of all experiments."""
    table = overview(*files_of(folder), f"{HERE.relative_to(FRONT.parent)}/README.md")
    return BLOCK.sub(lambda block: f"{block[1]}{table}{block[2]}", FRONT.read_text(encoding="utf-8"))


def overview(
    experiments: list[dict[str, Any]], claims: list[dict[str, Any]], runs: list[dict[str, Any]], gallery: str = ""
) -> str:
    """All experiments as a table, and below it what its counts of claims are.

    Args:
        experiments, claims, runs: of the gallery.
        gallery: path of the gallery's page from the one that gets the table; empty for the gallery's own.
    """
    counts = ("claims that hold", "with their whole interval", "did not appear")
    head = ("experiment", "what it tests", *counts, "time of all runs")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for one in experiments:
        judged = Counter(row["judgement"] for row in of(one, claims))
        asserted = sum(judged.values()) - judged["not asserted"]
        held = f"{judged['holds']} of {asserted}" if asserted else "none judged yet"
        absent = sum(judged.values()) - judged["holds"] - judged["cannot say"]
        name = f"[{one['name']}]({gallery}#{one['name']})"
        secured = str(sum(map(is_secured, of(one, claims)))) if asserted else ""
        cells = (name, one["tests"], held, secured, str(absent or ""), total(of(one, runs)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", secured_in_all(claims)]) + "\n"


def secured_in_all(claims: list[dict[str, Any]]) -> str:
    """How many claims hold, with how many of their intervals, and what that means."""
    held = [row for row in claims if row["judgement"] == "holds"]
    secured, alone = sum(map(is_secured, held)), sum(row["low"] is None for row in held)
    told = "A claim holds if its mean over seeds is on the claimed side of its bound. "
    told += f"Of the {len(held)} that hold, {secured} have their whole 95% interval there"
    told += f"; {alone} rest on one seed, and have no interval" if alone else ""
    open_ = len(held) - secured - alone
    return f"{told}{f'; of the other {open_} it takes more seeds to be sure' if open_ else ''}."


def entry(experiment: dict[str, Any], claims: list[dict[str, Any]], runs: list[dict[str, Any]]) -> str:
    """An experiment of the gallery."""
    name, figure = experiment["name"], experiment["figure"]
    commands = f"icl-train sweep {name} --scale laptop --root runs\nicl-eval {figure} runs --experiment {name}"
    parts = [f"### {name}", f"{experiment['tests']} After {experiment['section']}. {experiment['note']}"]
    parts += [
        f"![{figure}: {experiment['tests']}]({figure}.png)",
        f"```bash\n{commands}\n```",
        f"**Time.** {took(runs)}",
    ]
    table = ["| claim | measured | 95% interval | seeds | bound | |", "|---|---|---|---|---|---|", *map(line, claims)]
    parts.append("**Claimed and seen.**\n\n" + "\n".join(table) if claims else "**Claimed and seen.** Not judged yet.")
    missed = [row for row in claims if row["judgement"] != "holds"]
    told = "\n".join(map(absent, missed))
    if missed:
        parts.append(f"**What did not appear.**\n\n{told}")
    unsure = [row for row in claims if row["judgement"] == "holds" and not is_secured(row)]
    if unsure:
        parts.append("**Appeared in the mean; not yet sure.**\n\n" + "\n".join(map(open_still, unsure)))
    if claims and not missed and not unsure:
        parts.append("All that is claimed at this scale appeared, with the whole interval.")
    if name in MORE:
        parts.append(f"More: [results/{MORE[name][0]}](../../results/{MORE[name][0]}), {MORE[name][1]}.")
    return "\n\n".join(parts) + "\n"


def line(row: dict[str, Any]) -> str:
    """A claim as a row of a table."""
    measured = (number(row["measured"]), interval_of(row), row["n_seeds"], bound_of(row))
    cells = (row["claim"], *measured, row["judgement"])
    return f"| {' | '.join(map(str, cells))} |"


def absent(row: dict[str, Any]) -> str:
    """A claim that does not hold, is not asserted or cannot be judged, with why."""
    seen = "" if row["measured"] is None else f" Measured: {number(row['measured'])}."
    said = {"not asserted": "Not asserted at this scale", "cannot say": "It cannot be said yet"}
    why = f"{said.get(row['judgement'], 'It does not hold')}{': ' + row['reason'] if row['reason'] else ''}"
    return f"- *{row['claim']}*{seen} {why}{'' if why.endswith('.') else '.'}"


def open_still(row: dict[str, Any]) -> str:
    """A claim that holds, but not with its whole interval, with why."""
    if row["low"] is None:
        return f"- *{row['claim']}* There is one seed, and no interval."
    return f"- *{row['claim']}* The interval, {interval_of(row)}, goes beyond the bound, {bound_of(row)}."


def seconds_of(runs: list[dict[str, str]]) -> list[float]:
    """The seconds that each run took, evaluations included where that is known."""
    return [float(row["seconds_in_all"] or row["seconds_of_updates"]) for row in runs]


def total(runs: list[dict[str, str]]) -> str:
    """The time of all runs, added up."""
    return duration(sum(seconds_of(runs))) if runs else "not measured"


def took(runs: list[dict[str, str]]) -> str:
    """What the runs of an experiment took, where, and with what."""
    if not runs:
        return "Not measured."
    told = [duration(seconds) for seconds in sorted(seconds_of(runs))]
    between = told[0] if told[0] == told[-1] else f"{told[0]} to {told[-1]}"
    updates = sorted({int(row["updates"]) for row in runs})
    steps = " to ".join(f"{step:,}" for step in dict.fromkeys((updates[0], updates[-1])))
    where = [row["processor"] or row["device"] for row in runs]
    threads = sorted({int(row["threads"]) for row in runs})
    cores = " or ".join(map(str, threads)) + f" thread{'' if threads == [1] else 's'} of {' and '.join(set_of(where))}"
    versions = set_of([f"Python {row['python']}, PyTorch {row['torch']}, NumPy {row['numpy']}" for row in runs])
    told = f"{len(runs)} runs of {steps} updates: {total(runs)} in all, {between} each, on {cores}"
    return f"{told} ({'; '.join(versions)})."


def set_of(values: list[str]) -> list[str]:
    """Each value once, in order."""
    return sorted(set(values))


def duration(seconds: float) -> str:
    """So many seconds, in words."""
    if seconds < 150:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def rows_of(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none if it is not there."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def pages(folder: Path) -> list[tuple[str, Path, str]]:
    """What is made of the files: name, place and text; the front page of the gallery that is shown there alone."""
    own = ("gallery/README.md", folder / "README.md", page(folder))
    return [own, ("README.md", FRONT, front(folder))] if folder.resolve() == HERE.resolve() else [own]


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(prog="gallery/build.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="folders that nox -s gallery has made")
    parser.add_argument("--check", action="store_true", help="whether README.md is what the files hold")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the gallery")
    chosen = parser.parse_args(args)
    if chosen.check:
        stale = [name for name, file, text in pages(chosen.out) if file.read_text(encoding="utf-8") != text]
        for name in stale:
            print(f"{name} is not what the gallery's files hold: run docs/gallery/build.py")
        return 1 if stale else 0
    import gathered  # the page alone needs no package

    from icl_data.foundation.paths import describe
    from icl_data.foundation.printable import printable

    try:
        chosen.out.mkdir(parents=True, exist_ok=True)
        gathered.gather(chosen.out, chosen.folders)
    except OSError as error:  # of a disk, or of what is no picture
        print(f"{parser.prog}: {printable(describe(error))}", file=sys.stderr)
        return 1
    for _, file, text in pages(chosen.out):
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
