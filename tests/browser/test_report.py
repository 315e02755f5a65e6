"""The page of `icl-eval report` as somebody uses it with a pointer: filters, groups, curves, what a chart tells."""

import json
import re
from pathlib import Path

import pytest
from runs import HEADS, HOSTILE, STEPS, make, record
from tabs import names, typed

from icl_eval import write_report

NAMES = ["bursty-0", "bursty-1", "going-on", "iid-0", "iid-1", HOSTILE]
# Where on the screen the chart of final values has a value.
PLACE = """([x, y]) => {
  const host = document.getElementById("chart-final");
  const view = [...Bokeh.index].find((one) => host.contains(one.el));
  const { left, top } = view.canvas_view.el.getBoundingClientRect();
  return [left + view.frame.x_scale.compute(x), top + view.frame.y_scale.compute(y)];
}"""
# Dashes that the first chart's lines are drawn with, and those of the legend.
DASHES = """() => {
  const host = document.getElementById("chart-0");
  const { renderers } = [...Bokeh.index].find((one) => host.contains(one.el)).model;
  const lines = renderers.map((one) => one.data_source.data.dash ?? []).flat();
  const keys = [...document.querySelectorAll("#legend line")];
  return [lines, keys.map((one) => one.getAttribute("stroke-dasharray") || "solid")];
}"""


ICL, IWL = "ICL two-way accuracy (new classes)", "IWL accuracy over all labels (no support)"


def shown(tab, control):
    """What a list has chosen, as it is read."""
    return tab.locator(f"#{control} option:checked").inner_text()


def pixels(tab, chart="chart-0"):
    return tab.locator(f"#{chart}").screenshot()


def test_more_lines_than_bands_have_the_dashes_of_the_legend(browser):
    tab = browser.new_page()
    tab.goto((Path(__file__).parents[2] / "docs" / "report.html").as_uri())
    tab.wait_for_selector("html[data-ready]")
    lines, legend = tab.evaluate(DASHES)
    tab.close()
    assert len(lines) > 12
    assert set(lines) == set(legend)
    assert len(set(legend)) == len(legend) > 3  # so many groups has the kept report


def test_every_run_is_in_the_table_with_what_it_reached(opened):
    assert sorted(names(opened)) == sorted(NAMES)
    row = opened.locator("#table tr", has_text="bursty-1").inner_text()
    assert "0.920" in row
    assert "done" in row
    assert "interrupted, 50% of 40" in opened.locator("#table tr", has_text="going-on").inner_text()


def test_why_a_run_failed_is_below_its_state_and_found_by_its_words(browser, tmp_path):
    make(tmp_path / "runs", "good", p_bursty=1.0, seed=0, icl=0.9, iwl=0.1)
    failed = make(tmp_path / "runs", "bad", p_bursty=1.0, seed=1, icl=0.9, iwl=0.1, steps=STEPS[:3], done=False)
    failed.mark_failed("loss is not finite <b>at</b> step 25")
    tab = browser.new_page()
    tab.goto(write_report(tmp_path / "runs")[0].as_uri())
    tab.wait_for_selector("html[data-ready]")
    row = tab.locator("#table tr", has_text="failed, 50% of 40")
    assert row.locator("small", has_text="loss is not finite <b>at</b> step 25").count() == 1
    assert typed(tab, "finite") == ["bad"]
    tab.close()


def test_names_from_outside_are_text(opened):
    assert opened.get_by_role("link", name=HOSTILE, exact=True).count() == 1
    assert opened.evaluate("window.hurt") is None
    assert opened.locator("img[src=x]").count() == 0
    assert opened.locator("#heads b").count() == 0


