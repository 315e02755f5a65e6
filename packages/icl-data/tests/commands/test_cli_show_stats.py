"""`icl-data show` and `icl-data stats`: options that reach the sequences, mistakes in one line, any terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import icl_data._commands.output as output_module
from icl_data import BatchSampler, Bursty, ClassSplit, format_sequences
from icl_data._commands.field_options import SEQUENCE_TYPES
from icl_data._commands.main import main

COMMAND = [sys.executable, "-c", "import sys; from icl_data._commands.main import main; sys.exit(main())"]
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
SYMBOLIC = ("--source", "symbolic", "--n-classes", "60")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run a command that succeeds; its output."""

    def run(*args: str) -> str:
        assert main(args) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def measured(run):
    """The JSON object of `stats`."""
    return lambda *args: json.loads(run("stats", *args, "--json", "--n", "2000"))


def _spawn(*args: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | environment
    return subprocess.run([*COMMAND, *args], capture_output=True, env=env, check=False)


def _on_terminal(columns: int, *args: str, **environment: str) -> str:
    """What a command writes to a terminal of some width."""
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    import struct

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    env |= {"TERM": "xterm-256color", **environment}
    process = subprocess.Popen([*COMMAND, *args], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=env)
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.wait() == 0
    return written.decode().replace("\r\n", "\n")


def test_sequence_shown_is_the_sampler_s(run) -> None:
    split = ClassSplit(60, n_rare=45, n_common=5, n_holdout=10, zipf_exponent=1.0, seed=7)
    sampler = BatchSampler(1, split, Bursty(shots=2, p_bursty=0.5), batch_size=2, seed=3)
    batch = sampler(4)
    found = run(
        "show", *SYMBOLIC, "--n-common", "5", "--n-holdout", "10", "--zipf-exponent", "1", "--split-seed", "7",
        "--shots", "2", "--p-bursty", "0.5", "--n", "2", "--step", "4", "--seed", "3", "--classes",
    )  # fmt: skip
    assert found == format_sequences(batch, batch.class_index, classes=True, first=8) + "\n"


@pytest.mark.parametrize("name", SEQUENCE_TYPES)
@pytest.mark.parametrize("exact", [(), ("--exact",)])
def test_every_type_is_shown_and_measured(run, measured, name: str, exact: tuple[str, ...]) -> None:
    if exact and name == "label_elsewhere":
        pytest.skip("the released code has no such sequences: refused, see test_label_elsewhere.py")
    assert "target" in run("show", name, *SYMBOLIC, *exact)
    found = measured(name, *SYMBOLIC, *exact)
    assert found["settings"]["type"] == name
    assert found["n_sequences"] == sum(found["query_support"]) == 2000
    assert found["query_fit"]["p_value"] > 1e-4


OTHER_VALUES = {
    "seq_len": "11", "shots": "2", "ways": "1", "p_bursty": "0.3", "p_bursty_common": "0.0", "p_bursty_zipfian": "0.4",
    "non_bursty_type": "common_uniform", "labeling_common": "original", "labeling_rare": "ordered9",
    "context_order": "blocked", "query_exemplar": "copy", "p_relabel": "0.5", "label_noise": "0.5",
    "class_type": "common", "labeling": "original", "p_fewshot": "0.1",
}  # fmt: skip


@pytest.mark.parametrize("name", SEQUENCE_TYPES)
def test_every_field_of_every_kind_is_an_option(measured, name: str) -> None:
    np.savez("many.npz", np.arange(200).reshape(20, 10))
    for field in fields(SEQUENCE_TYPES[name]):
        flag = f"--{field.name.replace('_', '-')}"
        value = [] if isinstance(field.default, bool) else [OTHER_VALUES[field.name]]
        # Nine distinct classes are more than the few common ones.
        others = ["--n-common", "10"] if field.name == "class_type" else []
        kind = measured(name, "--source", "many.npz", flag, *value, *others)["settings"]["kind"]
        assert str(kind[field.name]) == (value[0] if value else "True")


@pytest.mark.parametrize("field", [field.name for field in fields(ClassSplit) if field.init])
def test_every_field_of_the_split_is_an_option(measured, field: str) -> None:
    flag = "--split-seed" if field == "seed" else f"--{field.replace('_', '-')}"
    value = [] if field == "use_zipf_for_common_rare" else ["3"]
    assert measured(*SYMBOLIC, flag, *value)["settings"]["split"][field] in (3, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--seed", "1"), ("--step", "1"), ("--protocol", "released"), ("--exact",), ("--n-labels", "4"),
        ("--augment",), ("--exemplars", "0:5"), ("--n-holdout", "0"),
    ],
)  # fmt: skip
def test_every_option_of_the_drawing_changes_what_is_shown(run, options: tuple[str, ...]) -> None:
    images = np.random.default_rng(0).random((60, 9, 4, 4))
    np.savez("classes.npz", images)
    always = ("show", "bursty", "--source", "classes.npz", "--n", "4", "--classes", "--zipf-exponent", "1")
    assert run(*always, *options) != run(*always)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--source", "gaussian", "--n-classes", "30", "--dim", "5"), "GaussianSource(30, dim=5, noise_scale=0.1"),
        (("--noise-scale", "0.5"), "noise_scale=0.5"),
        (("--source", "ids.npy"), "ArraySource(array of shape (20, 9), kind='id'"),
        (("--source", "two.npz", "--key", "b"), "ArraySource(array of shape (20, 9, 4), kind='vector'"),
        (("--source", "two.npz:b"), "ArraySource(array of shape (20, 9, 4), kind='vector'"),
        (("--source", "mine:make"), "SymbolicSource(77)"),
    ],
)
def test_sources_are_found_by_name_and_file(options, expected: str, capsys, monkeypatch, tmp_path: Path) -> None:
    np.save("ids.npy", np.arange(180).reshape(20, 9))
    np.savez("two.npz", a=np.zeros((3, 3)), b=np.random.default_rng(0).random((20, 9, 4)))
    Path("mine.py").write_text("from icl_data import SymbolicSource\ndef make():\n    return SymbolicSource(77)\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    seen = []
    monkeypatch.setattr("icl_data._commands.show.format_sequences", lambda batch, examples, **_: "")
    monkeypatch.setattr("icl_data._commands.show.sequences_from", _remembering(seen))
    assert main(["show", *options]) == 0
    assert expected in str(seen[0].source)


def _remembering(seen: list):
    from icl_data._commands.sequences import sequences_from

    def remember(options):
        seen.append(sequences_from(options))
        return seen[-1]

    return remember


def test_omniglot_is_found_in_its_folder(run, tiny_omniglot) -> None:
    found = run("show", "--omniglot", str(tiny_omniglot.folder), "--n-holdout", "1", "--n-common", "1")
    assert set("▀▄█") & set(found)


def test_folder_of_image_folders_is_a_source(run) -> None:
    pillow = pytest.importorskip("PIL.Image", reason='Pillow is not installed: pip install "icl-data[images]"')
    for name in "abc":
        Path("shapes", name).mkdir(parents=True)
        for number in range(4):
            pillow.new("RGB", (6, 6), (80 * number, 0, 0)).save(f"shapes/{name}/{number}.png")
    assert "target" in run("show", "--source", "shapes")


def test_data_set_of_an_hdf5_file_is_a_source(run) -> None:
    h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    with h5py.File("classes.h5", "w") as file:
        file["ids"] = np.arange(180).reshape(20, 9)
    assert "target" in run("show", "--source", "classes.h5", "--key", "ids")


def test_noise_of_a_source_is_shown(run) -> None:
    vectors = [run("show", "--n-classes", "30", "--noise-scale", scale) for scale in ("0", "2")]
    assert vectors[0] != vectors[1]


MISTAKES = {
    (
        "show",
        "burty",
    ): "TYPE must be one of bursty, no_support, label_elsewhere, random, fewshot, mixed, got "
    "'burty'; did you mean bursty?",
    (
        "show",
        "fewshot",
        "--p-bursty",
        ".5",
    ): "--p-bursty must be left out with fewshot sequences, which have --class-type",
    ("stats", "mixed", "--seq-len", "9"): "--seq-len must be left out with mixed sequences, which have --shots, --ways",
    ("show", "--p-busty", "1"): "option --p-busty does not exist; did you mean --p-bursty?",
    ("show", "bursty", "fewshot"): "argument fewshot is one too many",
    ("show", "--shots", "x"): "argument --shots: invalid int value: 'x'",
    ("show", "--p-bursty", "1.3"): "p_bursty must be in [0, 1], got 1.3",
    ("show", "--n", "0"): "--n must be in 1..100, got 0",
    ("stats", "--n", "0"): "--n must be in 1..100000000, got 0",
    ("show", "--step", "-1"): "--step must be in 0..2147483647, got -1",
    ("show", "--seed", "-1"): "--seed must be in 0..4294967295, got -1",
    ("show", "--exemplars", "3"): "must have the form A:B, got '3'",
    ("show", "--exemplars", "0:9"): "within range(0, 1), got range(0, 9)",
    ("show", "--source", "gausian"): "got 'gausian'; did you mean gaussian?",
    (
        "show",
        "--source",
        "symbolic",
        "--dim",
        "3",
    ): "--dim must be left out with source 'symbolic', which has --n",
    ("show", "--source", "symbolic", "--augment"): "Augmented needs square images",
    ("show", "--source", "nowhere.npz"): "cannot read an array from 'nowhere.npz'",
    (
        "show",
        "--source",
        "x.npz:a",
        "--key",
        "a",
    ): "--key must be left out with source 'x.npz:a', which names its array",
    ("show", "--source", "x.csv"): "an array file (.npz, .npy, .h5, .hdf5; with :key",
    ("show", "--source", "nowhere:make", "--noise-scale", "0"): "--noise-scale must be left out",
    ("show", "--source", "nowhere:make"): "module 'nowhere' could not be imported",
    ("show", "--source", "broken:make"): "source 'broken:make': make() failed: RuntimeError: out of order",
    ("show", "--source", "lying:make"): "gather must return int32, got float64",
    ("show", "--n-classes", "0"): "--n-classes must be at least 1, got 0",
    ("show", "--n-rare", "5000"): "n_rare=5000",
    ("show", "--omniglot", "nowhere"): "Omniglot not found in 'nowhere'",
    ("show", "--out", "figure.jpg"): "must end in one of .png, .pdf, .svg, got 'figure.jpg'",
    ("show", "--out", "nowhere/figure.png"): "must be in a folder that exists, got 'nowhere/figure.png'",
    ("stats", "--plot", "folder.png"): "must be a file, got the folder 'folder.png'",
    ("stats", "--exact", "--n-labels", "3"): "--n-labels must be left out with --exact",
    ("stats", "--exact", "--label-noise", "0.1"): "label_noise must be 0.0 in the exact stream, got 0.1",
    ("stats", "--dim", "3"): "option --dim does not exist",
    ("sow",): "invalid choice: 'sow'",
}


@pytest.mark.parametrize("args", MISTAKES, ids=" ".join)
def test_mistake_is_one_line_with_exit_code_2(args: tuple[str, ...], capsys, monkeypatch, tmp_path: Path) -> None:
    Path("folder.png").mkdir()
    Path("broken.py").write_text("def make():\n    raise RuntimeError('out of\\norder')\n")
    Path("lying.py").write_text(
        "from icl_data import SymbolicSource\n"
        "class Lying(SymbolicSource):\n    def gather(self, *args):\n        return super().gather(*args) * 1.0\n"
        "def make():\n    return Lying(30)\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = sorted(tmp_path.iterdir())
    try:
        code = main(args)
    except SystemExit as stop:
        code = stop.code
    found = capsys.readouterr()
    assert code == 2
    assert found.out == ""
    (line,) = found.err.splitlines()
    assert MISTAKES[args] in line
    assert line.startswith("icl-data")
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "__pycache__"] == before


def test_too_many_classes_for_the_memory_are_one_line(capsys, monkeypatch) -> None:
    def too_many(*args):
        raise MemoryError

    monkeypatch.setattr("icl_data._commands.source.SymbolicSource", too_many)
    assert main(["show", "--source", "symbolic"]) == 2
    assert capsys.readouterr().err == "icl-data show: error: that many do not fit into memory\n"


def test_ctrl_c_is_one_line(capsys, monkeypatch) -> None:
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("icl_data._commands.show.sequences_from", interrupt)
    assert main(["show"]) == 130
    assert capsys.readouterr().err == "icl-data show: interrupted\n"


def test_json_is_one_object_on_one_line(run) -> None:
    (line,) = run("stats", *SYMBOLIC, "--json", "--n", "500").splitlines()
    found = json.loads(line)
    assert found["settings"]["protocol"] == "paper"
    assert found["n_sequences"] == 500


def test_steps_of_stats_are_consecutive_sequences(measured) -> None:
    pieces = [measured(*SYMBOLIC, "--step", str(step)) for step in (0, 1)]
    sampler = BatchSampler(1, ClassSplit(60, n_rare=40, n_common=10, n_holdout=10), Bursty(), batch_size=4000, seed=0)
    support = (sampler(0).class_index[:, :-1] == sampler(0).class_index[:, -1:]).sum(axis=1)
    total = np.add(pieces[0]["query_support"], pieces[1]["query_support"])
    assert total.tolist() == np.bincount(support, minlength=9).tolist()


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("name", SEQUENCE_TYPES)
def test_tables_fit_the_width_and_use_it(run, monkeypatch, columns: int, name: str) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("stats", name, "--zipf-exponent", "1", "--n", "2000").splitlines()
    assert columns * 0.75 < max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [80, 200])
