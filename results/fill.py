"""Write the numbers of the comparisons below this folder into the pages that speak of them.

    python results/fill.py           fills the tables in results/*/README.md
    python results/fill.py --check   says which are not what their files hold; exit code 1

What is filled stands between ``<!-- KIND: WORDS -->`` and ``<!-- end -->``, with files and folders from the page's own
on; ``KIND`` is one of ``KINDS``, whose first line says what its words are. Of files that are missing the page says so.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from pathlib import Path

from icl_data.foundation.whole_file import write_text

ROOT = Path(__file__).parent
BLOCK = re.compile(r"(<!-- (\w+): (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
SHORT = {
    "eval_fewshot_holdout/accuracy_closed": "ICL",
    "eval_no_support_zipfian/accuracy_query": "IWL",
    "eval_novel_label/accuracy_closed": "ICL, novel labels",
    "eval_flipped/accuracy_both": "both ways right",
    "train/loss": "training loss",
}
SPOKEN = {
    "icl": "ICL",
    "icl_released": "ICL, released draw",
    "icl_all_classes": "ICL, all classes",
    "iwl": "IWL",
    "novel_labels": "novel labels",
    "both_ways": "both ways right",
    "training_accuracy": "training accuracy",
    "sequences_per_statistics": "groups of",
    "change": "run with",
    "condition": "runs with",
    "ciwl": "CIWL",
    "exchanged_labels": "labels exchanged",
    "trained_classes": "trained classes, novel labels",
    "new_classes": "new classes, novel labels",
}


def rows_of(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def number(text: str, *, updates: bool) -> str:
    """A cell as it is read: updates whole, other numbers to three digits."""
    if not text:
        return ""
    return f"{float(text):,.0f}" if updates else f"{float(text):.3g}"


def interval(row: dict[str, str], *, updates: bool) -> str:
    """The difference and its bounds; a bound that runs leave open is a question mark."""
    low, high = (number(row[end], updates=updates) or "?" for end in ("low", "high"))
    difference = number(row["difference"], updates=updates) or "?"
    return difference if low == high == "?" else f"{difference} ({low} to {high})"


def sized(row: dict[str, str], side: str, *, updates: bool) -> str:
    """Mean or median of a side with how many runs it has, and how many of them never passed."""
    never = int(row[f"never_{side}"] or 0)
    value = number(row[side], updates=updates) or (f"after {int(row['last_step']):,}" if updates else "")
    said = f", {never} not by {int(row['last_step']):,}" if never else ""
    return f"{value} ({counted(int(row[f'runs_{side}']))}{said})"


def tests(page: Path, folders: list[str]) -> str:
    """The tests of some comparisons as a table."""
    lines = [
        "| comparison | measure | ours | theirs | difference (95%) | p | smallest p | found in 80 of 100 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for folder in folders:
        for row in rows_of(page.parent / folder / "compare_tests.csv"):
            if not row["p"]:
                continue
            updates = row["test"] == "crossing"
            what = f"passes {float(row['threshold']):g} at update" if updates else "mean over training"
            cells = [
                f"[{Path(folder).name}]({folder})",
                f"{SHORT.get(row['metric'], row['metric'])}: {what}",
                *(sized(row, side, updates=updates) for side in ("ours", "theirs")),
                interval(row, updates=updates),
                f"{float(row['p']):.2g}",
                f"{float(row['smallest_p']):.2g}",
                number(row["detectable"], updates=updates),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def means(page: Path, words: list[str]) -> str:
    """Means of columns by a column (`group` if none is named), at some steps: FILE COLUMN[:DIGITS],… STEPS [BY]."""
    file, wanted, by = words[0], words[2].split(","), (*words, "group")[3]
    digits = {name: int(count or 2) for name, _, count in (column.partition(":") for column in words[1].split(","))}
    rows = rows_of(page.parent / file)
    lines = [
        f"| {spoken(by)} | step | runs | {' | '.join(map(spoken, digits))} |",
        f"|---|---|---|{'---|' * len(digits)}",
    ]
    for group in dict.fromkeys(row[by] for row in rows):
        own = [row for row in rows if row[by] == group]
        for step, here in at_steps(own, wanted):
            cells = [spread(here, column, digits=count) for column, count in digits.items()]
            lines.append(f"| {group} | {step} | {len(here)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def at_steps(rows: list[dict[str, str]], wanted: list[str]) -> list[tuple[str, list[dict[str, str]]]]:
    """Steps as they are read with the rows that have them, of those that have any, in their order: by number, and for
    `last` the last one that every run among the rows has, or those at which runs end if they have none in common.
    """
    steps = {int(step) for step in wanted if step != "last"}
    if "last" in wanted:  # rows of checkpoints need not say of which run they are
        last = last_of_all(rows)
        steps |= {max(own) for own in steps_of_runs(rows)} if last is None else {last}
    found = [(f"{step:,}", at_step(rows, step)) for step in sorted(steps)]
    return [(step, here) for step, here in found if here]


def at_step(rows: list[dict[str, str]], step: int | None) -> list[dict[str, str]]:
    """The rows of one step."""
    return [row for row in rows if int(row["step"]) == step]


def last_of_all(rows: list[dict[str, str]]) -> int | None:
    """The last step that every run among the rows has; None if they have none in common."""
    steps = steps_of_runs(rows)
    return max(set.intersection(*steps), default=None) if steps else None


def steps_of_runs(rows: list[dict[str, str]]) -> list[set[int]]:
    """The steps of each run among the rows."""
    steps: dict[str, set[int]] = {}
    for row in rows:
        steps.setdefault(row["run"], set()).add(int(row["step"]))
    return list(steps.values())


def spread(rows: list[dict[str, str]], column: str, *, digits: int = 3) -> str:
    """The mean of a column over runs, with the least and the greatest; of a single run its 95% interval.

    Where some of the runs have no value it says how many have one.
    """
    own = having(rows, column)
    if not own:
        return ""
    values = [float(row[column]) for row in own]
    of = f" of {counted(len(own))}" if len(own) < len(rows) else ""
    mean = f"{sum(values) / len(values):.{digits}f}"
    bounds = min(values), max(values)
    if len(own) == 1 and f"{column}_low" not in own[0]:
        return f"{mean}{of}"
    if len(own) == 1 and own[0][f"{column}_low"]:
        bounds = float(own[0][f"{column}_low"]), float(own[0][f"{column}_high"])
    low, high = (f"{bound:.{digits}f}" for bound in bounds)
    return f"{mean} ({low} to {high}){of}"


def having(rows: list[dict[str, str]], column: str) -> list[dict[str, str]]:
    """The rows that have a value in a column."""
    return [row for row in rows if row[column]]


def spoken(column: str) -> str:
    """A column as it is read."""
    return SPOKEN.get(column, column)


def states(page: Path, words: list[str]) -> str:
    """How far runs are, in what time, on what: FILE."""
    lines = ["| run | updates | seconds per update | hours | on | with |", "|---|---|---|---|---|---|"]
    for row in rows_of(page.parent / words[0]):
        done, last = int(row["updates"]), int(row["of_updates"])
        updates = f"{done:,}" if row["state"] == "done" else f"{done:,} of {last:,}, {row['state']}"
        hours = float(row["seconds_in_all"] or row["seconds_of_updates"]) / 3600
        took = f"{hours:.2f}" if row["seconds_in_all"] else f"{hours:.2f} (updates alone; {row['starts']} starts)"
        threads = f", {row['threads']} thread{'s' if row['threads'] != '1' else ''}" if row["device"] == "cpu" else ""
        where = (row["processor"] or row["device"]) + threads
        versions = f"Python {row['python']}, PyTorch {row['torch']}, NumPy {row['numpy']}, icl-train {row['icl-train']}"
        cells = (row["run"], updates, f"{float(row['seconds_per_update'] or 'nan'):.3f}", took, where, versions)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def beside(page: Path, words: list[str]) -> str:
    """Ours beside the paper's, by images and classes: FILE PAPER STEPS."""
    rows, papers = rows_of(page.parent / words[0]), rows_of(page.parent / words[1])
    known = {(row["classes"], row["measure"], f"{int(row['step']):,}"): float(row["value"]) for row in papers}
    lines = [
        "| images | groups | classes | updates | runs | ICL two-way | paper | ICL all classes | IWL | paper |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for place in dict.fromkeys((row["images"], row["sequences_per_statistics"], row["classes"]) for row in rows):
        own = [row for row in rows if (row["images"], row["sequences_per_statistics"], row["classes"]) == place]
        images, statistics, classes = place
        for step, here in at_steps(own, words[2].split(",")):
            cells = {name: spread(here, name) for name in ("icl", "icl_all_classes", "iwl")}
            theirs = {name: published(here, name, known.get((classes, name, step))) for name in ("icl", "iwl")}
            measured = (cells["icl"], theirs["icl"], cells["icl_all_classes"], cells["iwl"], theirs["iwl"])
            told = (images, statistics, f"{int(classes):,}", step, str(len(here)), *measured)
            lines.append(f"| {' | '.join(told)} |")
    return "\n".join(lines)


def published(rows: list[dict[str, str]], column: str, value: float | None) -> str:
    """The paper's value, and how far ours is from it, if there is one of ours."""
    if value is None:
        return ""
    ours = [float(row[column]) for row in having(rows, column)]
    if not ours:
        return f"{value:.2f}"
    difference = round(sum(ours) / len(ours) - value, 2) + 0.0  # never -0.00
    return f"{value:.2f} (ours {difference:+.2f})"


def common(page: Path, words: list[str]) -> str:
    """In words, a column at the last step that all runs have, by another column: FILE COLUMN BY PHRASE.

    The phrase has {N} in the place of the other column's value. Where some have come further than others, each group of
    runs is told at the last step that all of its own have; where images are of several sizes, each size by itself.
    """
    file, column, by, phrase = words[0], words[1], words[2], " ".join(words[3:])
    rows = having(rows_of(page.parent / file), column)
    if not rows:
        return MISSING
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row.get("images", ""), row[by]), []).append(row)
    lasts = {group: last_of_all(own) for group, own in groups.items()}
    alike, sizes = len(set(lasts.values())) == 1, len({images for images, _ in groups}) > 1
    told = []
    for (images, value), own in groups.items():
        last, here = lasts[images, value], at_step(own, lasts[images, value])
        said = phrase.replace("{N}", f"{int(value):,}") + (f" on {images}" if sizes else "")
        if last is None:
            told.append(f"not told {said} ({counted(len({row['run'] for row in own}))}, no update in common)")
            continue
        runs = counted(len(here)) + ("" if alike else f", update {last:,}")
        told.append(f"{spread(here, column)} {said} ({runs})")
    when = "At the last update that all runs of a kind have"
    if alike and None not in lasts.values():
        when = f"At update {lasts.popitem()[1]:,}, the last that all of these runs have"
    return f"{when}, {spoken(column)} is {'; '.join(told)}."


