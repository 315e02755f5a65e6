"""Files that are no configuration, or a harmful one: nothing of them runs, and each ends in one line."""

import os
import resource
import subprocess
import sys
import textwrap

import pytest
from released_configs import of, read, released_config

from icl_train._converting.reading import read_released
from icl_train._converting.settings import converted
from icl_train._converting.values import Unknown


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("int(5e5)", 500_000),
        ("4 * 8 - 2 ** 3", 24),
        ("TURNS * 100 // 3", 266),
        ("either(7, 8)", 7),
        ("either(usual=7, small=8)", 7),
        ("either(**dict(small=8), usual=7)", 7),
        ("either(**{'usual': 7, 'small': 8})", 7),
        ("(lambda x: x + 1)(2)", 3),
        ("10 if SKEW else 20", 20),
        ("20 if not debug and 1 < 2 <= 2 else 10", 20),
        ("config.experiment_kwargs.config.training.batch_size * 2", 64),
        ("config.experiment_kwargs['config']['training']['batch_size']", 32),
        ("dict(a=5)['a']", 5),
        ("{'a': 6, **{'b': 7}}['b']", 7),
        ("(1, 2, 3)[-1]", 3),
        ("config_dict.FieldReference(12)", 12),
        ("None or 9", 9),
    ],
)
def test_what_can_be_known_is_known(value, known, tmp_path):
    assert of(tmp_path, value) == known


@pytest.mark.parametrize(
    "statement",
    [
        "config.training_steps: int = 7",
        "config.training_steps = 6\nconfig.training_steps += 1",
        "config.update(dict(training_steps=7))",
        "config.update(training_steps=7)",
        "config.update(**dict(training_steps=7))",
        "more = {'training_steps': 7}\nconfig.update(**more, evaluate_every=3)",
        "small, config.training_steps = 3, 7",
        "with config.unlocked():\n  config.training_steps = 7",
        "def steps(n=3):\n  '''How many.'''\n  more = 4\n  return n + more\nconfig.training_steps = steps()",
        "if debug:\n  config.training_steps = 1\nelse:\n  config.training_steps = 7",
    ],
)
def test_statements_are_followed(statement, tmp_path):
    assert read(tmp_path, released_config(more=statement)).options["training_steps"].value == 7


@pytest.mark.parametrize("body", ["of.training_steps = 7", "of.update(training_steps=7)\n  return of"])
def test_a_function_that_sets_options_is_followed(body, tmp_path):
    found = read(tmp_path, released_config(more=f"def set_steps(of):\n  {body}\nset_steps(config)"))
    assert found.options["training_steps"].value == 7
    assert not found.passed_over


@pytest.mark.parametrize(
    ("define", "call"),
    [
        ("def set_steps(of):\n  of.training_steps = 7", "set_steps()"),
        ("def set_steps(of):\n  of.training_steps = 7", "set_steps(config, 1)"),
        ("def set_steps(of):\n  return of.update(training_steps=7)", "set_steps(config)"),
        ("set_steps = lambda of: of.update(training_steps=7)", "set_steps(config)"),
        ("def set_steps(of):\n  of.training_steps = 7\n  yield", "set_steps(config)"),
        ("def set_steps(of):\n  return set_steps(of)", "set_steps(config)"),
        ("@print\ndef set_steps(of):\n  of.training_steps = 7", "set_steps(config)"),
        ("from elsewhere import set_steps", "set_steps(config)"),
        ("def more(of):\n  of += ['more']\nmodes = ['one']", "more(modes)\nconfig.eval_modes = modes"),
    ],
    ids=lambda text: text.replace("\n", " ")[:60],
)
def test_a_call_that_is_not_followed_is_named(define, call, tmp_path):
    found = read(tmp_path, released_config(more=f"{define}\n{call}"))
    assert found.options.get("training_steps") is None or found.options["training_steps"].value != 7
    assert found.passed_over


@pytest.mark.parametrize("kind", ["global", "nonlocal"])
def test_a_name_that_a_function_binds_elsewhere_is_not_known(kind, tmp_path):
    more = f"steps = 5\ndef later():\n  {kind} steps\n  steps = 7\nlater()\nconfig.training_steps = steps"
    before = "steps = 5\n" if kind == "global" else ""
    text = released_config(more=more.removeprefix(before))
    found = read(tmp_path, before + text)
    assert isinstance(found.options["training_steps"].value, Unknown)
    assert "a name that a function binds elsewhere" in found.passed_over.values()


