"""Clusters of this machine alone: Slurm's own daemons; and the same runs, trained without a break."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from swept import GRID, icl_train, runs_in, written

SLURM_CONF = """\
ClusterName=icl
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={other_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=1,bf_interval=1,sched_min_interval=100000
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=20
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The same runs, trained here without a break: seed → what they have written."""
    folder = tmp_path_factory.mktemp("unbroken")
    icl_train(*GRID, "--run-seeds", "0", "1", "2", "--jobs", "2", "--train.threads", "1", "--root", "runs", cwd=folder)
    return {seed: written(run) for seed, run in runs_in(folder / "runs").items()}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A Slurm of this machine alone; skipped, with the reason, where it is not installed or does not start."""
    missing = [name for name in ("slurmctld", "slurmd", "munged", "squeue") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"Slurm is not installed: there is no {', '.join(missing)} (apt-get install slurm-wlm munge)")
    if os.geteuid() != 0:
        pytest.skip("slurmd runs as root alone")
    pytest.importorskip("submitit")
    folder = tmp_path_factory.mktemp("slurm")
    folder.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        try:
            patch.setenv("SLURM_CONF", str(_started(folder)))
            if not _is_up():
                pytest.skip(f"slurmd does not start: {(folder / 'slurmd.log').read_text()[-500:]}")
            yield folder
        finally:
            _stop(folder)


def _started(folder):
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    places = {"socket": "socket", "key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
    # A folder of the tests is closed to others, which munged would rather have open.
    subprocess.run(
        ["munged", "--force", *(f"--{name}={folder}/munge.{end}" for name, end in places.items())], check=True
    )
    port = 20000 + os.getpid() % 20000
    told = subprocess.run(["slurmd", "-C"], capture_output=True, text=True, check=True).stdout
    host = told.split("NodeName=")[1].split()[0]
    conf = folder / "slurm.conf"
    conf.write_text(SLURM_CONF.format(folder=folder, host=host, port=port, other_port=port + 1, cpus=os.cpu_count()))
    for daemon in ("slurmctld", "slurmd"):
        subprocess.run(
            [daemon, *(["-i"] if daemon == "slurmctld" else [])], env={**os.environ, "SLURM_CONF": str(conf)}
        )
    return conf


def _is_up():
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        told = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True, check=False)
        if told.stdout.strip() == "idle":
            return True
        time.sleep(0.5)
    return False


def _stop(folder):
    subprocess.run(["scancel", "--user=root"], capture_output=True, check=False)
    give_up = time.monotonic() + 40
    while time.monotonic() < give_up:  # what slurmd has started outlives it
        left = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=False).stdout
        if not left.strip():
            break
        time.sleep(0.5)
    for name in ("slurmd", "slurmctld", "munge"):
        try:
            os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGTERM)
        except (OSError, ValueError):
            continue
