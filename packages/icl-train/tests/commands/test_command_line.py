"""Options from dataclasses; mistakes in one line."""

import io
import sys
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
import tyro
from rich.table import Table

from icl_data.foundation.command_line import CommandFailed
from icl_train.command_line import given, one_line_errors, parse, show_table


@dataclass(frozen=True, kw_only=True)
class Inner:
    layers: int = 2
    kind: Literal["adam", "adamw"] = "adam"
    batch_size: Annotated[int, tyro.conf.arg(aliases=("--batch-size",))] = 32

    def __post_init__(self):
        if self.layers < 1:
            raise ValueError(f"layers must be at least 1, got {self.layers}")


@dataclass(frozen=True, kw_only=True)
class Outer:
    model: Inner = field(default_factory=Inner)
    counts: tuple[int, ...] = (1,)


def test_values_reach_the_dataclass_under_dotted_and_short_names():
    value = parse(Outer, ["--model.layers", "3", "--batch-size", "8", "--counts", "4", "5"], prog="x")
    assert value == Outer(model=Inner(layers=3, batch_size=8), counts=(4, 5))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--model.layrs", "3"], r"^option --model.layrs does not exist; did you mean --model.layers\?$"),
        (["--layers", "3"], r"^option --layers does not exist; did you mean --model.layers\?$"),
        (["--model.layers", "two"], r"--model.layers.*two"),
        (["--model.kind", "sgd"], r"^--model.kind must be one of adam, adamw, got 'sgd'$"),
        (["--model.layers", "0"], r"layers must be at least 1, got 0"),
        (["--model.layers"], r"^--model.layers needs a value: a whole number$"),
        (["extra"], r"^argument extra is one too many"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(args, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(Outer, args, prog="x")
    assert "\n" not in str(caught.value)
    assert not set("│─╭╰") & set(str(caught.value))


def test_help_is_printed_and_ends_well(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Outer, ["--help"], prog="x")
    assert not stop.value.code
    assert "--model.layers" in capsys.readouterr().out


@dataclass(frozen=True, kw_only=True)
class Talking:
    layers: int = 2

    def __post_init__(self):
        print(f"{self.layers} layers", file=sys.stderr)


def test_what_settings_say_while_they_are_read_is_not_lost(capsys):
    parse(Talking, ["--layers", "3"], prog="x")
    assert "3 layers\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "value"),
    [([], None), (["--a-b", "1"], "1"), (["--a_b=2"], "2"), (["--a-b", "1", "--a-b", "3"], "3"), (["--a-b"], None)],
)
def test_given_finds_the_last_value_of_an_option(args, value):
    assert given(args, "--a-b") == value


def raising(error):
    def main(args):
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("p must be in [0, 1],\n got 2"), 2, "x: error: p must be in [0, 1], got 2\n"),
        (CommandFailed("1 of 2 runs failed"), 1, "x: 1 of 2 runs failed\n"),
        (KeyboardInterrupt(), 130, "x: interrupted\n"),
    ],
)
def test_exit_codes_tell_mistakes_from_failures(error, code, line, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x"])
    assert one_line_errors(raising(error), "x") == code
    assert capsys.readouterr().err == line


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x"])
    with pytest.raises(AssertionError):
        one_line_errors(raising(AssertionError("bug")), "x")


def test_a_table_into_a_closed_pipe_is_left_to_the_command_which_ends_with_141(monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        show_table(Table("a"))
