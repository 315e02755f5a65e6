"""The command ``icl-train profile``: where a run's time goes on this machine, and how long it takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import printable
from icl_train._by_name.components import with_components
from icl_train._check_settings import check_settings
from icl_train._commands.defaults import chosen_by, named_config
from icl_train._commands.few_options import few_options
from icl_train._making.others import with_copies_in, with_other_weights
from icl_train._runs.folder import RunFolder, available_cores
from icl_train._runs.lasting import lasting
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, described_presets

__all__ = ["profile"]

Flat = tyro.conf.arg(name="")
_HELP = {"-h", "--help", "--help-all"}
_MOST_STEPS = 1000  # more tell a median no better, and of the paper's images they would be an hour's
_WITHOUT = ("--root", "--name", "--init-from")


@dataclass(frozen=True, kw_only=True)
class ProfileCommand:
    """Tell where the time of a run's updates goes, what they reach of this machine, and how long the run takes here."""

    steps: int = 20
    """Updates whose parts are timed, 1000 at most; their medians count."""
    json: bool = False
    """Print it as JSON, for programs (the keys are in the README)."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= _MOST_STEPS:
            raise ValueError(f"steps must be in 1..{_MOST_STEPS}, got {self.steps}")


def profile(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    name = args[0] if args and not args[0].startswith("-") else None
    if name is None and not _HELP & set(args):
        raise ValueError(
            f"icl-train profile needs a preset, one of {', '.join(PRESETS)}, a file of settings, or a run folder"
        )
    options = args if name is None else args[1:]
    if weights := given(options, "--init-from", "--train.init-from"):
        raise ValueError(f"--init-from must be left out, as no time hangs on weights, got {weights!r}")
    run = None if name is None or name in PRESETS else _run(Path(name).expanduser())
    config = RunConfig() if name is None else named_config(name, options)
    command = parse(
        ProfileCommand,
        options,
        prog=f"icl-train profile {name or 'NAME'}",
        default=ProfileCommand(config=with_components(config, chosen_by(options))),
        page=_page(options),
    )
    config = replace(command.config, train=replace(command.config.train, init_from=None))  # it hangs on no weights
    config = with_other_weights(config if run is None else with_copies_in(run.path, config))
    check_settings(config)
    from icl_train._check import check_model  # a mistake above shows before PyTorch is imported

    check_model(config)
    threads = config.train.threads or (available_cores() if run is None else run.threads)
    print("timing some updates ...", file=lasting(sys.stderr), flush=True)
    from icl_train._commands.allocator import keep_freed_memory
    from icl_train._profile.profile import measure
    from icl_train._profile.telling import told

    keep_freed_memory()  # as training does
    found = measure(config, threads=threads, steps=command.steps)
    print(json.dumps(found.to_dict(), indent=1) if command.json else printable_lines(told(found)))
    return DONE


def printable_lines(text: str) -> str:
    """Text whose lines are safe to print."""
    return "\n".join(map(printable, text.splitlines()))


def _run(path: Path) -> RunFolder | None:
    return RunFolder.open(path) if path.is_dir() else None


def _page(options: Sequence[str]) -> Page:
    return Page(
        usage=[f"icl-train profile {what} [options]" for what in ("PRESET", "FILE", "RUN")],
        listed=described_presets(),
        examples=[
            "icl-train profile laptop",
            "icl-train profile chan2022 --data.source symbolic --train.threads 1",
            "icl-train profile runs/NAME --device cuda --engine graph",
        ],
        few=["--steps", "--json", *(one for one in few_options(options) if one not in _WITHOUT)],
        defaults=False,
    )
