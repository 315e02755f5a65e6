"""The page of `icl-eval report` with keys alone, to a screen reader, on a phone, in the dark."""

import itertools
import os
import re

import pytest
from tabs import NARROW, WIDE, names, typed

# Luminance and contrast as WCAG 2 defines them, of every piece of text against what is behind it.
LOW_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.matches("script, style, :disabled")) continue;
    const both = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (contrast < 4.5) found.push(`${element.tagName} ${element.className} ${element.textContent.slice(0, 30)}`);
  }
  return found;
}"""
FOCUSED = """(() => {
  const one = document.activeElement;
  return one.id || one.textContent.trim() || one.getAttribute("aria-label");
})()"""
UNNAMED = """() => [...document.querySelectorAll("button, input, select, a, [role=region]")].filter((one) => {
  const label = one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.textContent.trim() ||
    [...(one.labels ?? [])].map((each) => each.textContent.trim()).join("");
  return !label;
}).map((one) => one.outerHTML.slice(0, 80))"""


def test_the_page_is_usable_with_keys_alone(opened):
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    opened.keyboard.press("Enter")
    opened.locator("#filter").focus()
    opened.keyboard.type("iid")
    assert names(opened) == ["iid-0", "iid-1"]
    reached = set()
    for _ in range(60):
        opened.keyboard.press("Tab")
        reached.add(opened.evaluate(FOCUSED))
    controls = {"setting", "group", "reset", "lines", "bands", "log-x", "log-y", "final-x"}
    assert controls | {"Run", "IWL", "Show iid-0", "iid-0"} <= reached


def test_a_sort_by_key_keeps_the_focus(opened):
    button = opened.locator("#table th[data-key='last fewshot_holdout'] button")
    button.focus()
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.textContent") == "ICL"


def test_everything_that_is_used_has_a_name(opened):
    assert opened.evaluate(UNNAMED) == []


# What Tab meets inside of a chart: role, name, and whether it is on.
STOPS = """(chart) => {
  const found = [];
  const look = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.tabIndex >= 0) found.push(["role", "aria-label", "aria-pressed"].map((name) => one.getAttribute(name)));
      if (one.shadowRoot) look(one.shadowRoot);
    }
  };
  look(document.getElementById(chart));
  return found;
}"""
TOOLS = [
    ["button", "Pan", "false"],
    ["button", "Box Zoom", "true"],
    ["button", "Wheel Zoom", "false"],
    ["button", "Reset", None],
    ["button", "Save", None],
]


@pytest.mark.parametrize("chart", ["chart-0", "chart-1", "chart-final"])
def test_tools_of_a_chart_are_buttons_with_names_and_it_has_no_other_stops(opened, chart):
    opened.wait_for_timeout(300)
    assert opened.evaluate(STOPS, chart) == TOOLS


def test_tools_have_names_when_a_chart_is_made_anew(opened):
    opened.wait_for_timeout(300)
    opened.evaluate("window.before = document.querySelector('#chart-0 > *')")
    opened.locator("#log-x").click()
    opened.wait_for_timeout(500)
    assert opened.evaluate("document.querySelector('#chart-0 > *') !== window.before")
    assert opened.evaluate(STOPS, "chart-0") == TOOLS


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_tool_is_switched_on_by_a_key(opened, key):
    pan = opened.locator("#chart-0").get_by_role("button", name="Pan")
    pan.focus()
    opened.keyboard.press(key)
    opened.wait_for_timeout(100)
    assert [pressed for _, _, pressed in opened.evaluate(STOPS, "chart-0")[:2]] == ["true", "false"]


@pytest.mark.parametrize("key", ["Enter", " "])
@pytest.mark.parametrize("opened", [{"viewport": {"width": 200, "height": 844}}], indirect=True)
def test_tools_that_a_narrow_chart_has_no_room_for_are_below_a_button(opened, key):
    opened.wait_for_timeout(300)
    more = ["button", "More tools", None]
    assert opened.evaluate(STOPS, "chart-0") == [*TOOLS[:2], more]
    opened.locator("#chart-0").get_by_role("button", name="More tools").focus()
    opened.keyboard.press(key)
    opened.wait_for_timeout(300)
    assert opened.evaluate(STOPS, "chart-0") == [*TOOLS[:2], more, *reversed(TOOLS[2:])]


def test_a_chart_is_a_figure_called_by_its_caption(opened):
    assert opened.get_by_role("figure", name="ICL: 4 lines of 6 runs").get_attribute("id") == "chart-0"
    typed(opened, "iid")
    assert opened.get_by_role("figure", name="ICL: 1 line of 2 runs").get_attribute("id") == "chart-0"
    assert opened.get_by_role("figure", name="2 runs at the last evaluation").get_attribute("id") == "chart-final"


# Lists that show less of what is chosen than they would in a page of any width.
CUT = """() => [...document.querySelectorAll("select")].filter((one) => {
  const free = one.cloneNode(true);
  Object.assign(free.style, { maxWidth: "none", width: "auto", position: "absolute" });
  one.parentElement.append(free);
  free.value = one.value;
  const cut = one.offsetWidth < free.offsetWidth;
  free.remove();
  return cut;
}).map((one) => one.id)"""


@pytest.mark.parametrize("opened", [{"viewport": {"width": 1280, "height": 900}}], indirect=True)
def test_lists_show_the_whole_of_what_is_chosen(opened):
    assert opened.evaluate(CUT) == []


def test_the_tooltip_of_a_list_is_what_is_chosen(opened):
    left = opened.locator("#measure-0")
    before = left.get_attribute("title")
    assert before == left.locator("option:checked").inner_text()
    left.select_option(index=1)
    assert left.get_attribute("title") == left.locator("option:checked").inner_text() != before


def test_headings_go_down_one_by_one(opened):
    levels = opened.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


SEEN = [{"viewport": viewport, "color_scheme": scheme} for viewport in (WIDE, NARROW) for scheme in ("light", "dark")]


@pytest.mark.parametrize("opened", SEEN, indirect=True, ids=["wide-light", "wide-dark", "narrow-light", "narrow-dark"])
def test_contrast_is_enough_and_nothing_is_wider_than_the_page(opened, request):
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.evaluate(LOW_CONTRAST) == []
    assert opened.evaluate("document.documentElement.scrollWidth") == opened.viewport_size["width"]
    folder = os.environ.get("ICL_SCREENSHOTS")
    if folder:
        opened.screenshot(path=f"{folder}/{request.node.callspec.id}.png", full_page=True)


@pytest.mark.parametrize("opened", [{"color_scheme": "dark"}], indirect=True)
def test_in_the_dark_the_page_is_dark(opened):
    colour = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", colour))) < 40
