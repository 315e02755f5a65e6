"""The page is whole by itself, shows the numbers of the tables, and lets no name be more than text."""

import base64
import csv
import hashlib
import html
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from icl_data.foundation.sealed import seal_object
from icl_eval import load_runs, summarize_runs, write_report
from icl_train import Survey

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}
HOSTILE = {
    "script": "<script>alert(1)<",
    "image": "<img src=x onerror=alert(1)>",
    "comment": "<!--<script>",
    "quote": "\"'><b>x",
    "scheme": "javascript:alert(1)",
    "entity": "&lt;b&gt;",
    "percent": "%2e%2e%00",
    "template": "{{data}}{{scripts}}${1}",
    "right to left": "a\u202eb",
    "newline": "one\nline",
    "not ascii": "é日本",
}


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def float32(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def test_the_page_loads_nothing(page):
    addresses = [
        value
        for _, attributes in Tags(page.read_text(encoding="utf-8")).tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "data", "srcset")
    ]
    assert addresses == ["#filter"]


def test_the_policy_allows_the_scripts_of_the_page_and_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    parsed = Tags(text)
    (policy,) = [one["content"] for tag, one in parsed.tags if tag == "meta" and "http-equiv" in one]
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert allowed == [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert "default-src 'none'" in policy
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)


def test_last_values_are_those_of_summarize_runs(page, trained, data_of):
    data, expected = data_of(page), summarize_runs(trained)
    measures = [measure["name"] for measure in data["measures"]]
    assert [run["name"] for run in data["runs"]] == expected["run"].tolist()
    for name in ("fewshot_holdout", "no_support_zipfian"):
        reached = [run["reached"][measures.index(name)] for run in data["runs"]]
        for part, column in (("last", "last"), ("low", "last_low"), ("chance", "chance"), ("peak", "peak")):
            assert [one[part] for one in reached] == expected[f"{name}_{column}"].tolist()


def test_curves_are_those_of_load_runs(page, trained, data_of):
    data, table = data_of(page), load_runs(trained)
    table = table[(table["split"] == "fewshot_holdout") & table["headline"]]
    measure = next(one for one in data["measures"] if one["name"] == "fewshot_holdout")
    grids = [np.frombuffer(base64.b64decode(grid), dtype="<i4") for grid in data["grids"]]
    for run, grid, offset in measure["curves"]:
        rows = table[table["run"] == data["runs"][run]["name"]]
        assert grids[grid].tolist() == rows["step"].tolist()
        for part in ("value", "low", "high"):
            values = float32(measure["values" if part == "value" else part])[offset : offset + len(rows)]
            assert values.tolist() == rows[part].to_numpy(dtype="<f4").tolist()


def test_the_measures_of_the_paper_come_first(page, data_of):
    names = [measure["name"] for measure in data_of(page)["measures"]]
    assert names[:2] == ["fewshot_holdout", "no_support_zipfian"]


def test_runs_that_differ_in_seeds_alone_are_of_one_condition(page, data_of):
    conditions = {run["name"]: run["condition"] for run in data_of(page)["runs"]}
    assert conditions["c64-s0"] == conditions["c64-s1"] != conditions["c30-s0"]


def test_settings_that_differ_come_first(page, data_of):
    settings = data_of(page)["settings"]
    varying = [setting["name"] for setting in settings if setting["varying"]]
    assert varying == [setting["name"] for setting in settings[: len(varying)]]
    assert {"classes", "data.n_rare_classes", "seeds.data", "seeds.init"} <= set(varying)


