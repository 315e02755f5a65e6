"""Evaluations as text, on the command line and in files: NAME, or NAME:setting=value,…"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from typing import Any

from icl_data.foundation.command_line import nearest
from icl_data.foundation.shown import shown
from icl_train._evaluations.built_in import BUILT_IN
from icl_train._evaluations.value import Evaluation

__all__ = ["evaluation_text", "read_evaluation", "read_evaluations"]

_FIELDS = tuple(field for field in dataclasses.fields(Evaluation) if field.name != "name")
_SETTINGS = tuple(field.name for field in _FIELDS)
_SWITCH = {"true": True, "false": False}


def read_evaluation(text: str) -> Evaluation:
    """The evaluation that a text means.

    A name alone is a built-in one. ``NAME:base=BUILT_IN,setting=value,…`` is that with other settings, on the contexts
    of its stream; without a base, ``sequence`` and ``classes`` have to be given. Settings are the attributes of
    ``Evaluation``.

    Args:
        text: such as ``flip`` or ``long:base=fewshot_holdout,shots=8``.

    Raises:
        ValueError: for a name, setting or value that cannot be.
    """
    name, base, settings = _parts(text)
    if settings is None:
        return BUILT_IN[name]
    if base is None:
        if "sequence" not in settings:
            raise ValueError(f"evaluation {name}: base or sequence must be given, got neither")
        return Evaluation(name=name, **settings)
    return dataclasses.replace(base, **{"name": name, "stream": base.stream or base.name} | settings)


def read_evaluations(texts: Iterable[str]) -> tuple[Evaluation, ...]:
    """The evaluations that some texts mean, each under a name of its own.

    Args:
        texts: see :func:`read_evaluation`.

    Raises:
        ValueError: as there, for none at all, or two of one name.
    """
    found: dict[str, Evaluation] = {}
    for text in texts:
        evaluation = read_evaluation(text)
        if evaluation.name in found:
            raise ValueError(f"evaluations must have names of their own, got {evaluation.name} twice")
        found[evaluation.name] = evaluation
    if not found:
        raise ValueError(f"evaluations must be at least one of {', '.join(BUILT_IN)}, or NAME:setting=value, got none")
    return tuple(found.values())


def evaluation_text(text: str) -> str:
    """The one spelling of all that mean the same: settings in order, without those that the base has anyway.

    Args:
        text: see :func:`read_evaluation`.

    Raises:
        ValueError: as there.
    """
    name, base, settings = _parts(text)
    if settings is None:
        return name
    read_evaluation(text)
    plain = {field.name: None if field.default is dataclasses.MISSING else field.default for field in _FIELDS}
    had = {one: getattr(base, one) if base else plain[one] for one in _SETTINGS}
    if base is not None:
        had["stream"] = base.stream or base.name
    told = [f"{one}={_spelled(settings[one])}" for one in _SETTINGS if one in settings and settings[one] != had[one]]
    return f"{name}:{','.join([*([f'base={base.name}'] if base else []), *told])}"


def _parts(text: str) -> tuple[str, Evaluation | None, dict[str, Any] | None]:
    """Name, base and settings; no settings at all of a built-in one."""
    if not isinstance(text, str):
        raise ValueError(f"an evaluation must be a text, NAME or NAME:setting=value, got {shown(text)}")
    name, colon, rest = text.partition(":")
    name = name.strip()
    if not colon:
        if name not in BUILT_IN:
            raise ValueError(
                f"evaluations must be among {', '.join(BUILT_IN)}, or NAME:setting=value,…, got "
                f"{shown(name)}{nearest(name, BUILT_IN)}"
            )
        return name, None, None
    if name in BUILT_IN:
        raise ValueError(
            f"an evaluation with settings needs a name of its own (other:base={name},…), got {shown(text)}"
        )
    given: dict[str, str] = {}
    for part in rest.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise ValueError(f"evaluation {name}: settings must be setting=value, joined by commas, got {shown(part)}")
        if key not in ("base", *_SETTINGS):
            raise ValueError(
                f"evaluation {name}: settings must be among base, {', '.join(_SETTINGS)}, got "
                f"{shown(key)}{nearest(key, ('base', *_SETTINGS))}"
            )
        if key in given:
            raise ValueError(f"evaluation {name}: each setting must be given once, got {key} twice")
        given[key] = value
    base = given.pop("base", None)
    if base is not None and base not in BUILT_IN:
        raise ValueError(
            f"evaluation {name}: base must be one of {', '.join(BUILT_IN)}, got {shown(base)}{nearest(base, BUILT_IN)}"
        )
    return name, BUILT_IN[base] if base else None, {key: _value(name, key, value) for key, value in given.items()}


def _value(name: str, setting: str, text: str) -> Any:
    """A setting's value in its type; the evaluation itself checks what it is."""
    hint = typing.get_type_hints(Evaluation)[setting]
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if bool in kinds:
        if text.lower() not in _SWITCH:
            raise ValueError(f"evaluation {name}: {setting} must be true or false, got {shown(text)}")
        return _SWITCH[text.lower()]
    for kind, what in ((int, "a whole number"), (float, "a number")):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                raise ValueError(f"evaluation {name}: {setting} must be {what}, got {shown(text)}") from None
    return text


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
