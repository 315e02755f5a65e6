"""What pages say of the hardware that a run was trained on: what is known, and nothing of another machine."""

import platform
import sys
from pathlib import Path

import pytest
from recorded import config_of, written

from icl_train._making.environment import processor_name

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module")
def run_row():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(TOOLS), *sys.path])
        from recorded_runs import run_row

        return run_row


def start(step, device, hardware=None, host=None):
    """That of a run; hardware is not told by older ones."""
    told = {"time": "2026-01-01T00:00:00Z", "from_step": step, "device": device, "host": host or platform.node()}
    return told | {"threads": 1, "versions": {}} | ({"hardware": hardware} if hardware else {})


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        ([start(0, "cpu", "a processor")], "a processor"),
        ([start(0, "cpu", "one"), start(5, "cpu", "one"), start(9, "cuda", "a GPU")], "one, then a GPU"),
        ([start(0, "cpu")], processor_name()),
        ([start(0, "cuda")], ""),
        ([start(0, "cpu"), start(5, "cuda", "a GPU")], f"{processor_name()}, then a GPU"),
        ([start(0, "cpu", host="elsewhere"), start(5, "cuda", "a GPU")], ""),
        ([start(0, "cpu"), start(5, "cpu", host="elsewhere")], ""),
        ([], processor_name()),
    ],
    ids=["told", "several", "here", "a GPU of this host's name", "here first", "elsewhere first", "elsewhere", "none"],
)
def test_what_a_run_was_trained_on(starts, said, run_row, tmp_path):
    run = written(tmp_path / "run", config_of(), until=10_000).rewrite(starts=tuple(starts))
    assert run_row(run)["processor"] == said
