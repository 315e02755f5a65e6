"""What sets runs apart from each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from icl_train.config import RunConfig

__all__ = ["departures"]


def departures(configs: Sequence[RunConfig], *, left_out: Collection[str] = ()) -> list[dict[str, str]]:
    """For each configuration, the settings in which it departs from what is most common among them all.

    Args:
        configs: some configurations.
        left_out: dotted names of settings not to look at, besides ``NEUTRAL_SETTINGS``.

    Returns:
        Dotted name → value as text (``default`` for None), for each configuration.
    """
    flat = [{name: value for name, value in config.telling().items() if name not in left_out} for config in configs]
    names = sorted({name for one in flat for name in one})
    # A value that is not there (a setting of another component) is no value to be common.
    usual = {name: Counter(str(one[name]) for one in flat if name in one).most_common(1)[0][0] for name in names}
    return [
        {
            name: "default" if one[name] is None else str(one[name])
            for name in names
            if name in one and str(one[name]) != usual[name]
        }
        for one in flat
    ]
