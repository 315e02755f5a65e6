"""What other tools call an option leads to ours, and every name that is proposed exists."""

import pytest

from icl_train._commands.run import RunCommand
from icl_train._commands.sweeps.figure3a import Figure3aCommand
from icl_train._options.other_names import OTHER_NAMES, meant_by
from icl_train._options.table import option_table
from icl_train.command_line import parse

# Of icl-eval; its own tests look for them there.
OF_ICL_EVAL = {"--out", "--batches", "--all-checkpoints"}


def names(command):
    return {name for option in option_table(command) for name in option.names}


@pytest.mark.parametrize("other", OTHER_NAMES)
def test_every_proposal_is_an_option_and_the_other_name_is_none(other):
    known = names(RunCommand) | names(Figure3aCommand)
    proposed = {name for group in OTHER_NAMES[other] for name in group}
    assert proposed <= known | OF_ICL_EVAL
    assert f"--{other}" not in known - OF_ICL_EVAL


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("--lr", "--optim.max-lr"),
        ("--optim.lr", "--optim.max-lr"),
        ("--learning_rate=0.1", "--optim.max-lr"),
        ("--seed", "--seeds.init or --seeds.data"),
        ("--epochs", "--max-steps"),
        ("--num-steps", "--max-steps"),
        ("--layers", "--model.num-layers"),
        ("--model.n-heads", "--model.num-heads"),
        ("--d-model", "--model.emb-dim"),
        ("--dropout", "--model.dropout-prob"),
        ("--wd", "--weight-decay"),
        ("--bs", "--batch-size"),
        ("--cuda", "--device"),
        ("--output", "--root"),
        ("--num-classes", "--data.n-rare-classes"),
        ("--alpha", "--data.zipf-exponent"),
        ("--burstiness", "--data.p-bursty"),
        ("--noise", "--data.noise-scale"),
        ("--optim", "--optimizer"),
        ("--workers", "--train.threads"),
        ("--max-step", "--max-steps"),
        ("-max-steps", "--max-steps"),
    ],
)
def test_run_proposes_its_own_name(name, meant):
    with pytest.raises(ValueError, match=rf"^option {name.partition('=')[0]} does not exist; did you mean {meant}\?$"):
        parse(RunCommand, [name, "3"], prog="icl-train run smoke")


@pytest.mark.parametrize(
    ("name", "meant"), [("--seed", "--run-seeds"), ("--n-classes", "--class-counts"), ("--workers", "--jobs")]
)
def test_a_sweep_proposes_what_it_varies(name, meant):
    with pytest.raises(ValueError, match=rf"did you mean {meant}\?$"):
        parse(Figure3aCommand, [name, "3"], prog="icl-train sweep figure3a")


def test_where_nothing_is_near_the_help_is_named():
    with pytest.raises(ValueError, match=r"^option --colour does not exist \(see icl-train run smoke --help\)$"):
        parse(RunCommand, ["--colour", "red"], prog="icl-train run smoke")


def test_the_nearest_is_none_of_the_far():
    assert meant_by("--qr", ["--root", "--optim.eps"]) == []
