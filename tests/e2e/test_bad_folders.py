"""One bad folder hides no other: each is named on one line, the others are shown, and nothing waits or breaks."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from icl_data.foundation.sealed import seal_object
from icl_train import PlainReporter, RunFolder, figure3a, smoke, train

DRIVER = """\
import contextlib, importlib, io, json, sys
found = []
for package, args in json.loads(sys.argv[1]):
    sys.argv = [package, *args]
    main = importlib.import_module(f"icl_{package}._commands.main").main
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main()
        except SystemExit as stop:
            code = stop.code
    told = [(stream.flush(), stream.buffer.getvalue().decode("utf-8"))[1] for stream in (out, err)]
    found.append([code, *told])
print(json.dumps(found))
"""
COMMANDS = [
    ("train", ["status", "runs"]),
    ("train", ["status", "runs", "--json"]),
    (
        "train",
        ["sweep", "figure3a", "--preset", "smoke", "--class-counts", "40", "--root", "runs", "--launcher", "commands"],
    ),
    ("eval", ["table", "runs", "--format", "csv"]),
    ("eval", ["table", "runs", "--format", "md"]),
    ("eval", ["table", "runs", "--wide", "--format", "json"]),
    ("eval", ["table", "runs", "--out", "all.parquet"]),
    ("eval", ["figures", "runs"]),
    ("eval", ["figure3a", "runs", "--out", "drawn"]),
    ("eval", ["plot", "runs", "--out", "drawn"]),
    ("eval", ["compare", "runs", "--with", "others"]),
    ("eval", ["evaluate", "runs", "--batches", "1", "--device", "cpu"]),
]


def stored(run, **changes):
    """config.json with changes, sealed again, as its writer could have written it."""
    value = json.loads((run / "config.json").read_text()) | changes
    del value["sha256"]
    return seal_object(json.dumps(value, indent=1) + "\n")


def twice(run):
    text = stored(run).replace('"seeds": {', '"seeds": {\n    "data": 5,')
    sealed = re.sub(r',\n "sha256": "\w+"', "", text)
    return seal_object(sealed)


BAD_CONFIGS = {
    "nothing": lambda run: b"",
    "zeros": lambda run: b"\0" * 1000,
    "mark": lambda run: b"\xef\xbb\xbf" + (run / "config.json").read_bytes(),
    "utf16": lambda run: (run / "config.json").read_text().encode("utf-16"),
    "latin1": lambda run: b'{"format": 2, "caf\xe9": 1}',
    "deep": lambda run: b"[" * 100_000 + b"]" * 100_000,
    "rather_deep": lambda run: stored(run, more=json.loads("[" * 400 + "]" * 400)).encode(),
    "digits": lambda run: b'{"format": ' + b"9" * 10_000 + b"}",
    "surrogate": lambda run: stored(run, environment={"threads": 1, "host": "\ud800"}).encode(),
    "twice": lambda run: twice(run).encode(),
    "types": lambda run: stored(run, environment=[]).encode(),
    "defaults": lambda run: stored(run, config=[]).encode(),
}


def pipe(path):
    os.mkfifo(path)


def plug(path):
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def large(path):
    path.touch()
    os.truncate(path, 2**30)


NO_FILES = {
    "pipe": pipe,
    "socket": plug,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "itself": lambda path: path.symlink_to(path.name),
    "folder": lambda path: path.mkdir(),
    "gigabyte": large,
}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A finished run."""
    (config,) = figure3a(smoke(), class_counts=(30,), seeds=(0,))
    path = tmp_path_factory.mktemp("one") / "run"
    train(RunFolder.create(path, config, device="cpu", threads=1), PlainReporter(io.StringIO()))
    return path


