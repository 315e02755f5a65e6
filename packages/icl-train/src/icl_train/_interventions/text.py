"""Interventions as text, on the command line and in files: NAME:ACTION, NAME:ACTION=TO,setting=value,…"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from icl_data.foundation.command_line import nearest
from icl_data.foundation.shown import shown
from icl_train._interventions.value import ACTIONS, Intervention

__all__ = ["intervention_text", "intervention_word", "read_intervention", "read_interventions", "with_digest_alone"]

_MOST = 1000  # whoever wrote a config.json
_SETTINGS = ("but", "start", "stop")
_BETWEEN = re.compile(r",(?=\s*[\w-]*\s*=)")  # a comma in a folder's name has no setting behind it
_FORM = "NAME:ACTION or NAME:ACTION=TO,setting=value,…"


def read_intervention(text: str) -> Intervention:
    """The intervention that a text means: ``NAME:ACTION``, with ``=TO`` behind some actions, then settings.

    Args:
        text: such as ``blocks.1.attention.heads:ablate,but=0+3`` or
            ``blocks.0.attention.weights:pattern=previous,start=0,stop=5000``; spaces around its parts do not matter.

    Raises:
        ValueError: for what cannot be, naming rule, value and choices.
    """
    if not isinstance(text, str):
        raise ValueError(f"an intervention must be a text, {_FORM}, got {shown(text)}")
    name, colon, rest = (part.strip() for part in text.partition(":"))
    if not colon or not name or not rest:
        raise ValueError(f"an intervention must be {_FORM}, got {shown(text)}")
    first, *parts = _BETWEEN.split(rest)
    action, equals, to = (part.strip() for part in first.partition("="))
    if action not in ACTIONS:
        raise ValueError(
            f"intervention on {name}: the action must be one of {', '.join(ACTIONS)}, got "
            f"{shown(action)}{nearest(action, ACTIONS)}"
        )
    given: dict[str, Any] = {}
    for part in parts:
        key, _, value = (piece.strip() for piece in part.partition("="))
        if key not in _SETTINGS:
            raise ValueError(
                f"intervention on {name}: settings must be among {', '.join(_SETTINGS)}, got "
                f"{shown(key)}{nearest(key, _SETTINGS)}"
            )
        if key in given:
            raise ValueError(f"intervention on {name}: each setting must be given once, got {key} twice")
        given[key] = _heads(name, value) if key == "but" else _whole(name, key, value)
    typed: Any = action
    return Intervention(name=name, action=typed, to=_to(name, action, to) if equals else None, **given)


def read_interventions(texts: Iterable[str]) -> tuple[Intervention, ...]:
    """The interventions that some texts mean, in order.

    Args:
        texts: see :func:`read_intervention`.

    Raises:
        ValueError: as there, for the same one twice, or more than 1,000.
    """
    found: dict[Intervention, None] = {}
    for text in texts:
        one = read_intervention(text)
        if one in found:
            raise ValueError(f"interventions must differ, got {intervention_text(one)} twice")
        if len(found) == _MOST:
            raise ValueError(f"interventions must be at most {_MOST}, got more")
        found[one] = None
    return tuple(found)


def intervention_text(intervention: Intervention) -> str:
    """The one spelling of an intervention.

    Args:
        intervention: what to spell.
    """
    one = intervention
    to = "" if one.to is None else f"={_number(one.to) if isinstance(one.to, float) else one.to}"
    settings = [
        *([f"but={'+'.join(map(str, one.but))}"] if one.but else []),
        *([f"start={one.start}"] if one.start else []),
        *([] if one.stop is None else [f"stop={one.stop}"]),
    ]
    return f"{one.name}:{','.join([one.action + to, *settings])}"


def with_digest_alone(text: str) -> str:
    """An intervention's text for which weights are what they hold, wherever they lie; one that is none, as it is.

    Args:
        text: as config.json has it.
    """
    return _with_run(text, lambda run: run.rpartition("#")[2])


def intervention_word(text: str) -> str:
    """An intervention's text as a run is called by it: of another run's folder the last part, without its digest.

    Args:
        text: as config.json has it.
    """
    return _with_run(text, lambda run: PurePath(run.partition("#sha256:")[0]).name)


def _with_run(text: str, change: Any) -> str:
    try:
        one = read_intervention(text)
    except ValueError:
        return text
    return intervention_text(replace(one, to=change(str(one.to)) or one.to)) if one.action == "run" else text


def _to(name: str, action: str, text: str) -> float | str:
    if action != "value":
        return text
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"intervention on {name}: {action} must be a number, got {shown(text)}") from None


def _heads(name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("+"))
    except ValueError:
        raise ValueError(
            f"intervention on {name}: but must be numbers of heads, joined by +, got {shown(text)}"
        ) from None


def _whole(name: str, key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"intervention on {name}: {key} must be a whole number, got {shown(text)}") from None


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")
