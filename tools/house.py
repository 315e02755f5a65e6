"""The packages' imports as rooms and arrows: held against docs/architecture.md, and drawn for it.

python tools/house.py          checks, and says what is wrong
python tools/house.py --draw   writes docs/architecture.svg

A room is a wing (a folder of a package) or a module at its top. docs/architecture.md has a table for each package whose
rows are floors, from the top down; a room may import what lies on lower floors alone.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
DRAWING = ROOT / "docs" / "architecture.svg"
PACKAGES = ("icl_data", "icl_models", "icl_train", "icl_eval")
MOST_MODULES = 15

# package → what it may import of the packages below it; "" is all that is public
BELOW: dict[str, dict[str, str]] = {
    "icl_data": {},
    "icl_models": {"icl_data": "foundation"},
    "icl_train": {"icl_data": "", "icl_models": ""},
    "icl_eval": {"icl_data": "", "icl_models": "", "icl_train": ""},
}


@dataclass(frozen=True)
class Arrow:
    """One import: module → module, both dotted."""

    start: str
    end: str


def source_folder(package: str) -> Path:
    """Where the modules of a package lie."""
    return ROOT / "packages" / package.replace("_", "-") / "src" / package


def modules(package: str) -> dict[str, Path]:
    """Dotted name → file, of every module; a stub stands for the module that it describes."""
    folder = source_folder(package)
    found: dict[str, Path] = {}
    for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.pyi")]):
        parts = file.relative_to(folder.parent).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = file  # .pyi sorts behind .py, and replaces it
    return found


def arrows(package: str) -> list[Arrow]:
    """Every import of the project's own modules, wherever it stands: in functions and under TYPE_CHECKING as well."""
    known = {name for each in PACKAGES for name in modules(each)}
    found: dict[Arrow, None] = {}
    for name, file in modules(package).items():
        for target in _targets(ast.parse(file.read_text(encoding="utf-8")), name, known, is_package=_is_package(file)):
            if target != name:
                found.setdefault(Arrow(name, target))
    return list(found)


def _is_package(file: Path) -> bool:
    return file.stem == "__init__"


def _targets(tree: ast.AST, name: str, known: set[str], *, is_package: bool) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _longest(alias.name, known)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".") if is_package else name.split(".")[:-1]
                base = ".".join([*parents[: len(parents) - node.level + 1], *([node.module] if node.module else [])])
            for alias in node.names:
                yield from _longest(f"{base}.{alias.name}", known)


def _longest(dotted: str, known: set[str]) -> Iterator[str]:
    """The module that a dotted name is in, if it is one of ours."""
    while dotted:
        if dotted in known:
            yield dotted
            return
        dotted = dotted.rpartition(".")[0]


