"""Whether the runs of a sweep can be made, said of the sweep: which of its class counts fit, and which do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from icl_data.foundation.command_line import listed
from icl_train._check_settings import check_settings
from icl_train._run_data import build_source
from icl_train._sweeps.labels import labels
from icl_train.config import RunConfig

__all__ = ["check_each", "check_sweep", "of_those_given"]

_AS_MANY_AS_ASKED = ("gaussian", "symbolic")


def check_sweep(configs: Sequence[RunConfig]) -> None:
    """Check what shows without PyTorch, of all runs; mistakes as in `check_each`."""
    _check_class_counts(configs)
    check_each(configs, check_settings)


def check_each(configs: Sequence[RunConfig], check: Callable[[RunConfig], None]) -> None:
    """Check every run, before saying which of them have a mistake.

    Raises:
        ValueError: for the first mistake; where it is not in all runs, with the class counts, or runs, that have it.
    """
    wrong: dict[int, ValueError] = {}
    for number, config in enumerate(configs):
        try:
            check(config)
        except ValueError as error:
            wrong[number] = error
    if not wrong:
        return
    first = next(iter(wrong.values()))
    if len(wrong) == len(configs) and len({str(error) for error in wrong.values()}) == 1:
        raise first
    raise ValueError(f"{first} ({_which(configs, set(wrong))})") from first


def of_those_given(counts: Sequence[int], bad: Sequence[int]) -> str:
    """Which of a sweep's class counts fit, in words."""
    good = [str(count) for count in dict.fromkeys(counts) if count not in set(bad)]
    return (
        f"of those given, {', '.join(good)} fit{'s' if len(good) == 1 else ''}" if good else "none of those given fits"
    )


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


def _which(configs: Sequence[RunConfig], wrong: set[int]) -> str:
    counts = [config.data.n_trained_classes for config in configs]
    bad = {counts[number] for number in wrong}
    good = {count for number, count in enumerate(counts) if number not in wrong}
    if bad & good:
        return f"in the run {labels(configs)[min(wrong)]}"
    return f"class counts {listed([str(count) for count in sorted(bad)])}; " + of_those_given(counts, sorted(bad))
