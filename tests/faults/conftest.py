"""How many damaged inputs are tried, and where the counts go: `--inputs short|usual|long`, `--report FILE`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from reports import text_table, write_rows

SIZES = ("short", "usual", "long")


def pytest_addoption(parser):
    group = parser.getgroup("faults")
    group.addoption("--inputs", choices=SIZES, default="short", help="how many damaged inputs are tried")
    group.addoption("--report", type=Path, help="folder for the counts, a CSV file for each campaign")


@pytest.fixture
def size(request) -> str:
    """short, usual or long."""
    return request.config.getoption("--inputs", default="short")


@pytest.fixture
def count(record_property) -> Callable[[str, list[dict]], None]:
    """Add rows to the table of a campaign, which is printed at the end and written if that is asked for."""

    def add(campaign: str, rows: list[dict]) -> None:
        record_property("counts", json.dumps([campaign, rows]))

    return add


def pytest_terminal_summary(terminalreporter, config):
    campaigns = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "counts" and report.when == "call":
                    campaign, rows = json.loads(value)
                    campaigns[campaign] += rows
    folder = config.getoption("--report", default=None)
    for campaign, rows in sorted(campaigns.items()):
        rows.sort(key=lambda row: [str(value) for value in row.values()])
        terminalreporter.section(campaign)
        terminalreporter.write_line(text_table(rows))
        if folder:
            write_rows(folder / f"{campaign}.csv", rows)
