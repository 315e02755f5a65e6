"""The exact stream equals the released code's on every golden case."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from icl_data import Augmented, OmniglotSource, SeqGenerator, Source, SymbolicSource

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = json.loads((GOLDEN / "sequences.json").read_text())
VALUES = np.load(GOLDEN / "sequences.npz")

SYMBOLIC = [case for case in CASES if case["source"]["type"] == "symbolic" and "raises" not in case]
OMNIGLOT = [case for case in CASES if case["source"]["type"] == "omniglot" and "raises" not in case]

_sources: dict[str, Source] = {}


def _omniglot_source(case: dict, folder: Path) -> Source:
    spec = case["source"]
    name = json.dumps(spec)
    if name not in _sources:
        source: Source = OmniglotSource(
            folder, spec["omniglot_split"], exemplars=spec["exemplars"], n_to_keep=spec["n_to_keep"]
        )
        _sources[name] = Augmented(source) if spec["augment_images"] else source
    return _sources[name]


def _records(case: dict, source: Source) -> list[dict[str, np.ndarray]]:
    generator = SeqGenerator(source, **case["generator"], seed=case["seed"])
    return list(islice(getattr(generator, f"get_{case['kind']}_seq")(**case["args"]), case["n"]))


def _check_labels(case: dict, records: list[dict[str, np.ndarray]]) -> None:
    for name in ("label", "is_rare"):
        np.testing.assert_array_equal([record[name] for record in records], VALUES[f"{case['name']}/{name}"])


@pytest.mark.parametrize("case", SYMBOLIC, ids=lambda case: case["name"])
def test_symbolic_stream_equals_the_released_code(case: dict) -> None:
    records = _records(case, SymbolicSource(case["source"]["dataset_size"]))
    _check_labels(case, records)
    np.testing.assert_array_equal([record["example"] for record in records], VALUES[f"{case['name']}/example"])


@pytest.mark.parametrize("case", OMNIGLOT, ids=lambda case: case["name"])
def test_omniglot_stream_equals_the_released_code_bit_for_bit(case: dict, omniglot: Path) -> None:
    records = _records(case, _omniglot_source(case, omniglot))
    _check_labels(case, records)
    digests = [hashlib.sha256(record["example"].tobytes()).hexdigest() for record in records]
    assert digests == VALUES[f"{case['name']}/sha256"].tolist()


def test_golden_cases_are_all_there() -> None:
    assert (len(SYMBOLIC), len(OMNIGLOT), len(CASES)) == (58, 16, 76)


def test_unfixed_labels_that_random_positions_cannot_have_are_refused_at_once() -> None:
    case = next(case for case in CASES if case["name"] == "bursty_mixture")
    generator = SeqGenerator(SymbolicSource(case["source"]["dataset_size"]), **case["generator"], seed=case["seed"])
    with pytest.raises(ValueError, match=r"labeling .* got 'unfixed'"):
        generator.get_bursty_seq(**case["args"])


def test_random_rare_images_with_several_exemplars_are_refused_at_once(tiny_omniglot) -> None:
    case = next(case for case in CASES if case["name"] == "omniglot_random_rare")
    source = OmniglotSource(tiny_omniglot.folder)
    generator = SeqGenerator(source, n_rare_classes=3, n_common_classes=1, n_holdout_classes=1, seed=case["seed"])
    with pytest.raises(ValueError, match="one exemplar per class"):
        generator.get_bursty_seq(**case["args"])