def counted(number: int) -> str:
    """So many runs."""
    return f"{number} run{'' if number == 1 else 's'}"


def differences(page: Path, words: list[str]) -> str:
    """Differences of comparisons at some steps, for each measure: FOLDERS STEPS; folders may be a pattern."""
    lines = ["| comparison | measure | update | ours | theirs | difference (95%) |", "|---|---|---|---|---|---|"]
    for folder in sorted(page.parent.glob(words[0])):
        rows = rows_of(folder / "compare_differences.csv")
        for metric in dict.fromkeys(row["metric"] for row in rows):
            own = [row for row in rows if row["metric"] == metric]
            last = max(int(row["step"]) for row in own)
            wanted = {last if step == "last" else int(step) for step in words[1].split(",")}
            for row in (row for row in own if int(row["step"]) in wanted):
                ours, theirs = (f"{float(row[side]):.3f}" for side in ("mean_ours", "mean_theirs"))
                difference, *bounds = (signed(row[name]) for name in ("difference", "low", "high") if row[name])
                told = difference + (f" ({' to '.join(bounds)})" if bounds else "")
                name = f"[{folder.name}]({folder.relative_to(page.parent)})"
                cells = (name, SHORT.get(metric, metric), f"{int(row['step']):,}", ours, theirs, told)
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else MISSING


