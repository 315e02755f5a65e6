"""Experiments as plugins give them: found by name, refused where they contradict themselves, held to their suite."""

from typing import Any

import pytest

from icl_models import (
    Axis,
    Claim,
    ExperimentSpec,
    Heads,
    PluginWarning,
    Point,
    Scale,
    find_experiment,
    known_experiments,
)
from icl_models._plugins.registry import Registry
from icl_models.testing import ExperimentConformance

SOUND: dict[str, Any] = {
    "name": "tried",
    "paper": "Nobody 2026",
    "section": "figure 1",
    "tests": "Heads matter.",
    "axes": (Axis.of("data.p_bursty", 0.0, 1.0), Axis(name="heads", points=(Point("few", {}), Point("many", {})))),
    "scales": {"small": Scale(preset="smoke"), "large": Scale(preset="laptop")},
    "claims": (Claim(says="It does.", measure="flipped", where={"heads": "few"}, above=0.5, scales=("small",)),),
}

PLUGIN = """
from icl_models import Axis, Claim, ExperimentSpec, Point, Scale, hookimpl

@hookimpl
def icl_register_experiments():
    return [ExperimentSpec(
        name="tried", paper={paper!r}, section="figure 1", tests="Heads matter.",
        axes=(Axis.of("data.p_bursty", {values}), {second}),
        scales={{"small": Scale(preset="smoke", settings={{"data.dim": {dim}}})}},
        claims=(Claim(says="It does.", measure="flipped", where={{}}, above=0.5, {scales}),),
    )]
"""
# The second axis sets what the first one sets, under another name.
AGAIN = 'Axis(name="again", points=(Point("1", {"data.p_bursty": 0.1}), Point("2", {"data.p_bursty": 0.2})))'
KEPT = {
    "paper": "Nobody 2026",
    "values": "0.0, 1.0",
    "second": "Axis.of('model.num_heads', 1, 2)",
    "dim": "8",
    "scales": "scales=('small',)",
}
FAULTS = {
    "test_it_says_in_a_line_each_where_it_is_from_and_what_it_tests": {"paper": "Nobody\n2026"},
    "test_each_axis_has_two_points_or_more": {"values": "0.0"},
    "test_no_two_axes_set_the_same": {"second": AGAIN},
    "test_settings_survive_json": {"dim": "(8,)"},
    "test_each_claim_holds_somewhere_or_says_why_not": {"scales": ""},
}


class Suite(ExperimentConformance):
    name = "tried"


def claims() -> set[str]:
    return {name for name in dir(ExperimentConformance) if name.startswith("test_")}


def failing() -> set[str]:
    failed = set()
    for name in claims():
        try:
            getattr(Suite(), name)()
        except (AssertionError, TypeError):
            failed.add(name)
    return failed


def test_an_experiment_is_found_by_its_name(install: Any) -> None:
    install("good", PLUGIN.format(**KEPT))
    assert known_experiments() == ("tried",)
    assert find_experiment("tried").axes[0].name == "data.p_bursty"
    with pytest.raises(ValueError, match=r"experiment must be one of tried, got 'tired' \(did you mean 'tried'\?\)"):
        find_experiment("tired")


def test_every_claim_of_the_suite_has_a_fault_here() -> None:
    assert FAULTS.keys() == claims()


def test_what_keeps_the_contract_passes(install: Any) -> None:
    install("good", PLUGIN.format(**KEPT))
    assert failing() == set()


@pytest.mark.parametrize("claim", FAULTS)
def test_a_faulty_experiment_fails_the_right_claim_alone(install: Any, claim: str) -> None:
    install("faulty", PLUGIN.format(**KEPT | FAULTS[claim]))
    assert failing() == {claim}


def test_one_that_contradicts_itself_sets_its_plugin_aside(install: Any) -> None:
    install("wrong", PLUGIN.format(**KEPT | {"second": "Axis.of('data.p_bursty', 1)"}))
    with pytest.warns(PluginWarning, match=r"axes of experiment 'tried' must have names of their own, got 'data.p_bur"):
        assert Registry().names("experiment") == ()


