"""Values as other tools write them are taken where there is no doubt; else it is said how they are written."""

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro

from icl_train import figure3a
from icl_train._commands import run as run_module
from icl_train._commands.main import _main
from icl_train._commands.sweeps import figure3a as sweep_module
from icl_train.command_line import parse


@dataclass(frozen=True, kw_only=True)
class Inner:
    max_steps: Annotated[int, tyro.conf.arg(aliases=("--max-steps",))] = 1
    rate: float = 1.0
    augment: bool = False
    encode: bool = True
    kind: Literal["no_support", "few"] = "few"
    width: int | None = None
    layers: tuple[int, ...] | None = (9,)
    maybe: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Outer:
    counts: tuple[int, ...] = (1,)
    names: tuple[str, ...] = ()
    folder: Path = Path("x")
    label: str | None = None
    data: Inner = field(default_factory=Inner)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True, kw_only=True)
class OfAPlugin:
    """Types that the settings of a plugin's component may have."""

    colour: Colour = Colour.RED
    weights: dict[str, int] = field(default_factory=dict)
    pair: tuple[int, str] = (0, "")
    corner: tuple[float, float] = (0.0, 0.0)
    steps: list[int] = field(default_factory=list)
    pairs: tuple[tuple[int, int], ...] = ()
    last: int = 0


@dataclass(frozen=True)
class WithArgument:
    run: tyro.conf.Positional[Path]
    all_of_them: bool = False
    splits: tuple[str, ...] = ()


def read(*args):
    value = parse(Outer, list(args), prog="x")
    return {**vars(value), **vars(value.data)}


