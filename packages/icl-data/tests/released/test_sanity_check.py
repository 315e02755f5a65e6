"""`icl-data sanity-check` on recorded values: equal batches pass, and whatever differs is named."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import icl_data._released.sanity_cases as sanity_cases
from icl_data import OmniglotSource, SeqGenerator
from icl_data._commands.main import main
from icl_data._released.sanity_cases import KINDS, recorded_cases, recorded_fields

GOLDEN = Path(__file__).parents[1] / "golden"
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the extra torch")


def _one_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


@needs_torch
def test_all_is_equal_and_omniglot_that_is_missing_is_skipped_with_the_reason(capsys) -> None:
    assert main(["sanity-check"]) == 0
    out = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in out if line.startswith("symbolic")]
    assert [row[1] for row in rows] == list(KINDS)
    assert {(*row[4:8], row[8]) for row in rows} == {("examples", "labels", "target", "is_rare", "yes")}
    assert "all equal: 58 cases, 928 sequences" in out
    assert out[-1].startswith("omniglot skipped: Omniglot not found in ")


@needs_torch
def test_omniglot_is_equal_for_every_kind(omniglot: Path, capsys) -> None:
    assert main(["sanity-check", "--omniglot", str(omniglot)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("omniglot")]
    assert [(row[1], row[-1]) for row in rows] == [(kind, "yes") for kind in KINDS]


@needs_torch
def test_piped_table_fits_into_80_columns() -> None:
    code = "import sys; from icl_data._commands.main import main; sys.exit(main(['sanity-check']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    table = done.stdout.splitlines()[:-1]
    assert max(map(len, table)) <= 80
    assert [line for line in table if line != line.rstrip()] == []
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def _change_batches(monkeypatch: pytest.MonkeyPatch, change) -> None:
    import icl_data.torch._dataset as dataset_module

    made = dataset_module.SequenceDataset._batch
    monkeypatch.setattr(
        dataset_module.SequenceDataset, "_batch", lambda self, *fields: change(made(self, *fields)), raising=True
    )


@needs_torch
@pytest.mark.parametrize("field", ["examples", "labels", "target", "is_rare"])
def test_fault_of_the_loader_in_any_field_is_named_with_its_place_and_values(field, monkeypatch, capsys) -> None:
    def change(batch):
        batch[field][2, 4] += 7
        return batch

    _change_batches(monkeypatch, change)
    assert main(["sanity-check"]) == 1
    printed = capsys.readouterr()
    expected = int(getattr(recorded_fields(recorded_cases()[0]), field)[2, 4])
    assert _one_line(printed.err) == (
        f"icl-data sanity-check: bursty_zipf0.0: {field}: sequence 2, position 4: "
        f"expected {expected}, got {expected + 7}"
    )
    assert [line.split()[-1] for line in printed.out.splitlines() if line.startswith("symbolic")] == ["NO"]


@needs_torch
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda fields: fields[:, :-1], "expected shape (16, 9) of int64, got (16, 8) of int64"),
        (lambda fields: fields.int(), "expected shape (16, 9) of int64, got (16, 9) of int32"),
    ],
)
def test_fault_of_shape_or_type_is_named(change, told: str, monkeypatch, capsys) -> None:
    _change_batches(monkeypatch, lambda batch: {**batch, "labels": change(batch["labels"])})
    assert main(["sanity-check"]) == 1
    assert f"labels: {told}" in _one_line(capsys.readouterr().err)


@needs_torch
@pytest.mark.parametrize("field", ["example", "label", "is_rare"])
@pytest.mark.parametrize("kind", KINDS)
def test_fault_of_the_generator_is_found_in_every_kind_and_field(kind: str, field: str, monkeypatch, capsys) -> None:
    right = getattr(SeqGenerator, f"get_{kind}_seq")

    def wrong(self, **arguments):
        for number, record in enumerate(right(self, **arguments)):
            record[field][-1] ^= number == 15
            yield record

    monkeypatch.setattr(SeqGenerator, f"get_{kind}_seq", wrong)
    assert main(["sanity-check"]) == 1
    line = _one_line(capsys.readouterr().err)
    assert next(case.kind for case in recorded_cases() if case.name == line.split(": ")[1]) == kind
    assert f"{field if field == 'is_rare' else field + 's'}: sequence 15, position 8: expected" in line


@needs_torch
@pytest.mark.parametrize("place", range(3), ids=sanity_cases.RECORDED)
def test_fault_of_the_recorded_values_is_found(place: int, monkeypatch, capsys) -> None:
    arrays = {name: [array.copy() for array in case] for name, case in sanity_cases._recorded_arrays().items()}
    arrays["mixed_0.5"][place][9, 0] += 1
    monkeypatch.setattr(sanity_cases, "_recorded_arrays", lambda: arrays)
    assert main(["sanity-check"]) == 1
    field = sanity_cases.RECORDED[place]
    assert f"mixed_0.5: {field}: sequence 9, position 0: expected" in _one_line(capsys.readouterr().err)


@needs_torch
def test_one_pixel_of_omniglot_is_found(omniglot: Path, monkeypatch, capsys) -> None:
    right = OmniglotSource.gather

    def wrong(self, classes, exemplars, noise=None):
        images = right(self, classes, exemplars, noise)
        images[3, 50, 50] = 0.5
        return images

    monkeypatch.setattr(OmniglotSource, "gather", wrong)
    assert main(["sanity-check", "--omniglot", str(omniglot)]) == 1
    line = _one_line(capsys.readouterr().err)
    assert "omniglot_all_bursty: examples: sequence 0, position 3: expected an image with checksum " in line


def test_missing_torch_is_one_line_that_names_the_extra() -> None:
    run = "from icl_data._commands.main import main; sys.exit(main(['sanity-check']))"
    code = f"import sys; sys.modules['torch'] = None; {run}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "icl-data[torch]"' in _one_line(done.stderr)


@needs_torch
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "1"], "--seed and --sequences go with --reference"),
        (["--sequences", "1"], "--seed and --sequences go with --reference"),
        (["--omniglot", "nowhere"], "Omniglot not found in 'nowhere'"),
        (["--reference", ".", "--seed", "-1"], "--seed must be in 0..4294967295, got -1"),
        (["--reference", ".", "--sequences", "0"], "--sequences must be at least 1, got 0"),
    ],
)
def test_mistake_is_one_line(options: list[str], message: str, capsys) -> None:
    assert main(["sanity-check", *options]) == 2
    printed = capsys.readouterr()
    assert message in _one_line(printed.err)
    assert printed.out == ""


def test_recorded_symbolic_values_are_those_of_the_golden_cases() -> None:
    golden = {case["name"]: case for case in json.loads((GOLDEN / "sequences.json").read_text())}
    values = np.load(GOLDEN / "sequences.npz")
    symbolic = [case for case in recorded_cases() if case.is_symbolic]
    assert len(symbolic) == 58
    for case in symbolic:
        known, fields = golden[case.name], recorded_fields(case)
        assert (case.generator, case.kind, case.args, case.seed) == tuple(
            known[name] for name in ("generator", "kind", "args", "seed")
        )
        for ours, theirs in (("examples", "example"), ("labels", "label"), ("is_rare", "is_rare")):
            np.testing.assert_array_equal(getattr(fields, ours), values[f"{case.name}/{theirs}"][: case.n])


@pytest.mark.parametrize("type_", ["symbolic", "omniglot"])
def test_every_kind_and_class_type_is_among_the_cases(type_: str) -> None:
    cases = [case for case in recorded_cases() if case.source["type"] == type_]
    assert {case.kind for case in cases} == set(KINDS)
    class_types = {case.args["class_type"] for case in cases if "class_type" in case.args}
    assert class_types == {"rare", "common", "zipfian", "holdout"}


def test_recorded_files_are_small() -> None:
    folder = Path(sanity_cases.__file__).parents[1] / "recorded"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 64 * 1024