def test_picture_on_a_terminal_fills_its_width_in_colour(columns: int) -> None:
    written = _on_terminal(columns, "show", "--n-classes", "30")
    assert "\x1b[38;5;" in written
    assert columns * 0.9 < max(map(len, ESCAPE.sub("", written).splitlines())) <= columns


def test_terminal_without_colours_gets_none() -> None:
    assert "\x1b" not in _on_terminal(80, "show", *SYMBOLIC, TERM="dumb")
    assert "\x1b" not in _on_terminal(80, "show", *SYMBOLIC, NO_COLOR="1")


def test_table_on_a_terminal_fits_its_width() -> None:
    lines = _on_terminal(200, "stats", *SYMBOLIC, "--n", "2000").splitlines()
    assert 80 < max(map(len, lines)) <= 200


def test_pipe_gets_plain_blocks_of_80_columns() -> None:
    done = _spawn("show", *SYMBOLIC, PYTHONIOENCODING="utf-8")
    text = done.stdout.decode("utf-8")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\x1b" not in text
    assert "┌" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", ["show", "stats"])
def test_pipe_that_cannot_encode_blocks_gets_ascii(command: str) -> None:
    done = _spawn(command, *SYMBOLIC, "--n", "5", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error there")
def test_closed_pipe_is_no_traceback() -> None:
    process = subprocess.Popen([*COMMAND, "show", "--n", "100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


def test_show_and_stats_need_numpy_and_the_standard_library_alone() -> None:
    code = (
        "import sys; from icl_data._commands.main import main\n"
        "main(['show', '--n-classes', '30']); main(['stats', '--n', '100'])\n"
        "roots = {name.partition('.')[0] for name in sys.modules if getattr(sys.modules[name], '__file__', None)}\n"
        "print(*sorted(roots & {'torch', 'matplotlib', 'PIL', 'h5py', 'rich', 'scipy'}))"
    )
    env = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_missing_matplotlib_is_one_line_that_says_what_to_install(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for args in (["show", *SYMBOLIC, "--out", "a.png"], ["stats", *SYMBOLIC, "--n", "10", "--plot", "a.png"]):
        assert main(args) == 2
        found = capsys.readouterr()
        assert found.out == ""
        assert re.fullmatch(
            r"icl-data (show|stats): error: .* needs matplotlib, which is not installed: "
            r'pip install "icl-data\[plot\]"\n',
            found.err,
        )
    assert list(tmp_path.iterdir()) == []


class _Figure:
    """Writes a little, then fails."""

    def __init__(self, error: type[BaseException] | None) -> None:
        self.error = error

    def savefig(self, path: Path, dpi: int) -> None:
        """As matplotlib's."""
        path.write_bytes(b"half")
        if self.error:
            raise self.error("stopped")


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_failed_write_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"before")
    with pytest.raises(error):
        output_module.write_figure(_Figure(error), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"figure.png": b"before"}


def test_written_figure_takes_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"before")
    output_module.write_figure(_Figure(None), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"figure.png": b"half"}


@pytest.mark.parametrize(("suffix", "beginning"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_figures_are_written_in_the_format_of_their_name(run, tmp_path: Path, suffix: str, beginning: bytes) -> None:
    pytest.importorskip("matplotlib", reason='matplotlib is not installed: pip install "icl-data[plot]"')
    assert run("show", "--n-classes", "30", "--out", f"sequence.{suffix}") == f"sequence.{suffix}\n"
    run("stats", *SYMBOLIC, "--n", "500", "--plot", f"statistics.{suffix}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"sequence.{suffix}", f"statistics.{suffix}"]
    assert all(path.read_bytes().startswith(beginning) for path in tmp_path.iterdir())