def room(module: str) -> str:
    """The wing or top module that a module belongs to; the package's own name for its __init__."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def floors(package: str, text: str | None = None) -> list[list[str]]:
    """The rooms of a package by floor, from the top down, as docs/architecture.md has them."""
    text = PAGE.read_text(encoding="utf-8") if text is None else text
    section = re.search(rf"^### {package}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    if section is None:
        raise ValueError(f"{PAGE.name} must have a section for each package, got none for {package}")
    rows = re.findall(r"^\| (`[^|]*) \|", section[1], re.MULTILINE)
    return [[name.rstrip("/") for name in re.findall(r"`([^`]+)`", row)] for row in rows]


def circles(package: str) -> list[list[str]]:
    """Each circle of imports among the modules of a package, by its modules."""
    graph: dict[str, list[str]] = {name: [] for name in modules(package)}
    for arrow in arrows(package):
        if arrow.end in graph and arrow.end != package:
            graph[arrow.start].append(arrow.end)
    found: list[list[str]] = []
    state: dict[str, int] = {}

    def visit(name: str, path: list[str]) -> None:
        state[name] = 1
        for target in graph[name]:
            if state.get(target) == 1:
                found.append([*path[path.index(target) :], target])
            elif target not in state:
                visit(target, [*path, target])
        state[name] = 2

    for name in graph:
        if name not in state:
            visit(name, [name])
    return found


def faults() -> list[str]:
    """What is wrong with the house, a line each."""
    lines = []
    for package in PACKAGES:
        order = floors(package)
        level = {name: len(order) - number for number, names in enumerate(order) for name in names}
        there = {room(name) for name in modules(package)} - {package}
        lines += [f"{package}.{name} is on no floor of {PAGE.name}" for name in sorted(there - level.keys())]
        lines += [f"{PAGE.name} has a floor for {package}.{name}, which is not there" for name in level.keys() - there]
        lines += [f"circle of imports: {' -> '.join(circle)}" for circle in circles(package)]
        for arrow in arrows(package):
            lines += _wrong_way(package, arrow, level)
        folders = Counter(file.parent for file in modules(package).values())
        lines += [
            f"{folder.relative_to(ROOT)} holds {count} modules, more than {MOST_MODULES}"
            for folder, count in folders.items()
            if count > MOST_MODULES
        ]
    return lines


def _wrong_way(package: str, arrow: Arrow, level: dict[str, int]) -> Iterator[str]:
    target = arrow.end.split(".")[0]
    if target == package:
        start, end = room(arrow.start), room(arrow.end)
        # The package's own __init__ re-exports, so it is above everything and nothing imports it.
        if package == end or (package != start and start != end and level.get(end, 0) >= level.get(start, 99)):
            yield f"{arrow.start} imports {arrow.end}, which is not on a lower floor"
    elif target not in BELOW[package]:
        yield f"{arrow.start} imports {arrow.end}: {package} stands on {', '.join(BELOW[package]) or 'nothing'}"
    else:
        only = BELOW[package][target]
        if any(part.startswith("_") for part in arrow.end.split(".")) or (only and room(arrow.end) != only):
            yield f"{arrow.start} imports {arrow.end}, which is not {target}'s public {only or 'part'}"


# The drawing: a tower for each package, a line between rooms for each import between them.
_ROOM, _GAP, _FLOOR, _MARGIN = 126, 10, 46, 24
_COLORS = {"icl_data": "#4477aa", "icl_models": "#228833", "icl_train": "#aa3377", "icl_eval": "#997700"}


def drawing() -> str:
    """The house as an SVG picture."""
    towers, x, height = [], _MARGIN, 0
    places: dict[tuple[str, str], tuple[float, float]] = {}
    highest = max(len(floors(package)) for package in PACKAGES)
    for package in PACKAGES:
        order = floors(package)
        width = max(len(names) for names in order) * (_ROOM + _GAP) - _GAP
        for number, names in enumerate(order):
            y = _MARGIN + 40 + (highest - len(order) + number) * (_FLOOR + _GAP * 2)
            left = x + (width - len(names) * (_ROOM + _GAP) + _GAP) / 2
            for position, name in enumerate(names):
                places[package, name] = (left + position * (_ROOM + _GAP), y)
            height = max(height, y + _FLOOR)
        towers.append((package, x, width))
        x += width + 3 * _MARGIN
    lines = [*_arrows_drawn(places), *_rooms_drawn(places)]
    titles = [
        f'<text x="{left + width / 2:.0f}" y="{_MARGIN + 14}" class="title" fill="{_COLORS[package]}">{package}</text>'
        for package, left, width in towers
    ]
    right, bottom = x - 2 * _MARGIN, height + _MARGIN
    style = (
        "text{font:12px sans-serif;text-anchor:middle;fill:#222}.title{font:bold 18px sans-serif}"
        ".n{font-size:10px;fill:#666}line{stroke-opacity:.35;stroke-width:1.1}"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {bottom:.0f}" width="{right:.0f}">',
            f'<style>{style}</style><rect width="100%" height="100%" fill="white"/>',
            *titles,
            *lines,
            "</svg>\n",
        ]
    )


def _arrows_drawn(places: dict[tuple[str, str], tuple[float, float]]) -> Iterator[str]:
    for package in PACKAGES:
        pairs = {(room(arrow.start), room(arrow.end)) for arrow in arrows(package) if arrow.end.startswith(package)}
        for start, end in sorted(pairs):
            if start != end and (package, start) in places and (package, end) in places:
                (x, y), (to_x, to_y) = places[package, start], places[package, end]
                yield (
                    f'<line x1="{x + _ROOM / 2:.0f}" y1="{y + _FLOOR:.0f}" x2="{to_x + _ROOM / 2:.0f}" '
                    f'y2="{to_y:.0f}" stroke="{_COLORS[package]}"/>'
                )


def _rooms_drawn(places: dict[tuple[str, str], tuple[float, float]]) -> Iterator[str]:
    for package in PACKAGES:
        held = Counter(room(name) for name in modules(package))
        wings = {path.name for path in source_folder(package).iterdir() if (path / "__init__.py").is_file()}
        for (owner, name), (x, y) in places.items():
            if owner != package:
                continue
            is_wing = name in wings
            inside = held[name] - 1 if is_wing else 1  # a wing's __init__ only says what it is
            count = f"{inside} modules" if inside != 1 else "one module"
            fill = "#f2f5fa" if is_wing else "#ffffff"
            yield (
                f'<rect x="{x:.0f}" y="{y:.0f}" width="{_ROOM}" height="{_FLOOR}" rx="4" fill="{fill}" '
                f'stroke="{_COLORS[package]}"/><text x="{x + _ROOM / 2:.0f}" y="{y + 20:.0f}">{escape(name)}</text>'
                f'<text x="{x + _ROOM / 2:.0f}" y="{y + 36:.0f}" class="n">{count}</text>'
            )


def main() -> int:
    """Check, or draw."""
    if sys.argv[1:] == ["--draw"]:
        DRAWING.write_text(drawing(), encoding="utf-8")
        print(DRAWING.relative_to(ROOT))
        return 0
    found = faults()
    print("\n".join(found) or "all arrows run downwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
