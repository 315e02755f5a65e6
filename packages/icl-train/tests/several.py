"""Several processes that train one run, as torchrun starts them, or without it."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

COMMANDS = """
import os, sys
from icl_train._commands.main import main

ports, commands = sys.argv[1].split(","), [one.split("\\n") for one in sys.argv[2:]]
for port, command in zip(ports, commands, strict=True):
    os.environ["MASTER_PORT"], sys.argv[1:] = port, command
    code = main()
    if code:
        sys.exit(code)
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def as_rank(rank, size, port):
    """The environment of one of several processes."""
    names = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": size}
    return {
        **os.environ,
        **{name: str(value) for name, value in names.items()},
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "OMP_NUM_THREADS": "1",
    }


def start(size, command, *, port=None, cwd=None):
    """Processes of a command, which hear of each other; their output is kept apart."""
    port = port or free_port()
    return [
        subprocess.Popen(
            command,
            env=as_rank(rank, size, port),
            cwd=cwd,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for rank in range(size)
    ]


def icl_train(*args):
    return [sys.executable, "-m", "icl_train", *map(str, args)]


def torchrun(size, *args):
    """A command of icl-train in processes that torchrun starts."""
    options = ["--nproc-per-node", str(size), "--master-port", free_port(), "-m", "icl_train"]
    return [sys.executable, "-m", "torch.distributed.run", *options, *map(str, args)]


def all_of(size, commands):
    """Commands one after the other, in the same processes; what they printed, of each process."""
    ports = ",".join(free_port() for _ in commands)
    texts = ["\n".join(map(str, command)) for command in commands]
    return ended(start(size, [sys.executable, "-c", COMMANDS, ports, *texts]), codes={0})


def ended(processes, *, codes=None, timeout=240):
    """(exit code, stdout, stderr) of each."""
    try:
        found = [(*process.communicate(timeout=timeout), process.returncode) for process in processes]
    finally:
        for process in processes:
            process.kill()
    told = [(code, out, err) for out, err, code in found]
    assert codes is None or {code for code, _, _ in told} <= codes, told
    return told


@contextmanager
def running(command, *, size=None, cwd=None):
    """Processes within the block; what is left of them is killed. One process where no size is given."""
    if size is None:
        made = [
            subprocess.Popen(
                command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
            )
        ]
    else:
        made = start(size, command, cwd=cwd)
    try:
        yield made
    finally:
        for process in made:
            process.kill()
            process.communicate()


def wait_for(condition, *, seconds=240.0):
    """Until a condition holds; fails if it never does."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, condition
        time.sleep(0.005)
    return found


def steps_of(run: Path):
    """Steps of the checkpoints that are there."""
    return sorted(int(one.name.removeprefix("step_")) for one in (run / "checkpoints").glob("step_*"))
