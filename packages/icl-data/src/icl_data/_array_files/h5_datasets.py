"""Data sets of an HDF5 file that lie in the file itself: no links out of it, no parts of other files."""

from __future__ import annotations

from collections import deque
from typing import Any

from icl_data._array_files.unreadable import key_refused

_MOST_LINKS = 16  # from one name to the data set; soft links may go round
_MOST_OBJECTS = 10_000  # groups and data sets that are looked at for their names
_DEEPEST = 32


def find_dataset(file: Any, key: str | None, h5py: Any) -> Any:
    """A data set.

    Args:
        file: an open `h5py.File`.
        key: its path; None for the only one.
        h5py: the library.

    Raises:
        ValueError: there is none, or it does not lie in this file. What h5py raises of damaged files is of many types.
    """
    if key is None and len(names := _names(file, h5py)) == 1:
        key = names[0]
    found = _follow(file, key, h5py) if key else None
    if not isinstance(found, h5py.Dataset):
        raise key_refused(_names(file, h5py), key)
    # A virtual data set's missing files are read as zeros; external storage is any file of this machine.
    if found.is_virtual:
        raise ValueError(f"its array {key!r} must lie in the file, got a virtual one, of parts of other files")
    if found.external:
        raise ValueError(f"its array {key!r} must lie in the file, got one stored in {found.external[0][0]!r}")
    return found


def _follow(file: Any, key: str, h5py: Any) -> Any:
    """What a path means, step by step, so that no link leads out of the file; None if there is nothing."""
    group, steps, n_links = file, deque(_steps(key)), 0
    while steps:
        if not isinstance(group, h5py.Group):
            return None
        step = steps.popleft()
        link = group.get(step, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise ValueError(f"its array {key!r} must lie in the file, got a link to {link.filename!r}")
        if isinstance(link, h5py.SoftLink):
            n_links += 1
            if n_links > _MOST_LINKS:
                raise ValueError(f"its array {key!r} must be at most {_MOST_LINKS} links away, got links that go round")
            steps.extendleft(reversed(_steps(link.path)))
            group = file if link.path.startswith("/") else group
            continue
        group = group[step]
    return group


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]


def _names(file: Any, h5py: Any) -> list[str]:
    """Paths of the data sets, without those behind links."""
    names: list[str] = []
    groups, n_objects, seen = deque([(file, "", 0)]), 0, {file.id}
    while groups:
        group, prefix, depth = groups.popleft()
        for name in group:
            n_objects += 1
            if n_objects > _MOST_OBJECTS:
                return names
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            found = group[name]
            if isinstance(found, h5py.Dataset):
                names.append(prefix + name)
            elif isinstance(found, h5py.Group) and depth < _DEEPEST and found.id not in seen:
                seen.add(found.id)
                groups.append((found, f"{prefix}{name}/", depth + 1))
    return names
