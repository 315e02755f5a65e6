"""`icl-data show` and `icl-data stats`: options that reach the sequences, mistakes in one line, any terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from icl_data import BatchSampler, Bursty, ClassSplit, format_sequences
from icl_data._commands.field_options import SEQUENCE_TYPES
from icl_data._commands.main import main

SYMBOLIC = ("--source", "symbolic", "--n-classes", "60")

pytestmark = pytest.mark.usefixtures("plain")


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
    "class_type": "common", "labeling": "original", "p_fewshot": "0.1", "heldout_label_sets": "3", "p_new": "0.5",
}  # fmt: skip
# Nine distinct classes are more than the few common ones, only novel labels have sets, and shared ones can be distinct.
NEEDED = {
    "class_type": ["--n-common", "10"], "heldout_label_sets": ["--labeling", "novel"],
    "p_new": ["--source", "gaussian", "--n-labels", "4"],
}  # fmt: skip
DISTINCT = {"bursty": ["--seq-len", "7"], "fewshot": ["--labeling", "ordered", "--class-type", "zipfian"]}


@pytest.mark.parametrize("name", SEQUENCE_TYPES)
def test_every_field_of_every_kind_is_an_option(measured, name: str) -> None:
    np.savez("many.npz", np.arange(200).reshape(20, 10))
    for field in fields(SEQUENCE_TYPES[name]):
        flag = f"--{field.name.replace('_', '-')}"
        value = [] if isinstance(field.default, bool) else [OTHER_VALUES[field.name]]
        needed = NEEDED.get(field.name, [])
        if field.name == "distinct_labels":
            needed = ["--n-labels", "4", *DISTINCT[name]]
        kind = measured(name, "--source", "many.npz", flag, *value, *needed)["settings"]["kind"]
        assert str(kind[field.name]) == (value[0] if value else "True")


def test_new_classes_are_measured(measured) -> None:
    found = measured("--n-labels", "4", "--p-new", "1")
    assert found["query_shares"]["new"] == 1
    assert found["labels_per_class"] == 0


def test_a_sequence_of_new_classes_is_shown_alike_alone_and_behind_those_of_the_batch_before(run) -> None:
    options = ("--n-labels", "4", "--p-new", "1", "--noise-scale", "0", "--dim", "4", "--classes")
    alone = run("show", *options, "--step", "8192")
    picture = alone[: alone.index("\n\nPositions")]
    assert picture in run("show", *options, "--n", "3", "--step", "2730")  # batches of 8,192 have classes of their own
    assert picture not in run("show", *options, "--seed", "1", "--step", "8192")


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
    ("show", "--source", "nowhere:make"): "module 'nowhere' must be found, got no nowhere here",
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
