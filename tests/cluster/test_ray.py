"""A sweep on a real Ray cluster of several nodes on this machine: one is killed, and its run goes on on another."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from swept import GRID, beat, icl_train, is_under_way, runs_in, starts, until, written

from icl_train._launchers.settings import RayConfig
from icl_train.testing import LauncherConformance

ray = pytest.importorskip("ray", reason="needs the extra icl-train[ray]")

SWEEP = [*GRID, "--run-seeds", "0", "1", "2", "--launcher", "ray", "--root", "runs"]


@pytest.fixture(scope="module")
def quiet_cluster():
    """A cluster of which nothing is killed."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    yield made
    made.shutdown()


class TestRay(LauncherConformance):
    name = "ray"
    seconds = 120.0

    @pytest.fixture(autouse=True)
    def on_it(self, quiet_cluster):
        """Jobs need it."""
        type(self).own = RayConfig(address=quiet_cluster.address)


@pytest.fixture
def cluster():
    """A head without room for runs, and two nodes with room for one each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.ours = [made.add_node(num_cpus=1) for _ in range(2)]
    yield made
    made.shutdown()


def parents(pid):
    """The process, the one that has started it, and so on."""
    while pid > 1:
        yield pid
        status = Path(f"/proc/{pid}/status").read_text()
        pid = int(status.split("PPid:")[1].split()[0])


def node_of(cluster, pid):
    """The node whose raylet has started a process's worker."""
    for node in cluster.ours:
        raylet = next(info.process.pid for info in node.all_processes["raylet"])
        if raylet in parents(pid):
            return node
    raise AssertionError(f"process {pid} is none of a node")


def test_the_run_of_a_killed_node_goes_on_on_another_and_ends_as_if_nothing_had_been(cluster, unbroken, tmp_path):
    root = tmp_path / "runs"
    command = [sys.executable, "-P", "-m", "icl_train", *SWEEP, "--launcher-config.address", cluster.address]
    with (tmp_path / "told").open("w") as told:
        sweep = subprocess.Popen(command, cwd=tmp_path, stdout=told, stderr=told)
    try:
        runs = until(lambda: runs_in(root) if root.is_dir() and len(runs_in(root)) == 3 else None, "run folders")
        lost = until(lambda: next((run for run in runs.values() if is_under_way(run)), None), "steps of a run")
        node = node_of(cluster, beat(lost)["pid"])
        trained_by = beat(lost)["pid"]
        # As when a machine loses its power: everything on it, at once, without a word.
        everything = [trained_by, *list(parents(trained_by))[1:3]]
        cluster.remove_node(node, allow_graceful=False)
        for pid in everything:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        assert sweep.wait(300) == 0, (tmp_path / "told").read_text()
    finally:
        sweep.kill()
        sweep.wait()
    assert "3 of 3 done" in (tmp_path / "told").read_text()
    assert len(starts(lost)) == 2
    assert [len(starts(run)) for run in runs.values() if run != lost] == [1, 1]
    assert {seed: written(run) for seed, run in runs.items()} == unbroken
    # Once all is done, nothing is trained, on whatever cluster.
    assert icl_train(*SWEEP, "--launcher-config.address", cluster.address, cwd=tmp_path).count("done, skipped") == 3


def test_ctrl_c_ends_the_tasks_with_checkpoints_and_the_same_command_goes_on(cluster, unbroken, tmp_path):
    command = [sys.executable, "-P", "-m", "icl_train", *SWEEP, "--launcher-config.address", cluster.address]
    root = tmp_path / "runs"
    with (tmp_path / "told").open("w") as told:
        sweep = subprocess.Popen(command, cwd=tmp_path, stdout=told, stderr=told)
    try:
        runs = until(lambda: runs_in(root) if root.is_dir() and len(runs_in(root)) == 3 else None, "run folders")
        first = until(lambda: next((run for run in runs.values() if is_under_way(run)), None), "steps of a run")
        sweep.send_signal(signal.SIGINT)
        assert sweep.wait(120) == 130, (tmp_path / "told").read_text()
    finally:
        sweep.kill()
        sweep.wait()
    assert icl_train(*SWEEP, "--launcher-config.address", cluster.address, cwd=tmp_path).count("3 of 3 done") == 1
    assert starts(first)[1] > 100
    assert {seed: written(run) for seed, run in runs.items()} == unbroken


def test_a_job_that_no_node_has_room_for_is_told_in_a_line(cluster, tmp_path):
    more = ["--launcher-config.address", cluster.address, "--launcher-config.gpus", "2"]
    told = icl_train(*SWEEP, *more, cwd=tmp_path, ok=1)
    assert "no node of the Ray cluster has 1 CPU, 2 GPU for a job (3 nodes looked at)" in told


def test_a_cluster_that_is_not_there_is_told_in_a_line(tmp_path):
    told = icl_train(
        *SWEEP,
        "--launcher-config.address",
        "127.0.0.1:1",
        cwd=tmp_path,
        ok=1,
    )
    assert "there is no Ray cluster at '127.0.0.1:1'" in told
    assert "Traceback" not in told
