"""Pages in a real browser: a Chromium of the system, without a window, driven by Playwright."""

import shutil
import warnings

import pytest
from runs import HEADS, make_all
from tabs import WIDE

from icl_eval import RunsSkipped, write_report

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


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """The page of six runs, one of which has scores of heads."""
    root = tmp_path_factory.mktemp("runs")
    make_all(root)
    places = [(step, layer, head) for step in (0, 40) for layer in (0, 1) for head in (0, 1, 2)]
    rows = [f"{step},<b>x,induction,head,{layer},{head},{(head - 1) / 4},,,0.0,9\n" for step, layer, head in places]
    (root / "bursty-0" / "heads.csv").write_text(HEADS + "".join(rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsSkipped)
        return write_report(root)[0]


@pytest.fixture
def opened(browser, page, request):
    """The page, opened; whatever its console says or it asks the network for fails the test."""
    options = {"viewport": WIDE, "color_scheme": "light", **getattr(request, "param", {})}
    context = browser.new_context(**options)
    tab = context.new_page()
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda one: None if one.url.startswith(("file:", "data:", "blob:")) else asked.append(one.url))
    tab.goto(page.as_uri())
    tab.wait_for_selector("html[data-ready]")
    yield tab
    context.close()
    assert said == []
    assert asked == []
