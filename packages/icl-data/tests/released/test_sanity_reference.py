"""`icl-data sanity-check --reference`: code from a folder is run without TensorFlow, and leaves no trace."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from icl_data import OmniglotSource
from icl_data._commands.main import main
from icl_data._released.sanity_cases import KINDS, recorded_cases
from icl_data._released.sanity_released import ReleasedCode
from icl_data._released.sanity_stand_ins import stand_ins

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the extra torch")

# Our generator behind the released names, seeded as the released one is: by the process-wide streams.
GENERATORS = """
import random

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import icl_data


class SymbolicDatasetForSampling:
    def __init__(self, dataset_size):
        self.source = icl_data.SymbolicSource(dataset_size)


class SeqGenerator(icl_data.SeqGenerator):
    def __init__(self, dataset, **arguments):
        super().__init__(dataset.source, **arguments, seed=0)
        self._draws._numpy.set_state(np.random.get_state())
        self._draws._python.setstate(random.getstate())
"""
BATCHES = """
import tensorflow.compat.v2 as tf


def prepare_seqs_for_transformer(ds):
    def convert(batch):
        labels = tf.cast(batch["label"], tf.int32)
        pairs = tf.stack((labels, tf.zeros_like(labels)), axis=-1)
        return tf.data.Dataset.from_tensors({
            "examples": tf.cast(batch["example"], tf.int32),
            "labels": labels,
            "target": tf.reshape(pairs, [-1, 2 * labels.shape[1]])[:, :-1],
        })

    return ds.flat_map(convert)
