"""Interventions as text: one spelling for all that mean the same, and refusals that name rule, value and choices."""

from dataclasses import replace

import pytest

from icl_train import Intervention, RunConfig, read_intervention, smoke
from icl_train._interventions.text import intervention_text, intervention_word, with_digest_alone

WEIGHTS = "blocks.0.attention.weights"
MEANT = {
    "blocks.1.attention.heads.0:ablate": Intervention(name="blocks.1.attention.heads.0", action="ablate"),
    "blocks.1.attention.heads:ablate,but=0+3": Intervention(
        name="blocks.1.attention.heads", action="ablate", but=(0, 3)
    ),
    "blocks.*.mlp:mean,start=5": Intervention(name="blocks.*.mlp", action="mean", start=5),
    "blocks.1.mlp:value=0.5": Intervention(name="blocks.1.mlp", action="value", to=0.5),
    "blocks.1.mlp:value=-2": Intervention(name="blocks.1.mlp", action="value", to=-2.0),
    f"{WEIGHTS}.3:pattern=previous,stop=5000": Intervention(
        name=f"{WEIGHTS}.3", action="pattern", to="previous", stop=5000
    ),
    f"{WEIGHTS}:copy": Intervention(name=WEIGHTS, action="copy"),
    f"{WEIGHTS}:pattern=shifted": Intervention(name=WEIGHTS, action="pattern", to="shifted"),
    "tokens:run=runs/a,b@20": Intervention(name="tokens", action="run", to="runs/a,b@20"),
    "embedder:fix,start=1,stop=9": Intervention(name="embedder", action="fix", start=1, stop=9),
}


def with_interventions(*texts, **train):
    base = smoke()
    return replace(base, model=replace(base.model, interventions=texts or None), train=replace(base.train, **train))


