"""Sequences that runs were trained on, as pictures; no code of anybody's is imported for them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from icl_data import OmniglotError, draw_sequences
from icl_data.foundation.printable import one_line, printable
from icl_train import RunData, RunError, RunFolder

__all__ = ["MOST", "Drawn", "sequences_of"]

MOST = 6
"""Data settings of which the page has pictures: those of the first runs."""

_SOURCES = ("gaussian", "omniglot", "symbolic")
_DRAWN = 2  # sequences of each
_LONGEST = 80  # positions
_DPI = 80

Drawn = dict[tuple[Any, ...], dict[str, Any]]
"""What was drawn of data settings; for a page that is written again and again."""


def sequences_of(folders: Sequence[Path], drawn: Drawn) -> tuple[list[dict[str, Any]], str | None]:
    """The first training sequences of each of the runs' data settings, and a note where there are more of these.

    Args:
        folders: the run folders.
        drawn: what was drawn before; what is drawn now is added.
    """
    kinds: dict[tuple[Any, ...], list[int]] = {}
    first: dict[tuple[Any, ...], RunFolder] = {}
    for number, folder in enumerate(folders):
        run = RunFolder.open(folder)
        key = _settings_of(run)
        kinds.setdefault(key, []).append(number)
        first.setdefault(key, run)
    shown = list(kinds)[:MOST]
    for key in shown:
        if key not in drawn:
            drawn[key] = _picture(first[key])
    note = f"Of {len(kinds)} kinds of sequences, those of the first {MOST} are drawn." if len(kinds) > MOST else None
    return [{"runs": kinds[key], **drawn[key]} for key in shown], note


def _settings_of(run: RunFolder) -> tuple[Any, ...]:
    """What decides what sequences look like, but for seeds."""
    of_data = {name: value for name, value in run.config.flat().items() if name.startswith("data.")}
    return tuple(sorted((name, repr(value)) for name, value in of_data.items()))


def _picture(run: RunFolder) -> dict[str, Any]:
    data = run.config.data
    if data.source not in _SOURCES:
        why = f"examples are of {data.source}: files and code that a run names are not opened for this page"
        return {"reason": printable(why)}
    if data.seq_len > _LONGEST:
        return {"reason": f"sequences of {data.seq_len} positions are too long to draw"}
    try:
        of_run = RunData.build(run.config)
        batch = of_run.training_sampler()(0)[:_DRAWN]
        source = of_run.source
        if batch.class_index.max() >= source.n_classes:
            return {"reason": "each sequence has classes of its own, which only training draws"}
        shape = (*batch.label.shape, *source.example_shape)
        noise = np.random.default_rng(0).standard_normal(shape) if source.noise_scale else None
        examples = source.gather(batch.class_index, batch.exemplar_index, noise)
    except (ValueError, ImportError, OSError, OmniglotError, RunError) as error:
        return {"reason": one_line(error)}
    figure = draw_sequences(batch, examples, classes=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    labels = [[int(label) for label in row] for row in batch.label]
    classes = [[int(one) for one in np.unique(row, return_inverse=True)[1]] for row in batch.class_index]
    return {
        "picture": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}",
        "labels": labels,
        "classes": classes,
    }
