"""``icl-eval claims``: whether what experiments claim holds of these runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE, FAILED
from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import printable
from icl_eval._claims.checking import verdicts
from icl_eval._claims.heads import ScoredHeads
from icl_eval._claims.matching import Performed, performed
from icl_eval._claims.tables import claim_rows, claim_table, run_label
from icl_eval._runs import collect
from icl_eval._tables.files import rows_as_json
from icl_models import find_experiment, known_experiments
from icl_train import RunError
from icl_train.command_line import parse, show_table

__all__ = ["claims"]

PROG = "icl-eval claims"


@dataclass(frozen=True)
class ClaimsCommand:
    """Hold what experiments claim against runs, which are known by their settings.

    Exit code 1 if a claim that is asserted at its scale does not hold. Where runs are missing it cannot be said. Heads
    are scored now, in the last checkpoints.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]")] = (Path("runs"),)
    """Folders with run folders at any depth, behind links as well."""
    experiment: tuple[str, ...] = ()
    """Experiments to look for; default: all of which there is a run."""
    trust: bool = False
    """Import sources of somebody's own code (data.source module:factory) of runs that no command of yours made, where a
    claim is about their heads."""
    json: bool = False
    """Print the rows as JSON instead of the tables; nothing else goes to stdout."""


def claims(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``claims``.
    """
    command = parse(ClaimsCommand, args, prog=PROG)
    if not command.runs:
        raise ValueError(f"RUNS must be one folder or more, got none (see {PROG} --help)")
    names = tuple(dict.fromkeys(command.experiment)) or known_experiments()
    for name in names:
        find_experiment(name)
    series, skipped = collect(*map(user_path, command.runs))
    unusable: list[str] = []
    done = performed(series, names, unusable=None if command.experiment else unusable)
    for line in [*skipped, *unusable]:
        print(printable(line), file=sys.stderr)
    if not done:
        raise RunError(
            f"claims need a finished run of {' or '.join(command.experiment) or 'an experiment'}, with the settings "
            f"that it has at one of its scales; found none below {', '.join(map(str, command.runs))}"
        )
    scored = ScoredHeads(trust=command.trust)
    judged = [(one, verdicts(one, scored)) for one in done]
    for path, why in scored.refused.items():
        print(printable(f"no heads of {path}: {why}"), file=sys.stderr)
    if command.json:
        print(rows_as_json([row for one, found in judged for row in claim_rows(one, found)]))
    for one, found in judged:
        if not command.json:
            print(f"{one.spec.name} at scale {one.scale}: {len(one.found)} run{'s' if len(one.found) > 1 else ''}")
            show_table(claim_table(found))
            print()
        _say_what_is_missing(one)
    failed = any(verdict.judgement == "does not hold" for _, found in judged for verdict in found)
    return FAILED if failed or scored.damaged else DONE


def _say_what_is_missing(done: Performed) -> None:
    missing = done.missing()
    if missing:
        print(
            f"missing of {done.spec.name} at scale {done.scale}: {'; '.join(map(run_label, missing))} "
            f"(icl-train sweep {done.spec.name} --scale {done.scale} trains them)",
            file=sys.stderr,
        )