@pytest.mark.parametrize(
    ("args", "name", "value"),
    [
        (["--max-steps", "1e5"], "max_steps", 100_000),
        (["--max-steps", "1.5e3"], "max_steps", 1500),
        (["--max-steps", "1_000"], "max_steps", 1000),
        (["--max-steps=7"], "max_steps", 7),
        (["--data.max_steps", "7"], "max_steps", 7),
        (["--max_steps=7"], "max_steps", 7),
        (["--data.max-steps", "-3"], "max_steps", -3),
        (["--data.rate", "1e-3"], "rate", 0.001),
        (["--data.rate=-.5"], "rate", -0.5),
        (["--data.augment"], "augment", True),
        (["--data.augment=true"], "augment", True),
        (["--data.augment", "true"], "augment", True),
        (["--data.augment", "True"], "augment", True),
        (["--data.augment", "1"], "augment", True),
        (["--data.augment", "yes"], "augment", True),
        (["--data.augment", "--data.augment", "false"], "augment", False),
        (["--data.encode", "no"], "encode", False),
        (["--data.encode=0"], "encode", False),
        (["--data.no-encode"], "encode", False),
        (["--data.maybe", "yes"], "maybe", True),
        (["--data.kind", "no-support"], "kind", "no_support"),
        (["--data.kind", "FEW"], "kind", "few"),
        (["--data.width", "none"], "width", None),
        (["--data.width", "64"], "width", 64),
        (["--label", "none"], "label", "none"),
        (["--label", "None"], "label", None),
        (["--label=-x"], "label", "-x"),
        (["--label="], "label", ""),
        (["--counts", "100,1600"], "counts", (100, 1600)),
        (["--counts", "100,", "1e3"], "counts", (100, 1000)),
        (["--counts=[100, 1600]"], "counts", (100, 1600)),
        (["--counts", "1", "2", "--label", "x"], "counts", (1, 2)),
        (["--counts"], "counts", ()),
        (["--names", "a,b", "c"], "names", ("a,b", "c")),
        (["--data.layers"], "layers", ()),
        (["--data.layers", "None"], "layers", None),
        (["--data.layers", "0,2"], "layers", (0, 2)),
        (["--folder", "~/runs"], "folder", Path.home() / "runs"),
        (["--folder=~/runs"], "folder", Path.home() / "runs"),
    ],
)
def test_a_value_written_another_way_is_read(args, name, value):
    assert read(*args)[name] == value


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--max-steps", "100k"], "--max-steps must be a whole number, got '100k' (a hundred thousand is 100000, "),
        (["--max-steps", "100,000"], "--max-steps must be a whole number, got '100,000' (a hundred thousand is "),
        (["--max-steps", "1e-3"], "--max-steps must be a whole number, got '1e-3'"),
        (["--max-steps", "2.5"], "--max-steps must be a whole number, got '2.5'"),
        (["--max-steps", "1e999999999"], "--max-steps must be a whole number, got '1e999999999'"),
        (["--data.rate", "0,5"], "--data.rate must be a number, got '0,5'"),
        (["--data.augment", "maybe"], "--data.augment is a switch: --data.augment or --data.no-augment, got 'maybe'"),
        (["--data.augment=2"], "--data.augment is a switch: --data.augment or --data.no-augment, got '2'"),
        (
            ["--data.no-augment", "true"],
            "--data.augment is a switch: --data.augment or --data.no-augment, got --data.no-augment true",
        ),
        (["--counts", "1,two"], "--counts must be a whole number, got 'two'"),
        (["--data.kind", "fww"], "--data.kind must be one of no_support, few, got 'fww'"),
        (["--data.width"], "--data.width needs a value: a whole number or None"),
        (["--folder", "~nobody_here/x"], "needs that user's home folder, got ~nobody_here/x"),
    ],
)
def test_where_there_is_doubt_it_is_said_how_the_value_is_written(args, message):
    with pytest.raises(ValueError) as caught:
        read(*args)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("args", "name", "value"),
    [
        (["--colour", "BLUE"], "colour", Colour.BLUE),
        (["--weights", "a", "1", "b", "2"], "weights", {"a": 1, "b": 2}),
        (["--pair", "3", "x"], "pair", (3, "x")),
        (["--corner", "0.5,1"], "corner", (0.5, 1.0)),
        (["--steps", "1,1e3"], "steps", [1, 1000]),
        (["--pairs", "1", "2", "3", "4"], "pairs", ((1, 2), (3, 4))),
    ],
)
def test_values_of_any_type_that_the_parser_behind_knows_are_read(args, name, value):
    read = parse(OfAPlugin, [*args, "--last", "1e1"], prog="x")
    assert getattr(read, name) == value
    assert read.last == 10


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--corner", "1", "2", "3"], r"^--corner must be 2 values, got 3$"),
        (["--pair", "x", "3"], r"^--pair must be a whole number, got 'x'$"),
        (["--colour", "GREEN"], r"GREEN.*RED"),
        (["--weights", "a", "x"], r"^--weights: "),
    ],
)
def test_what_the_parser_behind_refuses_is_one_line_without_its_frame(args, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(OfAPlugin, args, prog="x")
    assert not set("\n│─╭╰+|\x1b") & set(str(caught.value))


def test_a_word_behind_a_switch_is_its_value_only_if_it_cannot_be_an_argument():
    assert parse(WithArgument, ["--all-of-them", "1"], prog="x") == WithArgument(Path("1"), all_of_them=True)
    assert parse(WithArgument, ["--all-of-them", "false", "y"], prog="x") == WithArgument(Path("y"))


def test_several_values_leave_the_argument_that_a_command_needs():
    expected = WithArgument(Path("run"), splits=("a", "b"))
    assert parse(WithArgument, ["--splits", "a", "b", "run"], prog="x") == expected
    assert parse(WithArgument, ["run", "--splits", "a", "b"], prog="x") == expected
    assert parse(WithArgument, ["--splits", "a", "b", "--no-all-of-them", "run"], prog="x") == expected


def test_an_argument_that_looks_like_an_option_stands_behind_two_dashes():
    assert parse(WithArgument, ["--splits", "a", "--", "-run"], prog="x") == WithArgument(Path("-run"), splits=("a",))


def test_home_is_expanded_in_arguments_without_a_name():
    assert parse(WithArgument, ["~/runs"], prog="x").run == Path.home() / "runs"


WRITTEN = ["--max-steps=1e2", "--eval_interval", "1_0", "--data.use-zipf-for-common-rare", "false"]


def test_run_takes_values_written_another_way(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(run_module, "train_here", lambda run: made.append(run.config) or 0)
    assert _main(["run", "smoke", "--root", str(tmp_path), *WRITTEN]) == 0
    assert (made[0].train.max_steps, made[0].eval.interval, made[0].data.use_zipf_for_common_rare) == (100, 10, False)


def test_sweep_takes_values_written_another_way(monkeypatch, tmp_path):
    made = []

    def configs(base, *, class_counts, seeds):
        made.append((base, class_counts, seeds))
        return figure3a(base, class_counts=class_counts, seeds=seeds)

    monkeypatch.setattr(sweep_module, "figure3a", configs)
    args = ["--class-counts", "30,64", "--run-seeds=0,1", "--launcher=commands", "--root", str(tmp_path)]
    assert _main(["sweep", "figure3a", "--preset=smoke", *args, *WRITTEN]) == 0
    ((base, counts, seeds),) = made
    assert (counts, seeds) == ((30, 64), (0, 1))
    assert (base.train.max_steps, base.eval.interval) == (100, 10)


@dataclass(frozen=True)
class WithArguments:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    splits: tuple[str, ...] = ()


def test_an_argument_that_takes_several_takes_them_and_needs_one():
    assert parse(WithArguments, ["a", "b,c", "--splits", "d", "e"], prog="x").runs == (Path("a"), Path("b,c"))
    assert parse(WithArguments, ["a", "--splits", "d", "e"], prog="x").splits == ("d", "e")
    with pytest.raises(ValueError, match=r"^RUNS must be given \(see x --help\)$"):
        parse(WithArguments, [], prog="x")