def test_an_update_joins_groups_and_keeps_what_it_does_not_name(tmp_path):
    more = "config.experiment_kwargs.update(dict(config=dict(training=dict(batch_size=8))))"
    options = read(tmp_path, released_config(more=more)).options
    assert (options["training.batch_size"].value, options["seq_model"].value) == (8, "transformer")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("10**10**10", "a number that is too large"),
        ("9**9**9**9", "a number that is too large"),
        ("2**1024", "a number that is too large"),
        ("2.0**2000", "a number that is too large"),
        ("1 << 10**10", "an operation that is none of numbers"),
        ("'a' * 10**10", "an operation that is none of numbers"),
        ("[0] * 10**10", "an operation that is none of numbers"),
        ("len(range(10**9))", "a call of len"),
        ("sum([x for x in range(10**9)])", "a call of sum"),
        ("[x for x in range(10**9)]", "a comprehension"),
        ("list(range(10**9))", "a call of range"),
        ("1 / 0", "a number that cannot be"),
        ("(-8) ** 0.5", "a number that cannot be"),
        ("int('7' * 3)", "an operation that is none of numbers"),
        ("open('/etc/passwd').read()", "a call of open"),
        ("__import__('os').getpid()", "a call of __import__"),
        ("os.getenv('STEPS')", "a call of os.getenv"),
        ("().__class__.__base__", "the attribute __class__"),
        ("f'{5}'", "a formatted text"),
        ("b'7'", "a value that no option has"),
        ("1j", "a value that no option has"),
        ("nowhere", "the name nowhere"),
        ("again(3)", "a function that calls itself"),
        ("either()", "the argument usual"),
        ("either(1, 2, 3)", "a call of either"),
        ("either(usual=1, nonsense=2)", "a call of either"),
        ("either(1, **os.environ)", "a call of either"),
        ("taking(1, more=2)", "a call of taking"),
        ("taking(1)", "the arguments rest"),
        ("doubled(3)", "a call of doubled"),
        ("counting()", "a function that yields"),
        (" + ".join(["1"] * 500), "what is nested too deeply"),
        ("- " * 900 + "1", "what is nested too deeply"),
        ("[[1] * 0, dict()]", "an operation that is none of numbers"),
        ("[dict(a=1)]", "a list of what is no value"),
        ("(again,)", "a list of what is no value"),
        ("str(again)", "a value that is no number"),
        ("str(os)", "a value that is no number"),
        ("again == (lambda: 1)", "a comparison that cannot be made"),
        ("dict(a=1) == dict(a=1)", "a comparison that cannot be made"),
        ("8 if os.fast else 32", "the value of os.fast"),
        ("8 if not os.fast else 32", "the value of os.fast"),
        ("8 if os.fast is None else 32", "the value of os.fast"),
        ("8 if None is not os.fast else 32", "the value of os.fast"),
        ("8 if debug or os.fast else 32", "the value of os.fast"),
        ("not os.fast", "the value of os.fast"),
        ("os.fast and 8", "the value of os.fast"),
    ],
    ids=lambda text: text[:30],
)
def test_what_only_running_it_would_tell_is_unknown(value, why, tmp_path):
    before = """\
import os
rest = 5
def again(n):
  return again(n)
def taking(n, *rest):
  return rest
@os.wraps
def doubled(n):
  return n
def counting():
  if True:
    yield 3"""
    unknown = of(tmp_path, value, before=before)
    assert isinstance(unknown, Unknown)
    assert unknown.why == why


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("config.update(**load())", "an update by what is not known"),
        ("del config.training_steps", "a deletion"),
    ],
)
def test_what_a_statement_may_do_to_options_is_named(statement, why, tmp_path):
    found = read(tmp_path, released_config(more=statement))
    assert why in found.passed_over.values()


def test_a_deleted_option_is_not_taken_over(tmp_path):
    deleted = read(tmp_path, released_config(more="del config.training_steps")).options["training_steps"].value
    assert isinstance(deleted, Unknown)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "it must define get_config()"),
        (b"def get_config(:\n", "line 1 is no Python"),
        (b"x = '\xff\xfe'\n", "it must be UTF-8, got byte 0xff at 5"),
        (b"\x00", "null bytes"),
        (b"x = " + b"(" * 5000 + b")" * 5000, "line 1 is no Python: too many nested parentheses"),
        (b"x = " + b"-" * 200_000 + b"1", "it must not be nested as deeply as it is"),
        (b"x = 1" + b"0" * 100_000, "line 1 is no Python: Exceeds the limit"),
        (b"get_config = 5", "it must define get_config()"),
        (b"from elsewhere import get_config", "give the file that it is in"),
        (b"def get_config():\n  return 5", "get_config() must return a configuration"),
        (b"def get_config():\n  pass", "get_config() must return a configuration"),
        (b"def get_config():\n  return load('a')", "because of a call of load on line 2"),
        (b"def get_config():\n  return dict(a=1)", "must set config.experiment_kwargs with a group 'config', as"),
        (b"def get_config():\n  c = dict(a=1)\n  c['b'] = c\n  return c", "nested at most 20 deep"),
        (b"x = 1\nif x:\n  return 5\n", "line 3 is no Python: it returns outside of a function"),
        (b"def get_config():\n  while True:\n    pass", "get_config() must return a configuration"),
    ],
    ids=lambda text: text[:40] if isinstance(text, str) else None,
)
def test_what_is_no_configuration_is_refused_in_one_line(text, told, tmp_path):
    with pytest.raises(ValueError, match=r"^cannot read ") as refused:
        read(tmp_path, text)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", ["x", "x == y", "x in [y]", "x + y", "str(lambda: x)"])