"""
OFF_BY_ONE = """
    def get_no_support_seq(self, **arguments):
        for number, record in enumerate(super().get_no_support_seq(**arguments)):
            record["label"][5] += number == 3
            yield record
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder laid out as the released repository."""
    return _write(tmp_path / "checkout", GENERATORS)


def _write(folder: Path, generators: str, batches: str = BATCHES) -> Path:
    (folder / "datasets").mkdir(parents=True)
    (folder / "datasets" / "data_generators.py").write_text(generators)
    (folder / "datasets" / "utils.py").write_text(batches)
    return folder


def _one_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


@needs_torch
@pytest.mark.parametrize("options", [[], ["--seed", "5", "--sequences", "3"]], ids=["own seeds", "another seed"])
def test_code_that_draws_as_ours_is_equal(checkout: Path, options: list[str], capsys) -> None:
    assert main(["sanity-check", "--reference", str(checkout), *options]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("symbolic")]
    assert [(row[1], row[-1]) for row in rows] == [(kind, "yes") for kind in KINDS]
    assert [int(row[3]) // int(row[2]) for row in rows] == [3 if options else 16] * 5


@needs_torch
def test_code_that_is_off_by_one_is_named_with_its_place(tmp_path: Path, capsys) -> None:
    checkout = _write(tmp_path / "checkout", GENERATORS + OFF_BY_ONE)
    assert main(["sanity-check", "--reference", str(checkout), "--sequences", "4"]) == 1
    assert "labels: sequence 3, position 5: expected" in _one_line(capsys.readouterr().err)


def test_seed_reaches_the_released_streams(checkout: Path) -> None:
    (case,) = (case for case in recorded_cases() if case.name == "mixed_0.5")
    first, again, other = (
        ReleasedCode(checkout, None).fields([case.__class__(**{**vars(case), "seed": seed})])[case.name]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.examples, again.examples)
    assert (first.examples != other.examples).any()


@pytest.mark.parametrize("fails", [False, True])
def test_modules_and_random_streams_are_put_back(fails: bool, checkout: Path, monkeypatch) -> None:
    if fails:
        (checkout / "datasets" / "utils.py").write_text("import wave, colorsys\nraise RuntimeError")
    mine = ModuleType("tensorflow")
    monkeypatch.setitem(sys.modules, "tensorflow", mine)
    modules, streams = dict(sys.modules), (np.random.get_state()[1].tolist(), random.getstate())  # noqa: NPY002
    if fails:
        with pytest.raises(ValueError, match="RuntimeError"):
            ReleasedCode(checkout, None)
    else:
        ReleasedCode(checkout, None).fields(recorded_cases()[:1])
    assert sys.modules == modules
    assert sys.modules["tensorflow"] is mine
    assert (np.random.get_state()[1].tolist(), random.getstate()) == streams  # noqa: NPY002


def test_nothing_is_written_into_the_checkout(checkout: Path) -> None:
    ReleasedCode(checkout, None)
    assert sorted(path.name for path in checkout.rglob("*")) == ["data_generators.py", "datasets", "utils.py"]


@needs_torch
@pytest.mark.parametrize(
    ("generators", "message"),
    [
        ("import no_such_module_anywhere", "importing it failed: ModuleNotFoundError"),
        ("def", "importing it failed: SyntaxError"),
        ("import tensorflow as tf\ntf.function", "importing it failed: AttributeError"),
        ("raise SystemExit(7)", "importing it failed: SystemExit: 7"),
        ("", "failed at preserve_ordering: AttributeError"),
    ],
)
def test_code_that_cannot_be_run_is_one_line(generators: str, message: str, tmp_path: Path, capsys) -> None:
    checkout = _write(tmp_path / "checkout", generators)
    assert main(["sanity-check", "--reference", str(checkout)]) == 2
    printed = capsys.readouterr()
    assert message in _one_line(printed.err)
    assert printed.out == ""


@needs_torch
@pytest.mark.parametrize("missing", ["", "datasets/data_generators.py", "datasets/utils.py"])
def test_folder_that_is_no_checkout_is_one_line_that_says_what_must_be_there(missing, checkout: Path, capsys) -> None:
    if missing:
        (checkout / missing).unlink()
    assert main(["sanity-check", "--reference", str(checkout if missing else checkout / "nowhere")]) == 2
    line = _one_line(capsys.readouterr().err)
    assert "with datasets/data_generators.py and datasets/utils.py; " in line
    assert "is not there" in line


@pytest.mark.parametrize("split", ["train", "test"])
def test_stand_in_serves_omniglots_floats_in_the_order_of_each_class(split: str, tiny_omniglot) -> None:
    with stand_ins(tiny_omniglot.folder):
        import tensorflow as tf
        import tensorflow_datasets as tfds

        def grey(image, label):
            return tf.image.rgb_to_grayscale(tf.image.convert_image_dtype(image, tf.float32)), label

        pairs = [(image.numpy(), int(label.numpy())) for image, label in tfds.load("omniglot", split=split).map(grey)]
    source = OmniglotSource(tiny_omniglot.folder, split)
    assert len(pairs) == 4 * source.n_classes
    for index, key in enumerate(source.class_keys):
        images = np.stack([image for image, label in pairs if label == key])
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images, source.gather([index] * 4, range(4)))
    read = list(dict.fromkeys(label for _, label in pairs))
    assert read == source.class_keys[source.read_order].tolist()


def test_stand_in_flips_and_turns_as_tensorflow() -> None:
    image = np.arange(6).reshape(2, 3, 1)
    with stand_ins(None):
        import tensorflow as tf

        np.testing.assert_array_equal(tf.image.flip_left_right([image])[0, ..., 0], [[2, 1, 0], [5, 4, 3]])
        np.testing.assert_array_equal(tf.image.rot90([image], k=1)[0, ..., 0], [[2, 5], [1, 4], [0, 3]])


@needs_torch
def test_real_checkout_is_equal(capsys) -> None:
    if not os.environ.get("ICL_RELEASED"):
        pytest.skip("set ICL_RELEASED to a checkout of google-deepmind/emergent_in_context_learning")
    folder = os.environ.get("ICL_OMNIGLOT")
    options = ["--omniglot", folder] if folder else []
    assert main(["sanity-check", "--reference", os.environ["ICL_RELEASED"], *options]) == 0
    assert "NO" not in capsys.readouterr().out