def claims(page: Path, words: list[str]) -> str:
    """What the gallery's runs show of an experiment's claims: CLAIMS EXPERIMENT [PATTERN], which is in the claim."""
    file, experiment, pattern = words[0], words[1], " ".join(words[2:])
    lines = ["| | measured | 95% interval | seeds |", "|---|---|---|---|"]
    for row in json.loads((page.parent / file).read_text(encoding="utf-8")):
        if row["experiment"] == experiment and re.search(pattern, row["claim"]):
            ends = [row[name] for name in ("measured", "low", "high")]
            measured, low, high = ("" if end is None else f"{end:.2f}" for end in ends)
            cells = (row["claim"], measured, low and f"{low} to {high}", str(row["n_seeds"]))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else MISSING


def signed(text: str) -> str:
    """A difference to three digits, never -0.000."""
    return f"{round(float(text), 3) + 0.0:+.3f}"


KINDS = {
    "tests": tests,
    "means": means,
    "states": states,
    "beside": beside,
    "common": common,
    "differences": differences,
    "claims": claims,
}
MISSING = "*Nothing of this has been measured yet.*"


def filled(page: Path) -> str:
    """The page with its tables as the files have them."""

    def replace(block: re.Match[str]) -> str:
        try:
            made = KINDS[block[2]](page, block[3].split())
        except FileNotFoundError:
            made = MISSING
        return f"{block[1]}{made}\n{block[4]}"

    return BLOCK.sub(replace, page.read_text(encoding="utf-8"))


def fill(page: Path) -> None:
    """Write a page's tables into it."""
    write_text(page, filled(page))


def main(args: list[str]) -> int:
    """Fill or check every page; the exit code."""
    parser = argparse.ArgumentParser(
        prog="fill.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 if a page is not as it would be"
    )
    is_checked = parser.parse_args(args).check
    stale = [page for page in sorted(ROOT.glob("*/README.md")) if filled(page) != page.read_text(encoding="utf-8")]
    for page in stale:
        if is_checked:
            print(f"{page.relative_to(ROOT)} is not what its files hold: run python results/fill.py")
        else:
            fill(page)
    return int(bool(stale) and is_checked)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
