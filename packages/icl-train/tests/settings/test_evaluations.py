"""Evaluations as values: what can be said, how it is spelled and what is refused; earlier runs keep their names."""

import dataclasses
from dataclasses import replace

import pytest

from icl_train import EVAL_SPLITS, EvalConfig, Evaluation, RunConfig, read_evaluation, read_evaluations, smoke
from icl_train._evaluations.built_in import ABOUT, BUILT_IN, DEFAULT_EVALUATIONS
from icl_train._evaluations.text import evaluation_text

BEFORE = [
    "fewshot_holdout",
    "flipped",
    "novel_label",
    "no_support_zipfian",
    "bursty",
    "no_support_common",
    "no_support_rare",
    "fewshot_rare",
    "fewshot_common",
    "fewshot_zipfian",
    "mixed",
    "random_common",
    "random_rare",
    "random_zipfian",
]


def test_every_name_of_before_is_a_value_and_each_says_what_it_is():
    assert set(BEFORE) <= set(EVAL_SPLITS) == set(ABOUT)
    assert all(read_evaluation(name) == BUILT_IN[name] for name in EVAL_SPLITS)


def test_the_default_is_what_was_measured_before_and_a_run_that_spells_it_out_is_the_same():
    assert [evaluation.name for evaluation in EvalConfig().measured] == list(DEFAULT_EVALUATIONS) == BEFORE[:4]
    assert EvalConfig(evaluations=DEFAULT_EVALUATIONS) == EvalConfig()


def test_a_digest_of_an_earlier_run_is_what_it_was_and_another_list_is_another_run():
    base = smoke()
    stored = base.to_dict()
    del stored["eval"]["evaluations"]
    assert RunConfig.from_dict(stored).digest() == base.digest()
    assert replace(base, eval=replace(base.eval, evaluations=("flip",))).digest() != base.digest()


def test_a_base_gives_all_that_is_not_said_and_its_contexts():
    found = read_evaluation("long:base=flipped,shots=8")
    assert found == replace(BUILT_IN["flipped"], name="long", shots=8, stream="fewshot_holdout")
    assert read_evaluation("own:base=ciwl").stream_name == BUILT_IN["ciwl"].stream_name
    assert read_evaluation("own:base=ciwl,stream=own").stream_name == "eval_own"


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("flip", "flip"),
        ("far:shift=2,base=shifted", "far:base=shifted,shift=2"),
        ("same:base=shifted,shift=1", "same:base=shifted"),
        ("plain:shift=0,classes=rare,sequence=fewshot", "plain:sequence=fewshot,classes=rare"),
        (" long : shots=8 , base=fewshot_holdout ", "long:base=fewshot_holdout,shots=8"),
        ("same:base=flip,exchanged=True", "same:base=flip"),
        ("n:noise=0.50,classes=rare,sequence=no_support", "n:sequence=no_support,classes=rare,noise=0.5"),
    ],
)
def test_what_means_the_same_is_stored_alike(text, spelled):
    assert evaluation_text(text) == evaluation_text(spelled) == spelled
    assert read_evaluation(text) == read_evaluation(spelled)
    assert EvalConfig(evaluations=(text,)).evaluations == (spelled,)


def test_evaluations_go_through_config_json_as_text():
    config = replace(smoke(), eval=EvalConfig(evaluations=("flip", "long:base=flip,shots=2")))
    assert config.to_dict()["eval"]["evaluations"] == ["flip", "long:base=flip,shots=2"]
    assert RunConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("evaluation", BUILT_IN.values(), ids=BUILT_IN)
