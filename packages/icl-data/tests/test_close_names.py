"""A proposal is one that somebody may have meant; where none is near, there is none."""

import pytest

from icl_data.foundation.close_names import close_names
from icl_data.foundation.command_line import nearest

OPTIONS = [
    "--root",
    "--data.p-bursty",
    "--data.p-bursty-common",
    "--data.noise-scale",
    "--data.protocol",
    "--model.num-layers",
    "--model.dropout-prob",
    "--model.example-dropout-prob",
    "--optim.eps",
    "--optim.max-lr",
    "--eval.protocol",
]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("labtop", ["chan2022", "laptop", "smoke"], ["laptop"]),
        ("trian", ["run", "train"], ["train"]),
        ("Figure3A", ["figure3a", "figure3b"], ["figure3a"]),
        ("--data.p-busty", OPTIONS, ["--data.p-bursty"]),
        ("--num_layers", OPTIONS, ["--model.num-layers"]),
        ("--max-lr", OPTIONS, ["--optim.max-lr"]),
        ("--model.max-lr", OPTIONS, ["--optim.max-lr"]),
        ("--noise", OPTIONS, ["--data.noise-scale"]),
        ("--bursty", OPTIONS, ["--data.p-bursty"]),
        ("--model.dropout", OPTIONS, ["--model.dropout-prob"]),
        ("--protocol", OPTIONS, ["--data.protocol", "--eval.protocol"]),
        ("--eval.protocl", OPTIONS, ["--eval.protocol"]),
    ],
)
def test_what_was_meant_is_found_by_its_last_part_its_words_or_its_letters(name, known, meant):
    assert close_names(name, known) == meant


@pytest.mark.parametrize("name", ["--lr", "--optim.schedule", "--split", "--p", "--", "", "--model", "--gpus", "--xyz"])
def test_nothing_is_proposed_where_nothing_is_near(name):
    assert close_names(name, OPTIONS) == []
    assert nearest(name, OPTIONS) == ""


def test_names_that_are_equally_near_are_all_proposed():
    assert nearest("--protocol", OPTIONS) == "; did you mean --data.protocol or --eval.protocol?"
