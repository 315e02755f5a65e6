"""Exit codes, paths and printed names of every command: one line on stderr, nothing half-written."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import icl_models.haiku as haiku_module
from icl_models import ModelConfig, build_model, load_model, save_model
from icl_models._commands.main import main
from icl_models.haiku import export_variables, load_checkpoint, save_checkpoint

COMMAND = [sys.executable, "-c", "import sys; from icl_models._commands.main import main; sys.exit(main())"]
CONFIG = ModelConfig(num_classes=5, example_kind="id", example_shape=(), embedder="embedding", emb_dim=16, num_layers=1)
WRITERS = {"import-haiku": ("checkpoint.dill", "out.safetensors"), "export-haiku": ("model.safetensors", "out.dill")}
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc, /dev/full or limits of a process")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A file for every command, in the current folder, which is the home folder, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    model = build_model(CONFIG, seed=0)
    save_model(model, "model.safetensors")
    save_checkpoint("checkpoint.dill", *export_variables(model))
    Path("config.json").write_text(json.dumps(CONFIG.to_dict()))
    return sorted(os.listdir())


def line_of(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert "[Errno" not in line
    assert line.isprintable()
    return line


@contextmanager
def disk_of(n_bytes: int) -> Iterator[None]:
    """A disk on which no file can be larger."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes_none = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # half a compiled module would be read ever after
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_none


