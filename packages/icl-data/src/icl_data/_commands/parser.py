"""Mistakes on the command line in one line, with the option that may have been meant."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line on stderr, with exit code 2."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, and refuse what is left over; a subcommand does so itself, as it knows its own options."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            name = rest[0].partition("=")[0]
            if not name.startswith("-"):
                self.error(f"argument {name} is one too many (see {self.prog} --help)")
            known = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(f"option {name} does not exist{nearest(name, known) or f' (see {self.prog} --help)'}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Exit."""
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        hint = nearest(choice[1], re.findall(r"[\w-]+", choice[2])) if choice else ""
        self.exit(2, f"{self.prog}: {' '.join(message.split())}{hint}\n")


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` for the known name closest to `name`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def listed(names: Sequence[str]) -> str:
    """Names with commas, or `none`."""
    return ", ".join(names) or "none"
