"""Pages in a real browser: a Chromium of the system, without a window, driven by Playwright."""

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """A browser; skips, with the reason, where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)} (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright (pip install playwright)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
