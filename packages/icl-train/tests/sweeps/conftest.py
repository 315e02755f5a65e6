"""Short runs, processes that end with their test, and waiting for what will come."""

import io
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from icl_train import RunFolder, smoke
from icl_train._sweeps.sweep import launch

SECONDS = 180  # until a test gives up on what it waits for


def _short(**parts):
    config = smoke()
    parts = {"train": {"max_steps": 20}, "eval": {"batches": 1}} | parts
    return replace(config, **{name: replace(getattr(config, name), **changes) for name, changes in parts.items()})


def _until(condition):
    give_up = time.monotonic() + SECONDS
    while not (found := condition()):
        if time.monotonic() > give_up:
            pytest.fail("what the test waits for did not come")
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session")
def short():
    """``short(optim={"max_lr": 0.1})``: the smoke preset with 20 steps, and other settings where given."""
    return _short


@pytest.fixture(scope="session")
def until():
    """``until(condition)``: what the condition returns, once that is true."""
    return _until


@pytest.fixture
def start():
    """``start(*args, cwd=…)``: ``icl-train`` as a process, killed with the test."""
    started = []

    def start(*args, **options):
        # As the console script has it, this folder does not come first where modules are looked for.
        command = [sys.executable, "-P", "-m", "icl_train", *map(str, args)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Told(io.StringIO):
    """What a sweep tells, also while it runs in another thread."""

    def lines(self):
        return self.getvalue().splitlines()


@pytest.fixture
def launched():
    """``launched(runs, jobs=1)`` → what is told, and a function that waits for the end and returns the failed runs."""
    threads = []

    def start(runs, **options):
        told, results = Told(), []
        thread = threading.Thread(target=lambda: results.append(launch(runs, stream=told, **options)), daemon=True)
        thread.start()
        threads.append(thread)

        def result():
            thread.join(SECONDS)
            assert not thread.is_alive(), told.getvalue()
            return results[0]

        return told, result

    yield start
    for thread in threads:
        thread.join(SECONDS)


class FakeChild:
    """A process that trains at once: marks its run done when it is first asked, unless the test has another plan."""

    started = ()

    def __init__(self, job):
        run = RunFolder.open(job.folders[0])
        self.run, self.asked, self.killed = run, False, False
        type(self).started = (*type(self).started, run.name)

    def plan(self):
        self.run.mark_done()
        return "with exit code 0"

    def ended(self):
        return "by SIGKILL" if self.killed else self.plan()

    def terminate(self):
        self.asked = True

    def kill(self):
        self.killed = True

    def wait(self, seconds):
        return True


@pytest.fixture
def child(monkeypatch):
    """``child(plan)``: from now on sweeps start no process but a `FakeChild`; its class is returned."""

    def use(plan=FakeChild.plan):
        kind = type("PlannedChild", (FakeChild,), {"plan": plan})
        monkeypatch.setattr("icl_train._launchers.local.Child", kind)
        return kind

    return use


@pytest.fixture(scope="session")
def plain():
    """``plain(text)``: without a terminal's escape sequences."""
    return lambda text: re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
