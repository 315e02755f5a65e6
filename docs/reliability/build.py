"""Write ../reliability.md of the counts beside this: its tables are what these files hold.

python docs/reliability/build.py            writes the page
python docs/reliability/build.py --check    says whether the page is what the files hold; exit code 1

before/ and after/ are what `nox -s faults -- --report FOLDER` writes, of the packages before the promises were made and
after; hashing.txt is what `python benchmarks/bench_hashing.py EARLIER` prints; licences.csv is what `nox -s licences --
--csv FILE` writes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "reliability.md"

READ = {
    "zip": "Omniglot's zips",
    "png": "Omniglot's images",
    "images": "folders of images",
    "numpy": ".npz and .npy",
    "h5": "HDF5",
    "settings": "stored settings",
    "config-files": "files of settings: JSON, TOML, YAML",
    "run-folder": "run folders: open, find, status, records",
    "tables": "run folders: load_runs, summarize_runs",
    "checkpoints": "checkpoints of runs",
    "saved-models": "saved models",
    "haiku": "checkpoints of the released code",
}


def rows_of(file: str) -> list[dict[str, str]]:
    """The rows of one of the files; none where there is none."""
    path = HERE / file
    if not path.is_file():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """In Markdown."""
    cells = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in cells)


def number(text: str) -> str:
    return f"{int(text):,}"


def fuzzers() -> str:
    """Inputs and how they ended, before and after."""
    after = {row["fuzzer"]: row for row in rows_of("after/fuzzers.csv")}
    lines = []
    for row in rows_of("before/fuzzers.csv"):
        cells = [READ[row["fuzzer"]]]
        for one in (row, after.get(row["fuzzer"])):
            if one is None:
                cells += ["", "", "", ""]
                continue
            escaped = number(one["escaped"]) + (f" ({_kinds(one['escaped_as'])})" if one["escaped_as"] else "")
            cells += [number(one["inputs"]), escaped, number(one["crashed"]), number(one["over_memory"])]
        lines.append(cells)
    head = ["what is read", "inputs before", "escaped", "crashed", "over memory"]
    return table([*head, "inputs after", *head[2:]], lines)


def _kinds(text: str) -> str:
    return ", ".join(kind.partition(":")[0] for kind in text.split())


def damage() -> str:
    """Outcomes by command, before and after."""
    kinds = ("harmless", "named", "silent", "traceback", "hidden")
    told: dict[tuple[str, str], list[object]] = defaultdict(list)
    for when in ("before", "after"):
        sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(kinds, 0))
        for row in rows_of(f"{when}/damage.csv"):
            for kind in kinds:
                sums[row["run"], row["command"]][kind] += int(row[kind])
        for key, counts in sums.items():
            told[key] += [""] * (5 * (when == "after") - len(told[key])) + list(counts.values())
    lines = [[run, command, *cells, *([""] * (10 - len(cells)))] for (run, command), cells in sorted(told.items())]
    return table(["run", "command", *(f"{kind} before" for kind in kinds), *(f"{kind} after" for kind in kinds)], lines)


def tried(file: str) -> str:
    """How many damages each command has met in a file of counts."""
    of_command: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows_of(file):
        of_command[row["run"], row["command"]] += int(row["tried"])
    return f"{max(of_command.values(), default=0):,}"


def kills() -> str:
    """Killed trainings."""
    lines = [
        [when, row["kills"], row["same"], row["differs"], row["refused"]]
        for when in ("before", "after")
        for row in rows_of(f"{when}/kills.csv")
    ]
    return table(["", "trainings killed", "the same bytes", "others", "did not go on"], lines)


def hashing() -> str:
    """What the benchmark has printed."""
    file = HERE / "hashing.txt"
    return f"```\n{file.read_text().rstrip()}\n```" if file.is_file() else "Not measured yet."


def licences() -> str:
    """How many distributions have which licence."""
    of_licence: dict[str, list[str]] = defaultdict(list)
    for row in rows_of("licences.csv"):
        of_licence[row["licence"]].append(row["distribution"])
    lines = [[licence, len(names), ", ".join(sorted(names, key=str.lower))] for licence, names in of_licence.items()]
    return table(["licence", "", "distributions"], sorted(lines, key=lambda line: -int(str(line[1]))))


def page() -> str:
    """The text of the page."""
    text = (HERE / "page.md").read_text()
    parts = {
        "fuzzers": fuzzers(),
        "damage": damage(),
        "damages before": tried("before/damage.csv"),
        "damages after": tried("after/damage.csv"),
        "kills": kills(),
        "hashing": hashing(),
        "licences": licences(),
    }
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def main(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="reliability/build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is another")
    if parser.parse_args(args).check:
        same = PAGE.is_file() and PAGE.read_text() == page()
        print("as the files have it" if same else f"{PAGE.name} is not what the files hold: run {Path(__file__).name}")
        return 0 if same else 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