def test_lists_that_hold_each_other_many_times_end(value, tmp_path):
    doubled = "x, y = [1, 1], [1, 1]\n" + "x, y = [x, x], [y, y]\n" * 40
    made = converted(read(tmp_path, released_config(more=f"{doubled}config.nope = {value}")))
    assert any(note.text.startswith("nope is no option") for note in made.lost)


@pytest.mark.parametrize(("large", "line"), [("dict", "y = {**x}"), ("list", "y = x == 5"), ("list", "y = [x]")])
def test_looking_at_much_again_and_again_takes_steps(large, line, tmp_path):
    names = ", ".join(f"a{n}=1" for n in range(4000))
    first = f"x = dict({names})" if large == "dict" else f"x = {[1] * 4000}"
    with pytest.raises(ValueError, match="at most 200,000 steps"):
        read(tmp_path, released_config(more="\n".join([first, *[line] * 60])))


def test_groups_that_are_joined_within_each_other_many_times_end(tmp_path):
    create = "config_dict.create"
    lines = "\n".join(f"{name} = {create}(l={name}, r={name})" for _ in range(19) for name in ("a", "b"))
    with pytest.raises(ValueError, match="at most 200,000 steps"):
        read(tmp_path, released_config(more=f"a, b = {create}(x=1), {create}(y=1)\n{lines}\n" + "a.update(b)\n" * 9))


def test_deep_conditions_that_do_not_hold_are_followed(tmp_path):
    conditions = "".join(f"{'  ' * depth}if SKEW == 0:\n" for depth in range(38))
    more = f"{conditions}{'  ' * 38}if SKEW:\n{'  ' * 39}pass"
    for deeper in range(4):
        text = "".join(f"{'  ' * depth}if SKEW == 0:\n" for depth in range(deeper))
        inside = "\n".join(f"{'  ' * deeper}{line}" for line in more.splitlines())
        assert read(tmp_path, released_config(more=text + inside)).options


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(OSError, match="must be a file, got a pipe"):
        read_released(tmp_path / "pipe.py")


def test_a_name_without_end_is_told_short(tmp_path):
    made = converted(read(tmp_path, released_config(more=f"config['{'a' * 100_000}'] = 5")))
    assert max(len(note.text) for note in made.lost) < 400


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with pytest.raises(ValueError, match="at most 1,000,000 bytes"):
        read(tmp_path, b"#" * 1_000_001)


def test_a_function_that_doubles_its_work_ends(tmp_path):
    body = "\n".join(f"def f{n + 1}():\n  return f{n}() + f{n}()" for n in range(30))
    with pytest.raises(ValueError, match="at most 200,000 steps"):
        of(tmp_path, "f30()", before=f"def f0():\n  return 1\n{body}")


def test_groups_that_hold_each_other_many_times_end(tmp_path):
    lines = ["g0 = dict(a=1)"] + [f"g{n + 1} = dict(a=g{n}, b=g{n}, c=g{n})" for n in range(15)]
    with pytest.raises(ValueError, match="at most 10,000 options"):
        read(tmp_path, released_config(more="\n".join([*lines, "config.more = g15"])))


def test_groups_that_go_round_end_when_they_are_joined(tmp_path):
    more = "a = dict()\nb = dict()\na['x'] = b\nb['x'] = a\na.update(b)"
    assert read(tmp_path, released_config(more=more)).options


HARM = textwrap.dedent(
    """
    import os, subprocess
    os.system("touch ran")
    subprocess.run(["touch", "ran"])
    exec("open('ran', 'w')")
    open("ran", "w").close()

    class Ran:
      open("ran", "w").close()

    @print("ran")
    def get_config(debug=open("ran", "w")):
      eval("open('ran', 'w')")
      for _ in range(10**12):
        open("ran", "w")
      raise SystemExit(7)
      return dict(experiment_kwargs=dict(config=dict(a=[open("ran", "w")])))
    """
)


def test_nothing_of_a_file_is_run_and_what_is_not_followed_has_its_line(tmp_path):
    (tmp_path / "config.py").write_text(HARM)
    command = [sys.executable, "-m", "icl_train", "convert-config", "config.py", "--strict"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30)),
    )
    assert [path.name for path in tmp_path.iterdir()] == ["config.py"]
    assert (done.returncode, done.stdout) == (2, "")
    for line, what in (
        (3, "a call of system"),
        (5, "a call of exec"),
        (8, "a class"),
        (11, "a decorator"),
        (14, "a loop"),
    ):
        assert f"not carried over: line {line}: {what} is not followed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("condition", ["os.getenv('FAST')", "os.FAST", "not os.FAST", "os.FAST is not None"])
def test_what_a_loop_or_an_unknown_condition_sets_is_not_carried_over(condition, tmp_path):
    more = f"import os\nif {condition}:\n  config.training_steps = 5\nfor _ in range(2):\n  config.random_seed = 3"
    made = converted(read(tmp_path, released_config(more=more)))
    assert made.config().train.max_steps == 500_000
    told = [note.text for note in made.lost]
    assert "training_steps cannot be known without running the file, because of a condition" in told
    assert "random_seed cannot be known without running the file, because of a loop" in told