def claim(**changes: Any) -> tuple[Claim, ...]:
    return (Claim(**{"says": "So.", "measure": "flipped", "where": {}, "above": 0.5, "scales": ("small",)} | changes),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": ""}, r"an experiment's name must be one word that is no option, got ''"),
        ({"name": "two words"}, r"one word that is no option, got 'two words'"),
        ({"name": "--vary"}, r"one word that is no option, got '--vary'"),
        ({"scales": {}}, r"experiment 'tried' must have a scale at least, got none"),
        (
            {"scales": {"small": Scale(preset="smoke", axes=(Axis.of("data.dim", 8),))}},
            r"axes of scale 'small' of experiment 'tried' must be among data.p_bursty, heads, got data.dim",
        ),
        ({"claims": claim(scales=("big",))}, r"scales of claim 'So.' of .* must be among small, large, got big"),
        ({"claims": claim(where={"tails": "few"})}, r"axes of claim .* must be among data.p_bursty, heads, got tails"),
        (
            {"claims": claim(than={"heads": "none"})},
            r"points of claim .* on heads at small must be in few, many",
        ),
    ],
)
def test_an_experiment_that_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ExperimentSpec(**SOUND | changes)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: Axis.of("data.dim", 1, "1"),
            r"points of axis 'data.dim' must have labels of their own, got '1' twice",
        ),
        (lambda: Scale(preset="smoke", seeds=()), r"a scale must have a seed at least, got none"),
        (lambda: Scale(preset="smoke", draws=3), r"draws and ranges must come together, got 3 draws from 0 ranges"),
        (lambda: claim(above=None), r"claim 'So.' must have a bound, above or below, got none"),
        (
            lambda: claim(heads=Heads(layer=0), metric="loss"),
            "claim 'So.' about heads .* without a metric, got 'loss'",
        ),
        (
            lambda: claim(heads=Heads(layer=0), at="peak"),
            "about heads .* without another moment, got 'peak'",
        ),
        (
            lambda: claim(at="reached"),
            r"must have a level where it is about what is reached, and there alone, got None",
        ),
        (lambda: claim(level=0.5), r"must have a level where it is about what is reached, .* alone, got 0.5"),
        (lambda: claim(at=-5), r"the moment of claim 'So.' must be a number of updates, or one of last, .*, got -5"),
        (
            lambda: claim(at=True),
            r"the moment of claim 'So.' must be a number of updates, or one of last, .*, got True",
        ),
        (lambda: claim(at="first"), r"must be a number of updates, or one of last, .*, reached, got 'first'"),
        (lambda: claim(at="reached", level=float("nan")), r"the level of claim 'So.' must be a number, got nan"),
        (lambda: Heads(layer=0, split=3), r"the split of heads must be an evaluation's name, got 3"),
        (lambda: claim(quotient=True), r"claim 'So.' must say what it is divided by, got no other runs"),
        (lambda: Heads(layer=-1), r"the layer of heads must be a number from 0 up, got -1"),
        (lambda: Heads(layer=True), r"the layer of heads must be a number from 0 up, got True"),
        (lambda: Heads(layer=1, more_than=float("nan")), r"more_than of heads must be a finite number, got nan"),
    ],
)
def test_a_part_that_means_nothing_is_refused(make: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make()


def test_labels_of_an_axis_of_one_setting_are_its_values_in_short() -> None:
    axis = Axis.of("optim.weight_decay", 0.0, 3e-4, 1.0)
    assert [point.label for point in axis.points] == ["0", "0.0003", "1"]
    assert axis.points[0].settings == {"optim.weight_decay": 0.0}


def test_a_scale_may_have_points_of_its_own() -> None:
    own = Axis.of("data.p_bursty", 0.5)
    spec = ExperimentSpec(**SOUND | {"scales": {"small": Scale(preset="smoke", axes=(own,))}})
    assert spec.axes_at("small") == (own, spec.axes[1])


@pytest.mark.parametrize(
    ("heads", "subject"),
    [
        (Heads(layer=1, more_than=0.3), "heads of layer 1 with induction above 0.3 at given nothing"),
        (Heads(layer=1), "greatest induction of heads of layer 1 at given nothing"),
    ],
)
def test_a_claim_about_heads_says_in_words_which(heads: Heads, subject: str) -> None:
    (one,) = claim(measure="induction", heads=heads, where={"given": "nothing"})
    assert one.subject == subject


@pytest.mark.parametrize(
    ("more", "subject"),
    [
        ({"at": 1000}, "relabel after 1,000 updates at given nothing"),
        ({"at": "reached", "level": 0.9}, "update of 0.9 of relabel at given nothing"),
        ({"than": {"given": "all"}, "quotient": True}, "relabel at given nothing, as a share of that at given all"),
    ],
)
def test_a_claim_says_in_words_what_is_measured(more: dict[str, Any], subject: str) -> None:
    (one,) = claim(measure="relabel", where={"given": "nothing"}, **more)
    assert one.subject == subject