def test_the_name_of_somebodys_code_is_text_in_columns_lists_and_legends(browser, tmp_path):
    theirs = f"{HOSTILE}:source"
    make(tmp_path / "runs", "theirs", p_bursty=1.0, seed=0, icl=0.9, iwl=0.1, source=theirs)
    make(tmp_path / "runs", "ours", p_bursty=1.0, seed=0, icl=0.9, iwl=0.1)
    tab = browser.new_page()
    tab.goto(write_report(tmp_path / "runs")[0].as_uri())
    tab.wait_for_selector("html[data-ready]")
    tab.locator("#group").select_option("data.source")
    assert tab.locator("#table tr.group", has_text=HOSTILE).count() == 1
    tab.locator("#setting").select_option("data.source")
    tab.locator("#value").select_option(theirs)
    assert names(tab) == ["theirs"]
    tab.wait_for_timeout(300)  # the curves' legend is drawn
    assert tab.evaluate("window.hurt") is None
    assert tab.locator("img[src=x]").count() == 0
    tab.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bursty-", ["bursty-0", "bursty-1"]),
        ("p_bursty=1", ["bursty-0", "bursty-1"]),
        ("p-bursty=0 p-bursty=1 seeds.data=0", ["bursty-0", "iid-0"]),
        ("p_bursty=0 data.p_bursty=1", ["bursty-0", "bursty-1", "iid-0", "iid-1"]),
        ("run=iid-0 name=iid-1", ["iid-0", "iid-1"]),
        ("icl>=0.9", ["bursty-0", "bursty-1"]),
        ("state!=done", ["going-on"]),
        ("iwl>0.5 icl<0.6", ["iid-0", "iid-1"]),
        ("nothing-is-called-so", []),
    ],
)
def test_a_filter_keeps_the_runs_that_it_means(opened, query, expected):
    assert sorted(typed(opened, query)) == expected
    assert opened.locator("#filter-count").inner_text().startswith(f"{len(expected)} of 6 runs shown")


def test_an_unknown_name_in_a_filter_is_named(opened):
    typed(opened, "p_brusty=1")
    assert "Nothing is called p_brusty" in opened.locator("#filter-count").inner_text()


def test_a_filter_alters_the_curves(opened):
    before = pixels(opened)
    typed(opened, "iid")
    opened.wait_for_timeout(300)
    assert pixels(opened) != before
    assert opened.locator("#caption-0").inner_text().startswith("ICL: 1 line of 2 runs")


def test_a_value_chosen_from_the_lists_filters(opened):
    opened.locator("#setting").select_option("data.p_bursty")
    opened.locator("#value").select_option("0.5")
    assert opened.locator("#filter").input_value() == "data.p_bursty=0.5"
    assert sorted(names(opened)) == sorted(["going-on", HOSTILE])


def cards(tab):
    """Title → number and words of each of the first numbers."""
    shown = tab.locator("#cards > div").all()
    return {one.locator("dt").inner_text(): one.locator("dd").inner_text() for one in shown}


def test_a_run_a_little_above_guessing_has_not_learnt(browser, tmp_path):
    # ICL of .56 is by more than a tenth above guessing, not measurably; IWL of .1 measurably, and by less.
    scores = {"context": (0.9, 0.1), "weights": (0.56, 0.15), "both": (0.9, 0.3), "neither": (0.56, 0.1)}
    for seed, (name, (icl, iwl)) in enumerate(scores.items()):
        make(tmp_path / "runs", name, p_bursty=1.0, seed=seed, icl=icl, iwl=iwl)
    tab = browser.new_page()
    tab.goto(write_report(tmp_path / "runs")[0].as_uri())
    tab.wait_for_selector("html[data-ready]")
    told = cards(tab)
    assert told["Learn in context"] == "2 of 4: last ICL well above guessing"
    assert told["Learn in weights"] == "2 of 4: last IWL well above guessing"
    assert told["Learn in both ways"] == "1 at the last evaluation"
    rule = "at least a tenth of the way from guessing to 1, and its 95% interval above guessing"
    assert tab.locator("#cards-note").inner_text() == f"Well above guessing: {rule}."
    assert tab.get_by_title(rule).count() == 3
    tab.close()


def test_a_heading_sorts_both_ways(opened):
    opened.locator("#group").select_option("none")
    button = opened.locator("#table th[data-key='last no_support_zipfian'] button")
    button.click()
    assert names(opened)[-2:] == ["iid-0", "iid-1"]
    assert opened.locator("#table th[aria-sort=ascending]").inner_text() == "IWL"
    button.click()
    assert names(opened)[:2] == ["iid-1", "iid-0"]
    assert opened.locator("#table th[aria-sort=descending]").count() == 1


def test_any_setting_groups_the_table(opened):
    opened.locator("#group").select_option("seeds.data")
    heads = opened.locator("#table tr.group").all_inner_texts()
    assert [re.sub(r"\s+", " ", head).strip() for head in heads] == ["data 0", "data 1"]
    assert set(names(opened)[:3]) == {"bursty-0", "iid-0", "going-on"}


def test_the_first_grouping_is_by_what_tells_the_runs_apart(opened):
    assert opened.locator("#group option:checked").inner_text() == "data.p_bursty"


def test_lines_are_means_over_seeds_or_every_run(opened):
    assert opened.locator("#caption-0").inner_text().startswith("ICL: 4 lines of 6 runs")
    opened.locator("#lines").select_option("runs")
    assert opened.locator("#caption-0").inner_text().startswith("ICL: 6 lines of 6 runs")


