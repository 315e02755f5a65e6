"""Whether Omniglot's files are whole, and whether they are the official ones."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import TextIO

from icl_data._omniglot.files import OmniglotError, Part, find_store, read_part
from icl_data._omniglot.stores import ZipStore
from icl_data.foundation.printable import printable


class Verdict(IntEnum):
    """What was found; the number is the command's exit code (2 is for mistakes in the command itself)."""

    OFFICIAL = 0
    DAMAGED = 1
    REPACKED = 3


def verify(folder: Path, parts: Sequence[Part], stream: TextIO) -> Verdict:
    """Read every image of a folder's zips, or unpacked folders, and write one line for each.

    Returns:
        OFFICIAL: the zips are the official ones, byte for byte. REPACKED: all images can be read, but from other
        files. DAMAGED: a file or an image is missing, cannot be read or is there twice.
    """
    verdicts = []
    for part in parts:
        verdict, line = _verify_part(folder, part)
        verdicts.append(verdict)
        print(printable(line), file=stream, flush=True)
    for worst in (Verdict.DAMAGED, Verdict.REPACKED):
        if worst in verdicts:
            return worst
    return Verdict.OFFICIAL


def _verify_part(folder: Path, part: Part) -> tuple[Verdict, str]:
    path = folder / f"{part.name}.zip"
    if not path.exists() and not path.with_suffix("").is_dir():
        return Verdict.DAMAGED, f"{path}: missing; icl-data omniglot fetch --to {str(folder)!r} gets it"
    try:
        store = find_store(folder, part)
        images = read_part(store, part)
    except OmniglotError as error:
        return Verdict.DAMAGED, str(error)
    if images.ranks.size != part.n_images:
        found = "incomplete" if images.ranks.size < part.n_images else "more than this part of Omniglot"
        return Verdict.DAMAGED, f"{store.path}: {found}, {images.ranks.size:,} instead of {part.n_images:,} images"
    readable = f"all {images.ranks.size:,} images are readable"
    if not isinstance(store, ZipStore):
        return Verdict.REPACKED, f"{store.path}: unpacked, so there is no checksum to compare, but {readable}"
    if store.fingerprint() != part.sha256:
        return Verdict.REPACKED, f"{store.path}: the checksum is not the official one, but {readable}"
    return Verdict.OFFICIAL, f"{store.path}: official checksum, {readable}"
