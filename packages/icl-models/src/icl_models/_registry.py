"""Which components exist: the built-ins and those of installed plugins, one name each."""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any, Literal, TypeVar

import pluggy

from icl_models import _builtin, hookspecs
from icl_models._component import EmbedderSpec, SequenceModelSpec

ENTRY_POINT_GROUP = "icl"
BUILT_IN = "icl-models"
_Spec = TypeVar("_Spec", EmbedderSpec, SequenceModelSpec)


class PluginError(ValueError):
    """A plugin cannot give what was asked of it; the cause is the plugin's own error, if it had one."""


class PluginWarning(UserWarning):
    """A plugin was set aside."""


@dataclass(kw_only=True)
class PluginRecord:
    """One plugin and what became of it.

    `name` is the entry point's, `distribution` and `version` the installed package's; a disabled plugin was left out
    by ICL_PLUGINS, a broken one failed with `error`.
    """

    name: str
    distribution: str
    version: str
    state: Literal["loaded", "broken", "disabled"] = "loaded"
    embedders: tuple[str, ...] = ()
    sequence_models: tuple[str, ...] = ()
    error: BaseException | None = None

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version}"

    def set_aside(self) -> str:
        """Why a broken plugin is not used, in one line."""
        return " ".join(f"{self} is set aside: {type(self.error).__name__}: {self.error}".split())


class Registry:
    """The components by name. `Registry()` walks the entry points; most callers want the shared `registry()`.

    A plugin that fails is set aside with a PluginWarning. Two plugins that claim one name, or an ICL_PLUGINS that names
    one not installed, make every look-up raise PluginError, kept in `conflict`.
    """

    def __init__(self) -> None:
        self.records: list[PluginRecord] = []
        self._embedders: dict[str, tuple[EmbedderSpec, PluginRecord]] = {}
        self._sequence_models: dict[str, tuple[SequenceModelSpec, PluginRecord]] = {}
        self._manager = pluggy.PluginManager(ENTRY_POINT_GROUP)
        self._manager.add_hookspecs(hookspecs)
        self.conflict: PluginError | None = None
        self._register_all()

    def embedder(self, name: str) -> EmbedderSpec:
        """The embedder called `name`; PluginError or ValueError when there is none."""
        return self._find("embedder", self._embedders, name)

    def sequence_model(self, name: str) -> SequenceModelSpec:
        """The sequence model called `name`; PluginError or ValueError when there is none."""
        return self._find("sequence_model", self._sequence_models, name)

    def embedders(self) -> tuple[str, ...]:
        """The known names, in order."""
        self._check()
        return tuple(sorted(self._embedders))

    def sequence_models(self) -> tuple[str, ...]:
        """The known names, in order."""
        self._check()
        return tuple(sorted(self._sequence_models))

    def _check(self) -> None:
        if self.conflict is not None:
            raise self.conflict

    def _register_all(self) -> None:
        own = PluginRecord(name=BUILT_IN, distribution=BUILT_IN, version=_own_version())
        self._register(own, lambda: _builtin)
        found = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name)
        wanted = _wanted_plugins()
        missing = sorted((wanted or set()) - {entry.name for entry in found})
        if missing:
            installed = ", ".join(entry.name for entry in found) or "none"
            self.conflict = PluginError(f"ICL_PLUGINS must name installed plugins ({installed}), got {missing[0]!r}")
        for entry in found:
            record = _record(entry)
            if wanted is not None and entry.name not in wanted:
                record.state = "disabled"
                self.records.append(record)
            else:
                self._register(record, entry.load)

    def _register(self, record: PluginRecord, load: Callable[[], Any]) -> None:
        self.records.append(record)
        try:
            plugin = load()
            self._manager.register(plugin, name=f"{record.distribution}/{record.name}")
            try:
                self._manager.check_pending()
                embedders = self._call("icl_register_embedders", plugin, EmbedderSpec)
                sequence_models = self._call("icl_register_sequence_models", plugin, SequenceModelSpec)
            except (Exception, SystemExit):
                self._manager.unregister(plugin)
                raise
        except (Exception, SystemExit) as error:  # a script that is no plugin may end the process when imported
            record.state, record.error = "broken", error
            warnings.warn(record.set_aside(), PluginWarning, stacklevel=2)
            return
        record.embedders = tuple(spec.name for spec in embedders)
        record.sequence_models = tuple(spec.name for spec in sequence_models)
        self._claim("embedder", self._embedders, embedders, record)
        self._claim("sequence model", self._sequence_models, sequence_models, record)

    def _call(self, hook: str, plugin: object, kind: type[_Spec]) -> list[_Spec]:
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        specs = [spec for impl in implementations if impl.plugin is plugin for spec in impl.function()]
        for spec in specs:
            if not isinstance(spec, kind):
                raise TypeError(f"{hook} must return {kind.__name__} values, got {spec!r}")
        return specs

    def _claim(
        self, what: str, table: dict[str, tuple[_Spec, PluginRecord]], specs: Iterable[_Spec], record: PluginRecord
    ) -> None:
        for spec in specs:
            if spec.name in table:
                first = table[spec.name][1]
                self.conflict = self.conflict or PluginError(
                    f"{what} {spec.name!r} must have one owner, got {first} and {record}; ICL_PLUGINS can leave one out"
                )
            else:
                table[spec.name] = (spec, record)

    def _find(self, what: str, table: dict[str, tuple[_Spec, PluginRecord]], name: str) -> _Spec:
        self._check()
        if name in table:
            return table[name][0]
        near = difflib.get_close_matches(str(name), table, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        message = f"{what} must be one of {', '.join(sorted(table))}, got {name!r}{hint}"
        broken = [record for record in self.records if record.state == "broken"]
        if not broken:
            raise ValueError(message)
        # A plugin that never loaded cannot say what it would have offered: any unknown name may be its.
        reasons = "; ".join(record.set_aside() for record in broken)
        raise PluginError(f"{message}; {reasons}") from broken[0].error


def _own_version() -> str:
    try:
        return version(BUILT_IN)
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "not installed"


def _record(entry: EntryPoint) -> PluginRecord:
    distribution = entry.dist
    if distribution is None:
        return PluginRecord(name=entry.name, distribution="an unknown distribution", version="")
    return PluginRecord(name=entry.name, distribution=distribution.name, version=distribution.version)


def _wanted_plugins() -> set[str] | None:
    """The names in ICL_PLUGINS, none of them where it is empty; None where it is not set: load everything."""
    value = os.environ.get("ICL_PLUGINS")
    return None if value is None else {name.strip() for name in value.split(",") if name.strip()}


@cache
def registry() -> Registry:
    """The components of this process, found at the first look-up."""
    return Registry()


def find_embedder(name: str) -> EmbedderSpec:
    """The embedder called `name`. ValueError, with the known names, when there is none."""
    return registry().embedder(name)


def find_sequence_model(name: str) -> SequenceModelSpec:
    """The sequence model called `name`. ValueError, with the known names, when there is none."""
    return registry().sequence_model(name)


def known_embedders() -> tuple[str, ...]:
    """Names that `ModelConfig.embedder` accepts."""
    return registry().embedders()


def known_sequence_models() -> tuple[str, ...]:
    """Names that `ModelConfig.sequence_model` accepts."""
    return registry().sequence_models()
