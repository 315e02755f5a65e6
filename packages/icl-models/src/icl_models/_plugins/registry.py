"""Which components exist: the built-ins and those of installed plugins, one name each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any, Literal, cast

import pluggy

from icl_data.foundation.close_names import close_names
from icl_data.foundation.shown import shown
from icl_models import hookspecs
from icl_models._contract.component import EmbedderSpec, SequenceModelSpec
from icl_models._contract.experiment import ExperimentSpec
from icl_models._contract.figure import FigureSpec
from icl_models._contract.launcher import LauncherSpec
from icl_models._contract.tracker import TrackerSpec
from icl_models._plugins import builtin as _builtin

ENTRY_POINT_GROUP = "icl"
BUILT_IN = "icl-models"
# What our own distributions register is built in: it is listed with --all alone, and ICL_PLUGINS does not leave it out.
OUR_DISTRIBUTIONS = (BUILT_IN, "icl-train", "icl-eval")

Kind = Literal["embedder", "sequence_model", "tracker", "experiment", "figure", "launcher"]
Spec = EmbedderSpec | SequenceModelSpec | TrackerSpec | ExperimentSpec | FigureSpec | LauncherSpec
_SPECS: dict[Kind, type[Spec]] = {
    "embedder": EmbedderSpec,
    "sequence_model": SequenceModelSpec,
    "tracker": TrackerSpec,
    "experiment": ExperimentSpec,
    "figure": FigureSpec,
    "launcher": LauncherSpec,
}


class PluginError(ValueError):
    """A plugin cannot give what was asked of it; the cause is the plugin's own error, if it had one."""


class PluginWarning(UserWarning):
    """A plugin was set aside, or is not the one that it was."""


@dataclass(kw_only=True)
class PluginRecord:
    """One plugin and what became of it.

    `name` is the entry point's, `distribution` and `version` the installed package's; its `state` is "disabled" if
    ICL_PLUGINS left it out, "broken" if it failed with `error`. `components` are names by kind.
    """

    name: str
    distribution: str
    version: str
    state: Literal["loaded", "broken", "disabled"] = "loaded"
    components: dict[Kind, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(_SPECS, ()))
    error: BaseException | None = None

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version}"

    @property
    def built_in(self) -> bool:
        """Whether it is one of this project's own packages."""
        return self.distribution in OUR_DISTRIBUTIONS

    def set_aside(self) -> str:
        """Why a broken plugin is not used, in one line."""
        return " ".join(f"{self} is set aside: {type(self.error).__name__}: {self.error}".split())


