"""The whole plugin contract. A plugin is a module (or object) with some of these hooks, named in an entry point::

    [project.entry-points.icl]
    my-plugin = "my_package.icl"

    # my_package/icl.py
    from icl_models import EmbedderSpec, hookimpl

    @hookimpl
    def icl_register_embedders():
        return [EmbedderSpec(name="my-embedder", build=..., config=MyConfig)]

Models choose components by name: `ModelConfig(embedder="my-embedder")`, `--model.embedder my-embedder`; a run chooses
a tracker, `--train.tracker`; `icl-train sweep my-experiment` trains an experiment, with `--launcher my-launcher` on
other machines; `icl-eval my-figure RUNS` draws a figure. The built-in ones register through the same hooks. What each
must do is in `EmbedderSpec`, `SequenceModelSpec`, `TrackerSpec`, `ExperimentSpec`, `FigureSpec` and `LauncherSpec`;
`icl_models.testing` and `icl_train.testing` check all but figures.
"""

from collections.abc import Iterable

import pluggy

from icl_models._contract.component import EmbedderSpec, SequenceModelSpec
from icl_models._contract.experiment import ExperimentSpec
from icl_models._contract.figure import FigureSpec
from icl_models._contract.launcher import LauncherSpec
from icl_models._contract.tracker import TrackerSpec

hookspec = pluggy.HookspecMarker("icl")
hookimpl = pluggy.HookimplMarker("icl")
"""Marks a plugin's function as one of the hooks below: ``@hookimpl`` above it."""


@hookspec
def icl_register_embedders() -> Iterable[EmbedderSpec]:
    """Return the embedders this plugin offers: modules from examples (B, S, *example_shape) to (B, S, emb_dim)."""
    raise NotImplementedError


@hookspec
def icl_register_sequence_models() -> Iterable[SequenceModelSpec]:
    """Return the sequence models this plugin offers: modules from tokens (B, T, W) to features (B, T, F)."""
    raise NotImplementedError


@hookspec
def icl_register_trackers() -> Iterable[TrackerSpec]:
    """Return the trackers this plugin offers: they are told of a run's start, records and end, and change nothing."""
    raise NotImplementedError


@hookspec
def icl_register_experiments() -> Iterable[ExperimentSpec]:
    """Return the experiments this plugin offers: axes, scales and claims, which `icl-train sweep NAME` runs."""
    raise NotImplementedError


@hookspec
def icl_register_figures() -> Iterable[FigureSpec]:
    """Return the figures this plugin offers: functions from the table of runs to what `icl-eval NAME` draws."""
    raise NotImplementedError


@hookspec
def icl_register_launchers() -> Iterable[LauncherSpec]:
    """Return the launchers this plugin offers: they have a sweep's runs trained, on this machine or on others."""
    raise NotImplementedError
