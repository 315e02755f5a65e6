"""An option of another code, as a value: what it is called there, and what becomes of it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["LEFT_OUT", "NEEDED", "Code", "Fate", "OtherOption", "told_option"]

Fate = Literal["carried", "idle", "otherwise", "lost"]
"""What becomes of an option: it is carried over to settings of ours; it does nothing in its own code; it changes no
number, and ours does that otherwise; or what it does, ours cannot do."""

NEEDED, LEFT_OUT = object(), object()


@dataclass(frozen=True, kw_only=True)
class OtherOption:
    """One option.

    Attributes:
        name: its name there, dotted.
        becomes: the settings of ours that it becomes, dotted; empty if none.
        told: what there is to say, without a full stop; the reason, where it is not carried over.
        fate: what becomes of it.
        kind: of what type its values are.
        default: its value where it is left out; ``NEEDED`` where its own code then stops; ``LEFT_OUT`` where ours then
            has its own default.
        neutral: values with which a lost option does nothing.
        only: other option → values with which this one is used there; with others it is idle.
        turned: its value as settings of ours, where it is not the same value under another name.
    """

    name: str
    becomes: tuple[str, ...] = ()
    told: str = ""
    fate: Fate = "carried"
    kind: type = object
    default: Any = LEFT_OUT
    neutral: tuple[Any, ...] = ()
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    turned: Callable[[Any], dict[str, Any]] | None = None

    def settings(self, value: Any) -> dict[str, Any]:
        """Our settings, by dotted name, from its value there.

        Raises:
            ValueError: for a value that ours cannot have, beginning with ``must``.
        """
        if self.turned is not None:
            return self.turned(value)
        return dict.fromkeys(self.becomes, value)


@dataclass(frozen=True, kw_only=True)
class Code:
    """Another code, with all of its options.

    Attributes:
        name: what it is called in pages.
        source: where it was read, and which part of it.
        options: its options, in its order.
    """

    name: str
    source: str
    options: tuple[OtherOption, ...]


def told_option(name: str, default: object, *becomes: str, told: str = "", fate: Fate | None = None) -> OtherOption:
    """An option that is only told of, on a page.

    Args:
        name: its name.
        default: what it is if left out.
        becomes: the settings of ours that it becomes.
        told: what there is to say.
        fate: what becomes of it; by default it is carried over, or done otherwise where it becomes nothing.
    """
    fate = fate or ("carried" if becomes else "otherwise")
    return OtherOption(name=name, default=default, becomes=becomes, told=told, fate=fate)