@pytest.mark.parametrize("text", MEANT)
def test_a_text_means_one_value_and_that_is_spelled_so(text):
    assert read_intervention(text) == MEANT[text]
    assert intervention_text(MEANT[text]) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("blocks.0.mlp: ablate", "blocks.0.mlp:ablate"),
        (f" {WEIGHTS} : pattern = uniform , start = 0 , stop = 7 ", f"{WEIGHTS}:pattern=uniform,stop=7"),
        ("blocks.0.mlp:value=1e-1", "blocks.0.mlp:value=0.1"),
        ("blocks.0.mlp:ablate,stop=9,start=2", "blocks.0.mlp:ablate,start=2,stop=9"),
    ],
)
def test_a_run_stores_the_one_spelling(written, text):
    config = with_interventions(written)
    assert config.model.interventions == (text,)
    assert RunConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "blocks.0.mlp",
            r"an intervention must be NAME:ACTION or NAME:ACTION=TO,setting=value,…, got 'blocks\.0\.mlp'",
        ),
        ("blocks 0:ablate", r"on a name such as blocks\.1\.attention\.heads\.0, got 'blocks 0'"),
        ("a:ablte", r"on a: the action must be one of ablate, mean, .*, fix, got 'ablte'; did you mean ablate\?"),
        ("a:ablate=1", r"on a: ablate must have nothing behind it, got '1'"),
        ("a:value", r"on a: value must be a finite number, got None"),
        ("a:value=inf", r"on a: value must be a finite number, got inf"),
        ("a:value=much", r"on a: value must be a number, got 'much'"),
        ("a:run", r"on a: run must be a run's folder, or RUN@STEP, got None"),
        (f"{WEIGHTS}:copy=10", r"copy must have nothing behind it, got '10'"),
        (f"{WEIGHTS}:pattern=prev", r"pattern must be one of previous, shifted, induction, uniform, got 'prev'"),
        ("blocks.0.mlp:pattern=uniform", r"pattern must be of attention weights \(.*\), got 'blocks\.0\.mlp'"),
        (
            "blocks.0.attention.heads:copy",
            r"copy must be of attention weights \(.*\), got 'blocks\.0\.attention\.heads'",
        ),
        ("a:ablate,begin=3", r"on a: settings must be among but, start, stop, got 'begin'"),
        ("a:ablate,stop=3,stop=4", r"on a: each setting must be given once, got stop twice"),
        ("a:ablate,start=-1", r"on a: start must be a number of updates from 0 to \d+, got -1"),
        ("a:ablate,stop=0", r"on a: stop must be a number of updates from 1 to \d+, got 0"),
        ("a:ablate,start=5,stop=5", r"on a: stop must be above start \(5\), got 5"),
        ("a:ablate,stop=1e3", r"on a: stop must be a whole number, got '1e3'"),
        ("blocks.0.mlp:ablate,but=0", r"but needs a name that ends with queries, keys, values, weights or heads"),
        (f"{WEIGHTS}.3:ablate,but=0", r"but needs a name that ends with"),
        (f"{WEIGHTS}:ablate,but=0,1", r"but must be numbers of heads, joined by \+, got '0,1'"),
        (f"{WEIGHTS}:ablate,but=1+1", r"but must name each head once, got '1\+1'"),
    ],
)
def test_what_cannot_be_is_refused_with_rule_value_and_choices(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        with_interventions(text)
    assert str(caught.value).startswith("model.interventions: ")


def test_the_same_twice_is_refused():
    with pytest.raises(ValueError, match=r"interventions must differ, got blocks\.0\.mlp:ablate twice"):
        with_interventions("blocks.0.mlp:ablate", "blocks.0.mlp: ablate, start=0")


def test_more_than_anybody_would_write_are_refused():
    with pytest.raises(ValueError, match=r"interventions must be at most 1000, got more"):
        with_interventions(*(f"blocks.{layer}.mlp:ablate" for layer in range(1001)))


def test_one_that_would_begin_after_the_last_update_is_refused():
    with pytest.raises(ValueError, match=r"start must be below train\.max_steps \(9\), got 9 in blocks.0.mlp:ablate"):
        with_interventions("blocks.0.mlp:ablate,start=9", max_steps=9)


@pytest.mark.parametrize(
    ("step", "acts"), [(0, False), (1, False), (5, False), (6, True), (7, True), (9, True), (10, False)]
)
def test_it_acts_after_its_start_up_to_its_stop(step, acts):
    assert Intervention(name="tokens", action="ablate", start=5, stop=9).acts(step) is acts


def test_before_the_first_update_acts_what_acts_in_it():
    assert Intervention(name="tokens", action="ablate").acts(0)
    assert Intervention(name="tokens", action="ablate", stop=1).acts(0)
    assert not Intervention(name="tokens", action="ablate", start=1).acts(0)


def test_no_interventions_leave_a_run_its_name_and_others_give_it_another():
    plain, empty = smoke(), replace(smoke().model, interventions=())
    assert replace(plain, model=empty) == plain
    names = {with_interventions(*texts).digest() for texts in ((), ("tokens:ablate",), ("tokens:ablate,stop=3",))}
    assert len(names) == 3


def test_another_runs_weights_are_what_they_hold_wherever_they_lie():
    digest = "#sha256:0123456789abcdef"
    here, there, other = (
        with_interventions(f"tokens:run={run}")
        for run in (f"/a/x@3{digest}", f"/b/y@3{digest}", f"/a/x@3{digest[:-1]}0")
    )
    assert here.digest() == there.digest() != other.digest()
    assert with_digest_alone(f"tokens:run=/a/x@3{digest},stop=4") == "tokens:run=sha256:0123456789abcdef,stop=4"


def test_a_run_is_called_by_the_last_part_of_anothers_folder():
    assert intervention_word("tokens:run=/home/a/runs/x@3#sha256:0123456789abcdef,stop=4") == "tokens:run=x@3,stop=4"
    assert intervention_word("blocks.0.mlp:ablate") == "blocks.0.mlp:ablate"
