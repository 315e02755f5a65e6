"""``icl-train profile``: what it prints, of what, and that it leaves no trace."""

import json
import re

import pytest

from icl_train._commands.main import _main
from icl_train._estimate.work import Times
from icl_train._profile import profile as module

SMOKE = ["profile", "smoke", "--steps", "1", "--device", "cpu"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The whole run is not timed: an update takes 2 ms, an evaluation 50, a checkpoint 30, and the start 4 s."""
    times = Times(update=0.002, evaluation=0.05, checkpoint=0.03, start=4.0)
    monkeypatch.setattr(module, "time_runs", lambda configs, **how: times)


def test_it_tells_the_parts_the_rates_the_products_memory_and_the_whole_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _main(SMOKE) == 0
    out, err = capsys.readouterr()
    assert err == "timing some updates ...\n"
    lines = out.splitlines()
    assert lines[0] == "smoke: transformer, 1 layer, width 16, vector embedder"
    head = " ".join(lines[1 : lines.index("")])
    assert re.fullmatch(r"16 sequences an update, float32, on .+, \d+ threads?, engine eager", head)
    starts = [line.split("  ")[0] for line in lines]
    for part in ("draw", "look up", "forward", "backward", "optimise", "metrics", "an evaluation", "operations"):
        assert part in starts
    assert " ".join(out.split()).endswith(
        "the whole run: about 4 seconds on this machine: 40 updates of 2 ms, 3 evaluations of 50 ms, "
        "2 checkpoints of 30 ms, and 4 s more for the first"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_processor_with_a_long_name_is_told_within_the_width(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(module, "device_name", lambda _: "Processor(R) of a Maker(TM) with a Long Name @ 2.60GHz")
    assert _main(SMOKE) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Long Name @ 2.60GHz" in " ".join(lines)


def test_json_has_it_all(capsys):
    assert _main([*SMOKE, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seconds"] == pytest.approx(4.0 + 40 * 0.002 + 3 * 0.05 + 2 * 0.03)
    assert found["times"]["update"] == 0.002
    assert found["operations"] == sum(one["count"] * one["operations"] for one in found["products"])
    assert found["operations_per_second"] == found["operations"] / 0.002
    assert found["memory"].keys() == {"parameters", "gradients", "optimizer", "activations", "peak"}
    assert found["config"]["preset"] == "smoke"


def test_settings_go_on_top(capsys):
    assert _main([*SMOKE, "--batch-size", "8", "--model.num-layers", "2", "--train.threads", "2"]) == 0
    out = capsys.readouterr().out
    assert "2 layers" in out
    assert "8 sequences an update" in out
    assert "2 threads" in out


def test_a_run_is_profiled_with_its_settings_and_left_as_it_is(capsys, tmp_path):
    args = ["--name", "mine", "--max-steps", "4", "--eval-batches", "1", "--batch-size", "8"]
    assert _main(["run", "smoke", "--root", str(tmp_path), *args]) == 0
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert _main(["profile", str(tmp_path / "mine"), "--steps", "1"]) == 0
    assert "8 sequences an update" in capsys.readouterr().out
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "icl-train profile needs a preset, one of chan2022"),
        (["labtop"], r"a configuration must be a preset .*, got 'labtop'; did you mean laptop\?"),
        (["smoke", "--steps", "0"], "steps must be in 1..1000, got 0"),
        (["smoke", "--steps", "1e9"], "steps must be in 1..1000, got 1000000000"),
        (["smoke", "--steps", "1001"], "steps must be in 1..1000, got 1001"),
        (["smoke", "--device", "cuda:99"], "device must be one that this machine has"),
        (["smoke", "--engine", "graph", "--device", "cpu"], "train.engine must be one of auto, eager, compiled"),
        (["smoke", "--model.num-heads", "3"], "num_heads must divide"),
    ],
)
def test_mistakes_are_named(args, message):
    with pytest.raises(ValueError, match=message):
        _main(["profile", *args])


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(Exception, match=r"config\.json"):
        _main(["profile", str(tmp_path)])


def test_weights_to_start_from_are_no_option_of_it(capsys):
    with pytest.raises(ValueError, match=r"^--init-from must be left out, as no time hangs on weights, got 'x'$"):
        _main([*SMOKE, "--init-from", "x"])
    with pytest.raises(SystemExit):
        _main(["profile", "smoke", "--help"])
    assert "--init-from" not in capsys.readouterr().out