@linux_only
@pytest.mark.parametrize("command", WRITERS)
def test_a_disk_that_is_full_is_exit_code_1_and_leaves_what_was_there(
    command: str, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = WRITERS[command]
    Path(out).write_text("precious")
    with disk_of(1000):
        assert main([command, source, out, "--force"]) == 1
    assert line_of(capsys).startswith(f"icl-models {command}: File too large: {out} (files may not grow that large")
    assert Path(out).read_text() == "precious"
    assert sorted(os.listdir()) == sorted([*files, out])


@linux_only
@pytest.mark.parametrize(
    "args", [["summary", "config.json"], ["plugins", "--all"], ["import-haiku", "checkpoint.dill", "a"]]
)
def test_output_that_cannot_be_written_is_exit_code_1(args: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"icl-models {args[0]}: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_output_that_nobody_reads_on_is_exit_code_141() -> None:
    """A pipe whose reader is gone before anything is written."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, "summary", "config.json"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("command", WRITERS)
def test_an_interrupted_command_is_exit_code_130_and_writes_nothing(
    command: str, files: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(haiku_module, "import_variables", interrupt)
    monkeypatch.setattr(haiku_module, "export_variables", interrupt)
    assert main([command, *WRITERS[command]]) == 130
    assert line_of(capsys) == f"icl-models {command}: interrupted"
    assert sorted(os.listdir()) == files


def mistakes() -> Iterator[tuple[list[str], str]]:
    for command, (source, out) in WRITERS.items():
        yield [command, source, "nowhere/out"], "the output's folder must exist, got nowhere"
        yield [command, source, "folder"], "the output must be a file, got the folder folder"
        yield [command, source, "config.json"], "the output must not exist without overwrite=True (--force)"
        yield [command, source, "/proc/out", "--force"], "No such file or directory: /proc/out"
        yield [command, source, "pipe", "--force"], "the output must be a file, got pipe, which is a pipe or a device"
        yield [command, "folder", out], "folder"
        yield [command, "~nobody-of-this-name/file", out], "needs that user's home folder, got ~nobody-of-this-name"
        yield [command, "", out], "must not be empty"
    yield ["summary", "nowhere.json"], "No such file or directory: nowhere.json"
    yield ["summary", "folder"], "a saved model must be a file, or a folder with a model.safetensors, got folder"
    yield ["summary", "checkpoint.dill"], "a config must be a JSON file or a saved model, got checkpoint.dill: "
    yield ["summary", "broken.safetensors"], "a saved model must be a safetensors file, got broken.safetensors: "
    yield ["summary", "~nobody-of-this-name/file"], "needs that user's home folder, got ~nobody-of-this-name/file"


@linux_only
@pytest.mark.parametrize(
    ("args", "message"), list(mistakes()), ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_mistake_is_exit_code_2_and_writes_nothing(
    args: list[str], message: str, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("broken.safetensors").write_bytes(b"\xff" * 20)
    before = sorted(os.listdir())
    try:
        code = main(args)
    except SystemExit as stop:  # an argument that argparse refuses
        code = stop.code
    assert code == 2
    assert message in line_of(capsys)
    assert sorted(os.listdir()) == before


def test_the_output_is_tried_before_the_checkpoint_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(haiku_module, "load_checkpoint", None)
    assert main(["import-haiku", "checkpoint.dill", "model.safetensors"]) == 2
    assert "must not exist" in line_of(capsys)


def refused(*_: Any, **__: Any) -> None:
    raise PermissionError(13, "Permission denied", "model.safetensors")


def test_a_saved_model_without_rights_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("icl_models._saved_config.read_file", refused)
    assert main(["summary", "model.safetensors"]) == 2
    assert "Permission denied: model.safetensors (choose a place that you may use" in line_of(capsys)


def test_every_path_of_a_command_may_start_at_the_home_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "~/config.json"]) == 0
    assert main(["summary", "~/model.safetensors"]) == 0
    assert main(["import-haiku", "~/checkpoint.dill", "~/a.safetensors"]) == 0
    assert main(["export-haiku", "~/a.safetensors", "~/b.dill"]) == 0
    assert Path("b.dill").is_file()
    assert not Path("~").exists()


def load_and_save() -> dict[str, Callable[[], Any]]:
    model = build_model(CONFIG, seed=0)
    return {
        "save_model": lambda: save_model(model, "~/new"),
        "load_model": lambda: load_model("~/model.safetensors"),
        "save_checkpoint": lambda: save_checkpoint("~/new", *export_variables(model)),
        "load_checkpoint": lambda: load_checkpoint("~/checkpoint.dill"),
    }


@pytest.mark.parametrize("function", load_and_save())
def test_every_path_of_a_function_may_start_at_the_home_folder(function: str) -> None:
    load_and_save()[function]()
    assert function.startswith("load") or Path("new").is_file()
    assert not Path("~").exists()


HOSTILE = "a\x1b[2J\u202e\nb"


@pytest.mark.parametrize(
    "content",
    [
        {HOSTILE: {}},
        {"params": {}, HOSTILE: 1},
        {"params": {HOSTILE: {HOSTILE: np.zeros(2)}}},
        {"params": {"rnn/lstm/linear": {"w": np.zeros(2)}, HOSTILE: {"w": np.zeros(2)}}},
        {"experiment_module": {HOSTILE: 1}},
        {"params": {"input_embedder": {"embs": np.zeros((2, 3, 4))}, HOSTILE: {HOSTILE: np.zeros(3)}}},
    ],
)
def test_names_in_a_refused_checkpoint_are_printed_with_escapes(
    content: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("hostile.dill").write_bytes(pickle.dumps(content))
    assert main(["import-haiku", "hostile.dill", "out"]) == 2
    line_of(capsys)


def test_names_of_files_and_settings_are_printed_with_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[2J\u202e"
    assert main(["import-haiku", "checkpoint.dill", name]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == r"written: a\x1b[2J\u202e"
    for mistake in (
        ["summary", HOSTILE],
        ["summary", "config.json", "--set", f"{HOSTILE}=1"],
        ["import-haiku", name, "b"],
    ):
        assert main(mistake) == 2
        line_of(capsys)


@pytest.mark.parametrize("text", ["{bad", "[" * 100_000], ids=["no JSON", "too deep"])
def test_a_saved_model_with_a_damaged_config_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, "damaged.safetensors", {"icl_models.config": text})
    assert main(["summary", "damaged.safetensors"]) == 2
    assert "a saved model must have a config in JSON, got damaged.safetensors: " in line_of(capsys)


@pytest.mark.filterwarnings("always")  # the command prints them
def test_what_plugins_say_is_printed_with_escapes(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Their names, their components' and their errors; a warning of one that is set aside as well."""
    spec = f"EmbedderSpec(name={HOSTILE!r}, build=None)"
    source = "from icl_models import EmbedderSpec, hookimpl\n@hookimpl\ndef icl_register_embedders():\n    return "
    install("good", f"{source}[{spec}]")
    install("broken", f"raise ImportError({HOSTILE!r})")
    assert main(["plugins"]) == 0
    assert main(["plugins", "--json"]) == 0
    listed = capsys.readouterr().out
    assert listed.replace("\n", "").isprintable()
    assert r"\x1b[2J" in listed
    assert main(["summary", "config.json", "--set", "embedder=nothing"]) == 2
    warning, error = capsys.readouterr().err.splitlines()
    assert (warning + error).isprintable()
    assert (warning.count(r"\x1b[2J"), error.count(r"\x1b[2J")) == (1, 2)