@pytest.fixture(scope="module")
def folder(one, tmp_path_factory):
    """Good runs under names of every kind, among bad ones."""
    folder = tmp_path_factory.mktemp("folder")
    root = folder / "runs"
    root.mkdir()

    def copy(name, **seeds):
        path = root / name
        shutil.copytree(one, path)
        if seeds:
            config = json.loads((path / "config.json").read_text())["config"]
            (path / "config.json").write_text(stored(path, config=config | {"seeds": config["seeds"] | seeds}))
        return path

    copy("good")
    for number, name in enumerate((os.fsdecode(b"caf\xe9"), "=cmd|x", "new\nline", "\x1b[31mred"), 1):
        copy(name, data=number)
    shutil.copytree(copy("elsewhere", data=7), folder / "others" / "theirs")
    shutil.rmtree(root / "elsewhere")
    bad = []
    for name, content in BAD_CONFIGS.items():
        path = copy(f"bad-{name}")
        (path / "config.json").write_bytes(content(one))
        bad.append(path)
    path = copy(os.fsdecode(b"bad-\xff"))
    (path / "config.json").write_text("{")
    bad.append(path)
    for name, make in NO_FILES.items():
        path = copy(f"bad-config-{name}")
        (path / "config.json").unlink()
        make(path / "config.json")
        bad.append(path)
    for number, (name, file, make) in enumerate(
        [
            ("records-pipe", "metrics.jsonl", pipe),
            ("records-device", "metrics.jsonl", NO_FILES["device"]),
            ("records-folder", "metrics.jsonl", NO_FILES["folder"]),
            ("done-pipe", "DONE", pipe),
        ],
        100,
    ):
        path = copy(f"bad-{name}", data=number)
        (path / file).unlink()
        make(path / file)
        bad.append(path)
    for number, name in enumerate(("heartbeat.json", ".lock", "evaluation.csv"), 200):
        path = copy(f"fine-{name}", data=number)
        (path / name).unlink(missing_ok=True)
        pipe(path / name)
    (root / "up").symlink_to(root)
    (root / "round").symlink_to("round")
    return folder, bad


@pytest.fixture(scope="module")
def done(folder):
    command = [sys.executable, "-P", "-c", DRIVER, json.dumps(COMMANDS)]
    run = subprocess.run(command, cwd=folder[0], capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    return [dict(zip(("code", "out", "err"), found, strict=True)) for found in json.loads(run.stdout)]


NAMES = [" ".join(args[:4]) for _, args in COMMANDS]


def shown(path):
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in f"runs/{path.name}")


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=NAMES)
def test_a_command_goes_on_without_the_bad_folders(number, done):
    assert done[number]["code"] == 0, done[number]["err"]
    assert "Traceback" not in done[number]["err"]


@pytest.mark.parametrize("number", [n for n, (_, args) in enumerate(COMMANDS) if args[0] != "sweep"], ids=str)
def test_each_bad_folder_is_named_on_one_short_line(number, done, folder):
    args = COMMANDS[number][1]
    told = done[number]["out" if args[0] == "status" else "err"]
    lines = told.splitlines()
    assert all(len(line) < 1000 for line in done[number]["err"].splitlines())
    assert all(line.isprintable() for line in done[number]["err"].splitlines())
    if "--json" in args:
        return  # names them in fields, which the command's own tests read
    records = ("bad-records", "bad-done") if args[0] in ("evaluate", "status") else ()
    for path in folder[1]:
        if path.name.startswith(records or "\0"):
            continue  # its checkpoint can be measured; status shows it as damaged
        assert len([line for line in lines if f"{shown(path)}:" in line]) == 1, (shown(path), told)


def test_good_runs_are_shown_under_names_that_are_no_utf_8(done):
    table = done[NAMES.index("table runs --wide --format")]["out"]
    names = {row["run"] for row in json.loads(table)}
    assert {"good", "caf\\udce9", "=cmd|x"} <= names
    assert all(name.encode() for name in names)


def test_figures_and_tables_are_whole_files(done, folder):
    for file in ("all.parquet", "drawn/figure3a.png", "drawn/figure3a.csv"):
        assert (folder[0] / file).stat().st_size > 0


def test_runs_deeper_than_any_path_may_be_are_named_and_the_others_found(one, tmp_path):
    root = tmp_path / "runs"
    shutil.copytree(one, root / "good")
    here = os.getcwd()
    os.chdir(root)
    try:
        for _ in range(2500):
            os.mkdir("d")
            os.chdir("d")
        os.chdir(here)
        command = [sys.executable, "-P", "-m", "icl_train", "status", str(root)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert shown.returncode == 0, shown.stderr
        assert "good" in shown.stdout
        (line,) = [line for line in shown.stdout.splitlines() if line.startswith("skipped")]
        assert line.endswith("File name too long")
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(root)], check=True)
