"""Write the options of other codes into the page that speaks of them.

python docs/how-to/build.py           fills the tables in from-other-code.md
python docs/how-to/build.py --check   says whether they are what icl_train._other_codes has; exit code 1 if not

A table stands between ``<!-- options: CODE -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from icl_train._other_codes.tables import CODES, table_of

PAGE = Path(__file__).with_name("from-other-code.md")
BLOCK = re.compile(r"(<!-- options: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """The page with the tables as they should be."""
    named = [name for _, name, _ in BLOCK.findall(text)]
    if named != list(CODES):
        raise SystemExit(f"{PAGE.name} must have the tables of {', '.join(CODES)}, got {', '.join(named) or 'none'}")
    return BLOCK.sub(lambda block: f"{block[1]}{table_of(CODES[block[2]])}{block[3]}", text)


def main(args: list[str]) -> int:
    """Fill the page, or say whether it is; the exit code."""
    parser = argparse.ArgumentParser(
        prog="how-to/build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is another")
    is_checked = parser.parse_args(args).check
    text = PAGE.read_text(encoding="utf-8")
    new = filled(text)
    if is_checked:
        if new != text:
            print(f"{PAGE.name} is not what icl_train._other_codes has: run python docs/how-to/build.py")
        return int(new != text)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
