"""Batches as a checkout of the released code gives them, without TensorFlow."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from icl_data._released.sanity_batch import checksums
from icl_data._released.sanity_cases import Case, Fields, SanityError
from icl_data._released.sanity_stand_ins import Dataset, stand_ins
from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line

_FILES = ("datasets/data_generators.py", "datasets/utils.py")
_WANTED = f"a checkout of google-deepmind/emergent_in_context_learning, with {' and '.join(_FILES)}"


class ReleasedCode:
    """The released data code, run from a checkout.

    Its modules see stand-ins instead of TensorFlow, and it draws from the process-wide random streams, as it was
    written. Making this object and `fields` leave `sys.modules` and those streams as they were.

    Args:
        checkout: folder of the checkout.
        omniglot: folder of Omniglot's images, None if no case needs them.

    Raises:
        SanityError: there is no such checkout, or it cannot be imported.
    """

    def __init__(self, checkout: Path, omniglot: Path | None) -> None:
        self._checkout = checkout
        missing = [name for name in _FILES if not (checkout / name).is_file()]
        if missing:
            raise SanityError(f"--reference must be {_WANTED}; {str(checkout / missing[0])!r} is not there")
        try:
            with _own_streams(seed=0), stand_ins(omniglot):
                self._generators, self._batches = (_executed(checkout / name) for name in _FILES)
        except (Exception, SystemExit) as error:
            raise SanityError(f"--reference must be {_WANTED}, but importing it failed: {_line(error)}") from error

    def fields(self, cases: Sequence[Case]) -> dict[str, Fields]:
        """What it gives for the cases, by name.

        Raises:
            SanityError: it fails.
        """
        found, loaded, dataset = {}, "", None
        with _own_streams(seed=0):
            for case in sorted(cases, key=lambda case: json.dumps(case.source)):  # the images of one source at a time
                try:
                    if loaded != json.dumps(case.source):
                        dataset = None
                        loaded, dataset = json.dumps(case.source), self.dataset(case.source)
                    found[case.name] = self._draw(case, dataset)
                except Exception as error:
                    raise SanityError(
                        f"the code in {str(self._checkout)!r} failed at {case.name}: {_line(error)}"
                    ) from error
        return found

    def dataset(self, source: dict[str, Any]) -> Any:
        """Its symbolic or Omniglot dataset, see `Case.source`; all of Omniglot takes 1.4 GB."""
        options = {name: value for name, value in source.items() if name != "type"}
        if source["type"] == "symbolic":
            return self._generators.SymbolicDatasetForSampling(**options)
        return self._generators.OmniglotDatasetForSampling(**options)

    def seq_generator(self, dataset: Any, **arguments: Any) -> Any:
        """Its `SeqGenerator`, whose iterators draw from the process-wide streams."""
        return self._generators.SeqGenerator(dataset, **arguments)

    def _draw(self, case: Case, dataset: Any) -> Fields:
        with _own_streams(case.seed):
            generator = self.seq_generator(dataset, **case.generator)
            records = list(islice(getattr(generator, f"get_{case.kind}_seq")(**case.args), case.n))
        batch = {name: np.stack([record[name] for record in records]) for name in ("example", "label", "is_rare")}
        (prepared,) = self._batches.prepare_seqs_for_transformer(Dataset.from_tensors(batch))
        examples = np.asarray(prepared["examples"])
        return Fields(
            examples if case.is_symbolic else checksums(examples),
            np.asarray(prepared["labels"]),
            np.asarray(prepared["target"]),
            batch["is_rare"],
        )


def _executed(path: Path) -> ModuleType:
    """A module of that file, made without leaving bytecode beside it."""
    module = ModuleType(f"released_{path.stem}")
    module.__file__ = str(path)
    # The user has named this file to be run: sequences are compared with what it draws.
    code = compile(path.read_bytes(), str(path), "exec")
    exec(code, module.__dict__)  # nosec B102
    return module


@contextmanager
def _own_streams(seed: int) -> Iterator[None]:
    """Seed the two process-wide streams, and put them back."""
    before = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before[0])  # noqa: NPY002
        random.setstate(before[1])


def _line(error: BaseException) -> str:
    told = describe(error) if isinstance(error, OSError) else error
    return one_line(f"{type(error).__name__}: {told}")
