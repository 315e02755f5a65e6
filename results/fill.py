"""Write the numbers of the comparisons below this folder into the pages that speak of them.

    python results/fill.py           fills the tables in results/*/README.md
    python results/fill.py --check   says which are not what their files hold; exit code 1

A table stands between ``<!-- tests: FOLDER [FOLDER ...] -->`` and ``<!-- end -->``, folders from the page's own on.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent
BLOCK = re.compile(r"(<!-- (\w+): (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
SHORT = {
    "eval_fewshot_holdout/accuracy_closed": "ICL",
    "eval_no_support_zipfian/accuracy_query": "IWL",
    "train/loss": "training loss",
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
    return f"{value} ({row[f'runs_{side}']} runs{said})"


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
                f"[{folder}]({folder})",
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
    """Means of columns of a file by its column `group`, at the steps given: FILE COLUMN,COLUMN STEP,STEP."""
    file, columns, steps = words[0], words[1].split(","), words[2].split(",")
    rows = rows_of(page.parent / file)
    lines = [f"| group | step | runs | {' | '.join(columns)} |", f"|---|---|---|{'---|' * len(columns)}"]
    for group in dict.fromkeys(row["group"] for row in rows):
        for step in steps:
            here = [row for row in rows if row["group"] == group and row["step"] == step]
            if not here:
                continue
            cells = []
            for column in columns:
                values = [float(row[column]) for row in here if row[column]]
                spread = f" ({min(values):.2f} to {max(values):.2f})" if values else ""
                cells.append(f"{sum(values) / len(values):.2f}{spread}" if values else "")
            lines.append(f"| {group} | {int(step):,} | {len(here)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def steps(page: Path, words: list[str]) -> str:
    """Differences of a comparison at some steps: FOLDER STEP,STEP."""
    folder, wanted = words[0], words[1].split(",")
    rows = rows_of(page.parent / folder / "compare_differences.csv")
    lines = ["| update | ours | theirs | difference (95%) |", "|---|---|---|---|"]
    for row in rows:
        if row["step"] in wanted:
            cells = [f"{float(row[name]):.3f}" for name in ("mean_ours", "mean_theirs", "difference", "low", "high")]
            ours, theirs, difference, low, high = (cell.replace("-0.000", "0.000") for cell in cells)
            lines.append(f"| {int(row['step']):,} | {ours} | {theirs} | {difference} ({low} to {high}) |")
    return "\n".join(lines)


def filled(page: Path) -> str:
    """The page with its tables as the files have them."""
    make = {"tests": tests, "means": means, "steps": steps}

    def replace(block: re.Match[str]) -> str:
        return f"{block[1]}{make[block[2]](page, block[3].split())}\n{block[4]}"

    return BLOCK.sub(replace, page.read_text(encoding="utf-8"))


def main() -> int:
    """Fill or check every page."""
    stale = [page for page in sorted(ROOT.glob("*/README.md")) if filled(page) != page.read_text(encoding="utf-8")]
    for page in stale:
        if "--check" in sys.argv[1:]:
            print(f"{page.relative_to(ROOT)} is not what its files hold: run python results/fill.py")
        else:
            page.write_text(filled(page), encoding="utf-8")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