class Registry:
    """The components by name. `Registry()` walks the entry points; most callers want the shared `registry()`.

    A plugin that fails is set aside with a PluginWarning. Two plugins that claim one name (a component's, or their
    own), or an ICL_PLUGINS that names one not installed, make every look-up raise PluginError, kept in `conflict`.
    """

    def __init__(self) -> None:
        self.records: list[PluginRecord] = []
        self._components: dict[Kind, dict[str, tuple[Spec, PluginRecord]]] = {kind: {} for kind in _SPECS}
        self._manager = pluggy.PluginManager(ENTRY_POINT_GROUP)
        self._manager.add_hookspecs(hookspecs)
        self.conflict: PluginError | None = None
        self._register_all()

    def find(self, kind: Kind, name: str) -> tuple[Spec, PluginRecord]:
        """The component of that kind and name, and whose it is; PluginError or ValueError when there is none."""
        known = self.names(kind)
        if name in known:
            return self._components[kind][name]
        near = close_names(str(name), known)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        message = f"{kind} must be one of {', '.join(known) or '(none installed)'}, got {shown(name)}{hint}"
        broken = [record for record in self.records if record.state == "broken"]
        if not broken:
            raise ValueError(message)
        # A plugin that never loaded cannot say what it would have offered: any unknown name may be its.
        reasons = "; ".join(record.set_aside() for record in broken)
        raise PluginError(f"{message}; {reasons}") from broken[0].error

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The known names of a kind, in order. PluginError for a conflict."""
        if self.conflict is not None:
            raise self.conflict
        return tuple(sorted(self._components[kind]))

    def _register_all(self) -> None:
        self._register(PluginRecord(name=BUILT_IN, distribution=BUILT_IN, version=_own_version()), lambda: _builtin)
        found = [(entry, _record(entry)) for entry in entry_points(group=ENTRY_POINT_GROUP)]
        found.sort(key=lambda one: (one[1].name, one[1].distribution))
        wanted = _wanted_plugins()
        others = [record.name for _, record in found if not record.built_in]
        missing = sorted((wanted or set()) - set(others))
        if missing:
            installed = ", ".join(others) or "none"
            self._refuse(f"ICL_PLUGINS must name installed plugins ({installed}), got {missing[0]!r}")
        for entry, record in found:
            if wanted is not None and not record.built_in and record.name not in wanted:
                record.state = "disabled"
                self.records.append(record)
                continue
            first = next((one for one in self.records if one.name == record.name), None)
            if first is not None:
                owners = f"{first} and {record}"
                self._refuse(f"plugin name {record.name!r} must have one owner, got {owners}; uninstall one of them")
            self._register(record, entry.load)

    def _register(self, record: PluginRecord, load: Callable[[], Any]) -> None:
        self.records.append(record)
        try:
            plugin = load()
            self._manager.register(plugin, name=f"{record.distribution}/{record.name}")
            try:
                self._check_hook_names(plugin)
                offered = {kind: self._call(kind, plugin) for kind in _SPECS}
            except (Exception, SystemExit):
                self._manager.unregister(plugin)
                raise
        except (Exception, SystemExit) as error:  # a script that is no plugin may end the process when imported
            record.state, record.error = "broken", error
            warnings.warn(record.set_aside(), PluginWarning, stacklevel=2)
            return
        for kind, specs in offered.items():
            record.components[kind] = tuple(spec.name for spec in specs)
            self._claim(kind, specs, record)

    def _check_hook_names(self, plugin: object) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            hooks = [name for name in dir(hookspecs) if name.startswith("icl_register_")]
            callers = self._manager.get_hookcallers(plugin) or []
            unknown = next(caller.name for caller in callers if not caller.has_spec())
            near = close_names(unknown, hooks)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise PluginError(f"hooks must be among {', '.join(hooks)}, got {unknown}{hint}") from error

    def _call(self, kind: Kind, plugin: object) -> list[Spec]:
        hook = f"icl_register_{kind}s"
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        specs = [spec for impl in implementations if impl.plugin is plugin for spec in impl.function()]
        for spec in specs:
            if not isinstance(spec, _SPECS[kind]):
                raise TypeError(f"{hook} must return {_SPECS[kind].__name__} values, got {spec!r}")
        return specs

    def _claim(self, kind: Kind, specs: Iterable[Spec], record: PluginRecord) -> None:
        table, what = self._components[kind], kind.replace("_", " ")
        for spec in specs:
            if spec.name in table:
                owners = f"{table[spec.name][1]} and {record}"
                self._refuse(f"{what} {spec.name!r} must have one owner, got {owners}; ICL_PLUGINS can leave one out")
            else:
                table[spec.name] = (spec, record)

    def _refuse(self, reason: str) -> None:
        self.conflict = self.conflict or PluginError(reason)


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


def component_owner(kind: Kind, name: str) -> PluginRecord:
    """Whose component that is: `distribution` and `version`.

    Args:
        kind: kind of component.
        name: its name.

    Raises:
        ValueError: there is none of that name; with the known names.
    """
    return registry().find(kind, name)[1]


def find_embedder(name: str) -> EmbedderSpec:
    """The embedder called `name`. ValueError, with the known names, when there is none."""
    return cast(EmbedderSpec, registry().find("embedder", name)[0])


def find_sequence_model(name: str) -> SequenceModelSpec:
    """The sequence model called `name`. ValueError, with the known names, when there is none."""
    return cast(SequenceModelSpec, registry().find("sequence_model", name)[0])


def find_tracker(name: str) -> TrackerSpec:
    """The tracker called `name`. ValueError, with the known names, when there is none."""
    return cast(TrackerSpec, registry().find("tracker", name)[0])


def find_experiment(name: str) -> ExperimentSpec:
    """The experiment called `name`. ValueError, with the known names, when there is none."""
    return cast(ExperimentSpec, registry().find("experiment", name)[0])


def find_figure(name: str) -> FigureSpec:
    """The figure called `name`. ValueError, with the known names, when there is none."""
    return cast(FigureSpec, registry().find("figure", name)[0])


def find_launcher(name: str) -> LauncherSpec:
    """The launcher called `name`. ValueError, with the known names, when there is none."""
    return cast(LauncherSpec, registry().find("launcher", name)[0])


def known_embedders() -> tuple[str, ...]:
    """Names that `ModelConfig.embedder` accepts."""
    return registry().names("embedder")


def known_sequence_models() -> tuple[str, ...]:
    """Names that `ModelConfig.sequence_model` accepts."""
    return registry().names("sequence_model")


def known_trackers() -> tuple[str, ...]:
    """Names that a run's `train.tracker` accepts."""
    return registry().names("tracker")


def known_experiments() -> tuple[str, ...]:
    """Names of experiments, for `icl-train sweep`."""
    return registry().names("experiment")


def known_figures() -> tuple[str, ...]:
    """Names of figures, for `icl-eval`."""
    return registry().names("figure")


def known_launchers() -> tuple[str, ...]:
    """Names of launchers, for `icl-train sweep --launcher`."""
    return registry().names("launcher")
