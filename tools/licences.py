"""The licences of all that is installed beside the packages: each must let anybody use, change and pass on.

python tools/licences.py FILE            holds the JSON of pip-licenses against the list; exit code 1
python tools/licences.py FILE --csv OUT  and writes the table
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

# What a licence calls itself, in metadata that have no one way of saying it.
PERMISSIVE = {
    *("Apache 2.0", "Apache 2.0 License", "Apache License 2.0", "Apache Software License", "Apache-2.0"),
    *("Apache-2.0 WITH LLVM-exception", "BSL-1.0", "CC0-1.0", "HPND", "ISC", "ISC License (ISCL)"),
    *("0BSD", "BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "3-Clause BSD License", "NCSA", "Zlib"),
    *("MIT", "MIT License", "MIT-0", "MIT-CMU", "PSF-2.0", "PSFL", "Python Software Foundation License"),
    *("Unlicense", "The Unlicense (Unlicense)"),
}
# Others that are taken, each for a reason.
ACCEPTED = {
    "CNRI-Python": "Python 1.6's own licence: free to use, change and pass on (though not with the GPL)",
    "Mozilla Public License 2.0 (MPL 2.0)": "binds changes to its own files alone, none of which is changed here",
    "MPL-2.0": "binds changes to its own files alone, none of which is changed here",
}


def refused(licence: str) -> list[str]:
    """The parts of a licence expression that nobody may rely on: of alternatives, one that is free is enough."""
    parts = []
    for part in re.split(r"\s+AND\s+|;\s*", licence):
        choices = [one.strip(" ()") if one.count("(") != one.count(")") else one.strip() for one in part.split(" OR ")]
        if not any(one in PERMISSIVE or one in ACCEPTED for one in choices):
            parts.append(part)
    return parts


def main(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    rows = json.loads(Path(args[0]).read_text())
    if "--csv" in args:
        with Path(args[args.index("--csv") + 1]).open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["distribution", "version", "licence"])
            writer.writerows((row["Name"], row["Version"], row["License"]) for row in rows)
    bad = [(row["Name"], part) for row in rows for part in refused(row["License"])]
    for name, part in bad:
        print(f"{name}: licence {part!r} must be permissive, or be accepted for a reason in {Path(__file__).name}")
    print(f"{len(rows)} distributions, {len(bad)} with a licence that is not known to be permissive")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
