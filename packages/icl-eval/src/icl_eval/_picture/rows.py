"""A picture as rows: what its CSV file holds, and what is printed of it."""

from __future__ import annotations

from typing import Any

from icl_eval._picture.picture import Line, Panel, Picture

__all__ = ["drawn_rows"]


def drawn_rows(picture: Picture) -> list[dict[str, Any]]:
    """A row for each point that is drawn, in the order of panels and lines, then those of the paper's values.

    Args:
        picture: what is drawn.

    Returns:
        Cells by column: ``panel`` (its title), ``x`` (what its axis is) and ``y`` (what is measured), ``line`` (its
        label; of a map, that of a row), ``run`` (if it is a single one), ``kind`` (what the point is), the settings
        that tell lines and panels apart, ``x_value``, ``value``, the band's ``low`` and ``high``, ``n_runs``,
        ``n_sequences`` and ``chance``; ``step`` where x is not time and yet changes in it, ``marked`` where a point has
        a mark. Empty where there is none.
    """
    names = list(dict.fromkeys(name for panel in picture.panels for line in panel.lines for name in line.settings))
    return [row for panel in picture.panels for line in panel.lines for row in _rows(panel, line, names)]


def _rows(panel: Panel, line: Line, names: list[str]) -> list[dict[str, Any]]:
    head = {
        "panel": panel.title.replace("\n", "; "),
        "x": panel.x.name,
        "y": line.measure or panel.y.name,
        "line": line.label,
        "run": line.run or None,
    }
    settings = {name: _cell(line.settings.get(name)) for name in names}
    said = dict(line.points)
    rows = [
        {
            **head,
            "kind": line.kind,
            **settings,
            "x_value": _x(panel, line.x[i]),
            "value": float(line.y[i]),
            "low": _number(line.low[i]),
            "high": _number(line.high[i]),
            "n_runs": int(line.n_runs[i]),
            "n_sequences": int(line.n_sequences[i]) or None,
            "chance": _number(line.chance[i]),
            **({} if line.steps is None else {"step": int(line.steps[i])}),
            **({"marked": said.get(i)} if said else {}),
        }
        for i in range(len(line.x))
    ]
    marks = [
        {**head, "kind": "published", **settings, "x_value": _x(panel, mark.x), "value": mark.y} for mark in line.marks
    ]
    return rows + marks


def _x(panel: Panel, value: float) -> Any:
    if panel.x.kind == "category":
        return panel.x.values[int(value)]
    return int(value) if float(value).is_integer() else float(value)


def _number(value: float) -> float | None:
    return None if value != value else float(value)


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