def test_a_key_of_the_legend_hides_its_runs(opened):
    key = opened.get_by_role("button", name=re.compile(r"^1\s*2$"))
    key.click()
    assert opened.locator("#caption-0").inner_text().startswith("ICL: 3 lines of 4 runs")
    assert opened.locator("#table").get_by_label("Show bursty-0").is_checked() is False


def test_a_run_is_hidden_and_shown(opened):
    box = opened.get_by_label("Show bursty-0")
    box.uncheck()
    assert "5 of 6 runs shown, 1 switched off" in opened.locator("#filter-count").inner_text()
    opened.locator("#reset").click()
    assert box.is_checked()


@pytest.mark.parametrize("box", ["bands", "log-x", "log-y"])
def test_bands_and_axes_can_be_changed(opened, box):
    opened.wait_for_timeout(300)
    before = pixels(opened)
    opened.locator(f"#{box}").click()
    opened.wait_for_timeout(400)
    assert pixels(opened) != before


def test_what_differs_between_chosen_runs_is_said(opened):
    opened.get_by_label("Compare bursty-0").check()
    opened.get_by_label("Compare bursty-1").check()
    rows = opened.locator("#differing tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [["seeds.init", "0", "1"], ["seeds.data", "0", "1"]]


def test_pointing_at_a_mark_says_which_run_it_is(opened):
    opened.locator("#filter").fill("iid-1")
    host = opened.locator("#chart-final")
    host.scroll_into_view_if_needed()
    opened.wait_for_timeout(300)
    across, down = opened.evaluate(PLACE, [0.82, 0.5])
    opened.mouse.move(across - 30, down)
    opened.mouse.move(across, down)
    told = opened.locator(".hover", has_text="iid-1")
    told.first.wait_for()
    assert told.first.inner_text().splitlines()[:3] == ["iid-1", "IWL 0.820 (0.761-0.867)", "ICL 0.500 (0.431-0.569)"]


# What the axis of updates of the first chart says.
TICKS = """() => {
  const host = document.getElementById("chart-0");
  const view = [...Bokeh.index].find((one) => host.contains(one.el));
  const axis = view.views.find_one(view.model.below[0]);
  return axis.compute_labels(axis.tick_coords.major[0]).items.map((one) => one.text);
}"""


def test_without_a_run_the_charts_say_so_and_updates_are_still_updates(opened):
    typed(opened, "nothing-is-called-so")
    opened.wait_for_timeout(300)
    assert opened.locator("#caption-0").inner_text() == "ICL: no run is chosen"
    assert opened.locator("#caption-final").inner_text() == "No run is chosen"
    assert opened.evaluate(TICKS) == ["0", "10", "20", "30", "40"]


def test_of_a_run_at_its_first_update_no_number_of_the_axis_comes_twice(browser, tmp_path):
    make(tmp_path / "runs", "begun", p_bursty=1.0, seed=0, icl=0.9, iwl=0.1, steps=(0,), done=False)
    tab = browser.new_page()
    tab.goto(write_report(tmp_path / "runs")[0].as_uri())
    tab.wait_for_selector("html[data-ready]")
    tab.wait_for_timeout(300)
    assert tab.evaluate(TICKS) == ["0"]
    tab.close()


def test_beside_the_box_it_is_said_when_there_are_too_many_lines_for_bands(browser):
    tab = browser.new_page()
    tab.goto((Path(__file__).parents[2] / "docs" / "report.html").as_uri())
    tab.wait_for_selector("html[data-ready]")
    why = tab.get_by_role("checkbox", name="Bands none of more than 12 lines: filter, and they appear")
    assert why.count() == 1
    typed(tab, "p_bursty0.5")
    assert tab.get_by_role("checkbox", name="Bands", exact=True).count() == 1
    tab.close()


def test_what_is_looked_at_outlives_a_reload(opened):
    typed(opened, "iid")
    chosen = {"lines": "Every run", "measure-0": IWL, "final-x": ICL}
    for control, label in chosen.items():
        assert shown(opened, control) != label
        opened.locator(f"#{control}").select_option(label=label)
    opened.wait_for_timeout(400)
    opened.reload()
    opened.wait_for_selector("html[data-ready]")
    assert opened.locator("#filter").input_value() == "iid"
    assert names(opened) == ["iid-0", "iid-1"]
    assert {control: shown(opened, control) for control in chosen} == chosen


def test_a_chosen_measure_leaves_the_columns_of_the_table_as_they_are(opened):
    heads = opened.locator("#table thead th")
    before = heads.all_inner_texts()
    opened.locator("#measure-0").select_option(label=IWL)
    opened.locator("#columns summary").click()
    opened.locator("#columns").get_by_label("seeds.split").check()
    assert heads.all_inner_texts()[:-1] == before


def test_an_address_means_the_same_when_the_page_has_more_settings_and_measures(browser, tmp_path):
    root = tmp_path / "runs"
    make(root, "one", p_bursty=1, seed=0, icl=0.9, iwl=0.1)
    other = make(root, "other", p_bursty=0, seed=1, icl=0.9, iwl=0.1, done=False)
    page = write_report(root)[0]
    tab = browser.new_page()
    tab.goto(page.as_uri())
    tab.wait_for_selector("html[data-ready]")
    chosen = {"group": "seeds.data", "measure-0": IWL, "measure-1": IWL, "final-x": ICL, "final-y": ICL}
    for control, label in chosen.items():
        tab.locator(f"#{control}").select_option(label=label)
    tab.wait_for_timeout(400)
    number = tab.locator("#group").input_value(), tab.locator("#measure-0").input_value()
    other.append([record("flipped", 40, 0.5, chance=0.5, metric="accuracy_closed")])
    make(root, "wider", p_bursty=0, seed=2, icl=0.9, iwl=0.1, emb_dim=32)
    write_report(root)
    tab.reload()
    tab.wait_for_selector("html[data-ready]")
    assert (tab.locator("#group").input_value(), tab.locator("#measure-0").input_value()) != number
    assert {control: shown(tab, control) for control in chosen} == chosen
    tab.close()


def test_a_group_that_nobody_chose_is_not_kept(opened):
    typed(opened, "iid")
    opened.wait_for_timeout(400)
    assert "query" in opened.url
    assert "group" not in opened.url


NUMBERED = json.dumps({"group": 99, "measures": [9, 9], "sort": 1, "columns": "all"})
UNKNOWN = json.dumps({"group": "data.nothing", "measures": ["nothing", "flipped"], "final": "flipped"})


@pytest.mark.parametrize("hash_", ["#runs", "#%7B%22sort", f"#{NUMBERED}", f"#{UNKNOWN}"])
def test_an_address_that_means_nothing_is_passed_over(browser, page, hash_):
    tab = browser.new_page()
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(page.as_uri() + hash_)
    tab.wait_for_selector("html[data-ready]")
    assert sorted(names(tab)) == sorted(NAMES)
    assert errors == []
    tab.close()


def test_what_the_runs_are_about_is_below_the_heading(browser, tmp_path):
    make(tmp_path / "runs", "one", p_bursty=1.0, seed=0, icl=0.9, iwl=0.1)
    tab = browser.new_page()
    tab.goto(write_report(tmp_path / "runs", title="Bursts", about="of <b>one</b> source")[0].as_uri())
    tab.wait_for_selector("html[data-ready]")
    assert tab.title() == "Bursts"
    assert tab.locator("header").inner_text().split("\n\n")[:2] == ["Bursts", "of <b>one</b> source"]
    tab.close()


@pytest.mark.parametrize(
    ("column", "cell", "told"), [("", "", ""), (",interventions", ",without", ", without the run's interventions")]
)
def test_heads_that_were_measured_without_interventions_say_so(browser, tmp_path, column, cell, told):
    run = make(tmp_path / "runs", "one", p_bursty=1.0, seed=0, icl=0.9, iwl=0.1)
    row = f"40,x,induction,head,0,0,0.5,,,0.0,9{cell}\n"
    (run.path / "heads.csv").write_text(HEADS.replace("\n", f"{column}\n") + row)
    tab = browser.new_page()
    tab.goto(write_report(tmp_path / "runs")[0].as_uri())
    tab.wait_for_selector("html[data-ready]")
    assert tab.locator("#heads .note").first.inner_text().startswith(f"On x, after 40 updates{told}; intervals")
    tab.close()


def test_heads_sequences_files_and_what_is_missing_are_there(opened):
    assert opened.locator("#heads table").count() == 1
    assert "0.25" in opened.locator("#heads table").inner_text()
    assert opened.locator("#sequences img").first.evaluate("(one) => one.naturalWidth") > 0
    assert "query: class" in opened.locator("#sequences img").first.get_attribute("alt")
    assert opened.locator("#linked a").all_inner_texts() == ["report_runs.csv", "report_curves.csv"]
    assert "broken" in opened.locator("#skipped").inner_text()
