"""Tables of what the parity tests measured, after the tests: they say more than that the tolerances hold."""

from collections.abc import Callable

import pytest

_ROWS = pytest.StashKey[dict[str, list[tuple[str, ...]]]]()


@pytest.fixture(scope="session")
def add_row(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Add a row, {column: text}, to the table with this title, printed in the summary of the run."""
    tables = pytestconfig.stash.setdefault(_ROWS, {})

    def add(title: str, row: dict[str, str]) -> None:
        tables.setdefault(title, [tuple(row)]).append(tuple(row.values()))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for title, rows in config.stash.get(_ROWS, {}).items():
        terminalreporter.section(title)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *rest in rows:
            cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
            terminalreporter.write_line("  ".join([first.ljust(widths[0]), *cells]))