def test_the_same_runs_give_the_same_bytes(trained, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = write_report(trained, out=tmp_path / "a" / "page.html", title="t")
    second = write_report(trained, out=tmp_path / "b" / "page.html", title="t")
    relative = str(trained)
    assert relative in first[0].read_text(encoding="utf-8")
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_csv_files_beside_the_page_hold_every_run_and_value(page, trained):
    with page.with_name("all_runs.csv").open(newline="") as file:
        assert [row["run"] for row in csv.DictReader(file)] == summarize_runs(trained)["run"].tolist()
    with page.with_name("all_curves.csv").open(newline="") as file:
        values = [float(row["value"]) for row in csv.DictReader(file)]
    assert values == load_runs(trained)["value"].tolist()


def test_links_lead_from_the_page_to_files_and_folders(page, trained, data_of):
    data = data_of(page)
    for address in [*(run["folder"] for run in data["runs"]), *(file["address"] for file in data["files"])]:
        assert address.startswith("./")
        assert (page.parent / unquote_to_bytes(address).decode()).exists()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_name_is_text_in_the_page_and_its_link_leads_to_the_folder(write_run, tmp_path, data_of, name):
    run = write_run(name.replace("/", ""), SCORES)
    page = write_report(tmp_path / "runs", out=tmp_path / "page.html", title=name)[0]
    text = page.read_text(encoding="utf-8")
    parsed = Tags(text)
    assert [one for tag, one in parsed.tags if tag == "script"] == [
        {"type": "application/json", "id": "data"},
        {},
        {},
        {},
    ]
    assert not [tag for tag, attributes in parsed.tags if tag in ("img", "b") or "onerror" in attributes]
    (row,) = data_of(page)["runs"]
    assert all(letter.isprintable() for letter in row["name"])
    assert row["folder"].startswith("./runs/")
    assert (tmp_path / unquote_to_bytes(row["folder"]).decode()).samefile(run.path)
    assert "<h1>" + html.escape(row["name"]) + "</h1>" in text


def test_without_a_title_the_page_is_called_by_its_folders(write_run, tmp_path, data_of):
    write_run("one", SCORES)
    page = write_report(tmp_path / "runs", out=tmp_path / "page.html")[0]
    name = f"Runs in {tmp_path.name}/runs"
    assert f"<title>{name}</title>" in page.read_text(encoding="utf-8")
    assert (data_of(page)["title"], data_of(page)["about"]) == (name, None)
    (tmp_path / "runs").rename(tmp_path / "bursts")
    assert data_of(write_report(tmp_path / "bursts", out=page)[0])["title"] == "Runs in bursts"


def test_a_folder_whose_name_is_no_utf8_is_linked(write_run, tmp_path, data_of):
    run = write_run("one", SCORES).path
    try:
        run.rename(run.parent / "caf\udce9")
    except (OSError, UnicodeError):
        pytest.skip("names are UTF-8 here")
    page = write_report(tmp_path / "runs", out=tmp_path / "page.html")[0]
    (row,) = data_of(page)["runs"]
    assert row["folder"] == "./runs/caf%E9"


def test_unfinished_runs_are_there_with_how_far_they_are(write_run, tmp_path, data_of):
    write_run("finished", SCORES)
    write_run("going", {0: (0.5, 0.0), 10: (0.6, 0.1)}, seed=1, done=False)
    data = data_of(write_report(tmp_path / "runs", out=tmp_path / "page.html")[0])
    told = {run["name"]: (run["state"], run["step"], run["max_steps"]) for run in data["runs"]}
    assert told == {"finished": ("done", 20, 20), "going": ("interrupted", 10, 20)}
    assert data["states"] == {"done": 1, "interrupted": 1}


def test_a_killed_run_is_as_far_as_status_says(write_run, tmp_path, data_of):
    run = write_run("killed", {0: (0.5, 0.0), 10: (0.6, 0.1)}, done=False)
    beat = {"step": 15, "steps_per_second": 4.0, "pid": 1, "host": "here", "time": 0.0}
    (run.path / "heartbeat.json").write_text(seal_object(json.dumps(beat, indent=1) + "\n"))
    (row,) = data_of(write_report(tmp_path / "runs", out=tmp_path / "page.html")[0])["runs"]
    assert row["step"] == Survey(tmp_path / "runs").look()[0].step == 15


REASON = "loss is not finite </script><img src=x>\x1b[31m\u202e\nat step 11"
TOLD = "loss is not finite </script><img src=x>\\x1b[31m\\u202e at step 11"


def test_a_failed_run_says_why_in_its_row(write_run, tmp_path, data_of):
    write_run("finished", SCORES)
    write_run("failed", {0: (0.5, 0.0), 10: (0.6, 0.1)}, seed=1, done=False).mark_failed(REASON)
    data = data_of(write_report(tmp_path / "runs", out=tmp_path / "page.html")[0])
    assert {run["name"]: run["reason"] for run in data["runs"]} == {"finished": "", "failed": TOLD}


def test_a_run_that_failed_before_its_first_evaluation_is_named_with_the_reason(write_run, tmp_path, data_of):
    write_run("finished", SCORES)
    run = write_run("failed", {}, seed=1, done=False)
    run.mark_failed(REASON)
    with pytest.warns(UserWarning, match="has no evaluation, failed: loss is not finite"):
        page = write_report(tmp_path / "runs", out=tmp_path / "page.html")[0]
    assert data_of(page)["skipped"] == [f"skipped {run.path}: it has no evaluation, failed: {TOLD}"]


@pytest.mark.parametrize("split", ["x/y", "</script>", "/", "constructor", "a b"])
def test_an_evaluation_of_any_name_is_a_measure(write_run, tmp_path, data_of, line, split):
    run = write_run("one", {0: (0.5, 0.0)}, done=False)
    run.append([line(split, 10, 0.25, chance=0.5)])
    run.append([line("fewshot_holdout", 20, 0.5, chance=0.5)])
    run.append([line("no_support_zipfian", 20, 0.5, chance=0.1, metric="accuracy_query")])
    data = data_of(write_report(tmp_path / "runs", out=tmp_path / "page.html")[0])
    names = [measure["name"] for measure in data["measures"]]
    assert data["runs"][0]["reached"][names.index(split)]["last"] == 0.25


def test_updates_that_no_run_has_are_in_the_file_alone(write_run, tmp_path, data_of, line):
    run = write_run("one", SCORES, done=False)
    late = line("no_support_zipfian", 2**40, 0.5, chance=1 / 64, metric="accuracy_query")
    run.append([line("fewshot_holdout", 2**40, 0.5, chance=0.5), late])
    page = write_report(tmp_path / "runs", out=tmp_path / "page.html")[0]
    data = data_of(page)
    assert [np.frombuffer(base64.b64decode(grid), dtype="<i4").tolist() for grid in data["grids"]] == [[0, 20]]
    assert data["notes"] == ["2 values are at updates beyond 2,147,483,647, and in the CSV file alone."]
    assert str(2**40) in page.with_name("page_curves.csv").read_text()


def test_where_keeps_runs_of_a_value(trained, tmp_path, data_of):
    data = data_of(write_report(trained, out=tmp_path / "page.html", where=["classes=64"])[0])
    assert [run["name"] for run in data["runs"]] == ["c64-s0", "c64-s1"]
    curves = data["measures"][0]["curves"]
    assert [run for run, _, _ in curves] == [0, 1]


def test_long_curves_are_shortened_in_the_page_and_whole_in_the_file(write_run, tmp_path, data_of, monkeypatch):
    monkeypatch.setattr("icl_eval._report.curves.MOST_POINTS", 3)
    write_run("one", dict.fromkeys((0, 5, 10, 15, 20), (0.5, 0.0)))
    page = write_report(tmp_path / "runs", out=tmp_path / "page.html")[0]
    data = data_of(page)
    steps = np.frombuffer(base64.b64decode(data["grids"][0]), dtype="<i4")
    assert steps.tolist() == [0, 10, 20]
    assert any("more than 3 points" in note for note in data["notes"])
    assert page.with_name("page_curves.csv").read_text().count("fewshot_holdout,accuracy_closed") == 5


def test_curves_that_would_make_the_page_too_large_are_left_out_by_name(write_run, tmp_path, data_of, monkeypatch):
    monkeypatch.setattr("icl_eval._report.curves._MOST_BYTES", 10)
    write_run("one", SCORES)
    data = data_of(write_report(tmp_path / "runs", out=tmp_path / "page.html")[0])
    assert [bool(measure["curves"]) for measure in data["measures"]] == [True, False]
    assert any("no_support_zipfian" in note for note in data["notes"])
    assert data["runs"][0]["reached"][1]["last"] == 0.25


def test_the_libraries_that_draw_are_embedded_whole(page):
    assert "Bokeh" in page.read_text(encoding="utf-8")
    assert "sourceMappingURL" not in page.read_text(encoding="utf-8")


def test_a_copied_run_is_named_in_the_page_and_in_a_warning(trained, tmp_path, data_of):
    shutil.copytree(trained, tmp_path / "runs")
    shutil.copytree(tmp_path / "runs" / "c30-s0", tmp_path / "runs" / "again")
    with pytest.warns(UserWarning, match="a copy of"):
        page = write_report(tmp_path / "runs")[0]
    assert page == Path(tmp_path / "runs" / "report.html")
    assert "a copy of" in data_of(page)["skipped"][0]
