"""Whether the runs of a sweep can be made, said of the sweep: which of its runs, or class counts, do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from icl_data.foundation.command_line import listed
from icl_train._check_settings import check_settings
from icl_train._plans.combined import SEEDS
from icl_train._plans.figure3a import of_those_given
from icl_train._plans.plan import Plan
from icl_train._run_data import build_source
from icl_train.config import RunConfig

__all__ = ["check_each", "check_sweep"]

_AS_MANY_AS_ASKED = ("gaussian", "symbolic")


def check_sweep(plan: Plan) -> None:
    """Check what shows without PyTorch, of all runs; mistakes as in `check_each`."""
    if plan.by_class_count:
        _check_class_counts(plan.configs)
    check_each(plan, check_settings)


def check_each(plan: Plan, check: Callable[[RunConfig], None]) -> None:
    """Check every run, before saying which of them have a mistake; runs that differ in seeds alone are checked once.

    Raises:
        ValueError: for the first mistake; where it is not in all runs, with the class counts, or runs, that have it.
    """
    configs = plan.configs
    wrong: dict[int, ValueError] = {}
    seen: dict[str, ValueError | None] = {}
    for number, config in enumerate(configs):
        alike = json.dumps({name: one for name, one in config.flat().items() if name not in SEEDS}, default=str)
        if alike not in seen:
            seen[alike] = _mistake(config, check)
        mistake = seen[alike]
        if mistake is not None:
            wrong[number] = mistake
    if not wrong:
        return
    first = next(iter(wrong.values()))
    if len(wrong) == len(configs) and len({str(error) for error in wrong.values()}) == 1:
        raise first
    raise ValueError(f"{first} ({_which(plan, set(wrong))})") from first


def _check_class_counts(configs: Sequence[RunConfig]) -> None:
    """A source that has its own classes must have enough of them for each count."""
    room: dict[object, int] = {}
    bad = []
    for config in configs:
        data = config.data
        if data.source in _AS_MANY_AS_ASKED:
            continue
        opened = (data.source, data.omniglot, data.exemplars, data.augment)
        if opened not in room:
            room[opened] = build_source(data, seed=config.seeds.split).n_classes
        if data.n_trained_classes + data.n_holdout_classes > room[opened]:
            bad.append((data, room[opened]))
    if not bad:
        return
    data, n_classes = bad[0]
    counts = list(dict.fromkeys(wrong.n_trained_classes for wrong, _ in bad))
    raise ValueError(
        f"class counts must be at most {n_classes - data.n_holdout_classes} with data.source {data.source} "
        f"({n_classes} classes, of which {data.n_holdout_classes} are held out), got {listed([*map(str, counts)])}; "
        + of_those_given([config.data.n_trained_classes for config in configs], counts)
    )


def _mistake(config: RunConfig, check: Callable[[RunConfig], None]) -> ValueError | None:
    try:
        check(config)
    except ValueError as error:
        return error
    return None


def _which(plan: Plan, wrong: set[int]) -> str:
    first = plan.labels[min(wrong)]
    if not plan.by_class_count:
        return f"in {len(wrong)} of {len(plan.configs)} runs, the first: {first}"
    counts = [config.data.n_trained_classes for config in plan.configs]
    bad = {counts[number] for number in wrong}
    good = {count for number, count in enumerate(counts) if number not in wrong}
    if bad & good:
        return f"in the run {first}"
    return f"class counts {listed([str(count) for count in sorted(bad)])}; " + of_those_given(counts, sorted(bad))
