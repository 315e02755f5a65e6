"""The short help: an example, the options that people use, and where the rest is; nothing cut, at any width."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
import tyro

from icl_train._options.page import Page, short_help
from icl_train._options.table import option_table
from icl_train.command_line import parse

FEW = [
    "--root",
    "--name",
    "--config",
    "--max-steps",
    "--batch-size",
    "--device",
    "--engine",
    "--eval-interval",
    "--data.source",
    "--data.omniglot",
    "--data.downsample",
    "--data.p-bursty",
    "--data.n-rare-classes",
    "--data.zipf-exponent",
    "--model.embedder",
    "--model.sequence-model",
    "--model.num-layers",
    "--optimizer",
    "--optim.max-lr",
    "--seeds.init",
    "--seeds.data",
]
SWEPT = ["--data.n-rare-classes", "--seeds.init", "--seeds.data", "--name"]


@dataclass(frozen=True, kw_only=True)
class Inner:
    kind: Literal["adam", "sgd"] = "adam"
    """What updates; more is said elsewhere."""
    layers: Annotated[int, tyro.conf.arg(aliases=("--layers",))] = 2


@dataclass(frozen=True, kw_only=True)
class Command:
    plot: bool = False
    """Draw."""
    counts: tuple[int, ...] = (1, 2)
    inner: Inner = field(default_factory=Inner)


PAGE = Page(usage=["x [options]"], examples=["x --plot"], few=["--plot", "--counts", "--inner.kind", "--other"])


def test_a_page_is_usage_examples_and_the_few_options_with_defaults():
    assert short_help(PAGE, option_table(Command), all_options="x --help-all") == (
        "usage: x [options]\n\n  x --plot\n\n"
        "  --plot                 Draw\n"
        "  --counts N ...          [1 2]\n"
        "  --inner.kind adam|sgd  What updates [adam]\n\n"
        "all 4 options: x --help-all"
    )


def test_a_group_of_options_is_listed_by_what_its_names_begin_with():
    page = Page(usage=["x"], examples=[], few=["--inner."], defaults=False)
    shown = short_help(page, option_table(Command), all_options="x")
    assert "--inner.kind adam|sgd" in shown
    assert "--layers N" in shown


def test_help_shows_the_page_and_help_all_every_option(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Command, ["--plot", "--help"], prog="x", page=PAGE)
    assert not stop.value.code
    assert "--layers" not in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        parse(Command, ["--help-all"], prog="x", page=PAGE)
    assert not stop.value.code
    assert "--layers" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize(
    ("args", "left_out"),
    [
        (["run", "--help"], []),
        (["run", "laptop", "--help"], []),
        (["sweep", "figure3a", "--help"], SWEPT),
    ],
    ids=" ".join,
)
def test_help_fits_a_screen_and_is_not_cut(args, left_out, columns, terminal):
    printed, code = terminal(*args, columns=columns)
    assert code == 0
    lines = printed.splitlines()
    assert max(map(len, lines)) <= columns
    assert "\x1b" not in printed
    assert len(lines) <= 64
    for name in FEW:
        assert (f"\n  {name} " in printed) == (name not in left_out), name
    assert lines[-1].endswith(f"icl-train {' '.join(args[:-1])} --help-all")
    assert f"  icl-train {args[0]} " in printed


def test_the_short_help_of_a_sweep_has_the_size_of_ensembles(terminal):
    printed, _ = terminal("sweep", "figure3a", "--help", columns=80)
    assert "\n  --members N " in printed


def test_help_without_a_preset_lists_the_presets(terminal):
    printed, _ = terminal("run", "--help", columns=80)
    assert [line.split()[0] for line in printed.splitlines()[3:] if line[:2] == "  " and line[2] != " "][:6] == [
        "chan2022",
        "laptop",
        "reddy2023",
        "singh2024",
        "singh2025",
        "smoke",
    ]


@pytest.mark.parametrize("columns", [80, 200])
def test_help_all_names_every_option_uncut(columns, terminal):
    printed, code = terminal("run", "laptop", "--help-all", columns=columns, TERM="dumb")
    assert code == 0
    assert max(map(len, printed.splitlines())) <= columns
    from icl_train._commands.run import RunCommand

    for option in option_table(RunCommand):
        assert option.names[-1] in printed
