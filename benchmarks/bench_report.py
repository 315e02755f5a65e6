"""How large the page of many runs is, and how quick in a browser, beside what it may take.

    python benchmarks/bench_report.py [RUNS] [EVALUATIONS]

Makes that many runs (else 200) of that many evaluations of four splits (else 500) in a temporary folder, and writes
their page. Where Playwright and a Chromium are installed, the page is opened five times, and on each a filter is typed
five times: from the key to the frame in which table and charts are drawn anew. Medians, and their ratio to the limit.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_tables import make_runs

from icl_eval import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIMITS = {"size": 15.0, "load": 2.0, "filter": 0.1}
"""MB, seconds, seconds."""

OPENED = """async () => {
  while (!document.documentElement.dataset.ready) await new Promise((done) => setTimeout(done, 5));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() / 1000;
}"""
FILTERED = """async (query) => {
  const input = document.getElementById("filter");
  const start = performance.now();
  input.value = query;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return (performance.now() - start) / 1000;
}"""
QUERIES = ("p_bursty=0.9", "", "c00100", "icl>0.5", "classes<=1600 p_bursty=1")


def measured(page: Path) -> dict[str, float]:
    """Median seconds of loading and filtering; empty where there is no browser."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
    if found is None:
        return {}
    loads, filters = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for _ in range(5):
            opened: Any = browser.new_page(viewport={"width": 1400, "height": 900})
            opened.goto(page.as_uri())
            loads.append(opened.evaluate(OPENED))
            opened.wait_for_timeout(500)
            filters += [opened.evaluate(FILTERED, query) for query in QUERIES]
            opened.close()
        browser.close()
    return {"load": statistics.median(loads), "filter": statistics.median(filters), "slowest filter": max(filters)}


def main() -> None:
    """Make the runs, write the page, print a line for each measurement."""
    runs, evaluations = (int(given) for given in (sys.argv[1:] + ["200", "500"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder), runs, evaluations)
        start = time.perf_counter()
        page = write_report(folder)[0]
        print(f"{runs} runs of {evaluations} evaluations: written in {time.perf_counter() - start:.1f} s")
        found = {"size": page.stat().st_size / 1e6} | measured(page)
        for name, value in found.items():
            unit = "MB" if name == "size" else "s"
            limit = LIMITS.get(name.removeprefix("slowest "), 0)
            print(f"{name:16} {value:8.3f} {unit}  {value / limit:.2f} of the limit ({limit:g} {unit})")
        if "load" not in found:
            print("load and filter are not measured: they need Playwright and a Chromium")


if __name__ == "__main__":
    main()