def test_every_value_can_be_written_as_text(evaluation):
    had = {field.name: getattr(evaluation, field.name) for field in dataclasses.fields(evaluation)}
    told = {name: value for name, value in had.items() if value is not None and name not in ("name", "exchanged")}
    text = ",".join(f"{name}={value}" for name, value in {**told, "exchanged": evaluation.exchanged}.items())
    assert read_evaluation(f"other:{text}") == replace(evaluation, name="other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flp", "must be among fewshot_holdout, .*, got 'flp'; did you mean flip\\?"),
        ("a:base=flp", "evaluation a: base must be one of .*, got 'flp'; did you mean flip\\?"),
        ("a:base=flip,shot=2", "settings must be among base, sequence, .*, got 'shot'; did you mean shots\\?"),
        ("a:base=flip,shots", "settings must be setting=value, joined by commas, got 'shots'"),
        ("a:base=flip,shots=2,shots=3", "each setting must be given once, got shots twice"),
        ("a:base=flip,shots=two", "shots must be a whole number, got 'two'"),
        ("a:base=flip,shots=0", "shots must be a whole number from 1 to 2147483647, got 0"),
        ("a:base=flip,noise=-1", "noise must be a number of at least 0, got -1.0"),
        ("a:base=flip,shift=1", "evaluation a: shift needs sequence=fewshot without exchanged, got 1"),
        ("a:base=shifted,shift=-1", "shift must be a whole number from 0 to 2147483647, got -1"),
        ("a:base=shifted,shift=one", "shift must be a whole number, got 'one'"),
        ("a:base=novel_label,shift=1", "shift needs labels own or shared, got 1 with labels=novel"),
        ("a:base=random_zipfian,shift=1", "shift needs sequence=fewshot without exchanged, got 1"),
        ("a:base=shifted,answers=classes", "answers must be one of all, context with labels=own, got classes"),
        ("a:base=shared_label,classes=augmented", "classes must be one of .*holdout with labels=shared, got augmented"),
        ("a:base=no_support_zipfian,labels=shared", "labels must be one of own, elsewhere with sequence=no_support"),
        ("a:base=flip,exchanged=maybe", "exchanged must be true or false, got 'maybe'"),
        ("a:base=flip,exemplars=4", "evaluation a: exemplars must be start:stop .*, got '4'"),
        ("flip:shots=2", r"needs a name of its own \(other:base=flip,…\), got 'flip:shots=2'"),
        ("A:base=flip", "must be a small letter, then small letters, digits and _, at most 40 in all, got 'A'"),
        ("a:shots=2", "evaluation a: base or sequence must be given, got neither"),
        ("a:sequence=fewshots,classes=rare", "sequence must be one of fewshot, .*'fewshots'; did you mean fewshot\\?"),
        ("a:sequence=fewshot", "classes must be given with sequence=fewshot, got none"),
        ("a:base=bursty,classes=rare", "classes must be left out with sequence=bursty, which has its own, got rare"),
        ("a:base=fewshot_holdout,labels=own", "classes must be one of trained, common, rare with labels=own"),
        ("a:base=ciwl,classes=holdout", "classes must be one of trained, common, rare with labels=elsewhere"),
        ("a:base=random_rare,labels=novel", "labels must be one of own with sequence=random, got novel"),
        ("a:base=ciwl,exchanged=true", "exchanged needs sequence=fewshot, got no_support"),
        ("a:base=flip,answers=ways", "answers must be one of all, classes, context with labels=own, got ways"),
        ("a:base=no_support_rare,answers=context", "answers must be one of all, classes with labels=own, got context"),
        ("a:base=flip,seq_len=9", "seq_len needs sequence=no_support, random or bursty, .*, got 9"),
        ("a:base=no_support_rare,shots=9", "shots needs sequence=fewshot, bursty or mixed, or labels=elsewhere, got 9"),
        ("a:base=ciwl,order=grouped", "order needs sequence=fewshot, got grouped"),
    ],
)
def test_a_mistake_is_one_line_that_names_rule_value_and_choices(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        EvalConfig(evaluations=(text,))
    assert str(caught.value).startswith("eval.evaluations: ")
    assert len(str(caught.value).splitlines()) == 1


def test_two_of_one_name_and_none_at_all_are_refused():
    with pytest.raises(ValueError, match="must have names of their own, got flip twice"):
        read_evaluations(["flip", "flip"])
    with pytest.raises(ValueError, match=r"must be at least one of .*, got none"):
        EvalConfig(evaluations=())


@pytest.mark.parametrize("value", ["flip", 3])
def test_a_list_is_asked_for(value):
    with pytest.raises(ValueError, match=r"eval\.evaluations must be a list of texts, got"):
        EvalConfig(evaluations=value)


def test_an_evaluation_is_checked_at_construction():
    with pytest.raises(ValueError, match=r"evaluation a: classes must be one of trained, .*, got 'rear'"):
        Evaluation(name="a", sequence="fewshot", classes="rear")
