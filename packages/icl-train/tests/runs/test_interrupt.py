"""Signals that ask for an end, and those that do not."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from icl_train._runs.interrupt import StopRequest

pytestmark = pytest.mark.usefixtures("heeding_hangups")


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
def test_a_signal_asks_for_an_end_and_interrupts_nothing(name):
    with StopRequest() as stop:
        assert not stop.requested
        send(getattr(signal, name))
        assert stop.requested
        assert not stop.insisted


def test_ctrl_c_after_a_request_interrupts_at_once():
    with StopRequest() as stop:
        send(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        assert stop.insisted


def test_a_request_that_is_repeated_by_a_scheduler_interrupts_nothing():
    with StopRequest() as stop:
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            send(number)
        assert stop.requested
        assert not stop.insisted


def test_who_looks_for_insistence_is_not_interrupted():
    with StopRequest(at_once=False) as stop:
        send(signal.SIGINT)
        send(signal.SIGINT)
        assert stop.insisted


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_signal_that_was_ignored_is_still_ignored(name):
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            send(number)
            assert not stop.requested
    finally:
        signal.signal(number, before)


def test_a_signal_that_somebody_else_handles_stays_theirs():
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    try:
        with StopRequest() as stop:
            send(signal.SIGUSR1)
            assert not stop.requested
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]


def test_signals_mean_what_they_meant_afterwards():
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")]
    before = [signal.getsignal(number) for number in numbers]
    with StopRequest():
        pass
    assert [signal.getsignal(number) for number in numbers] == before


def test_another_thread_than_the_main_one_takes_no_signal():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def enter():
        with StopRequest():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


HOLDS = "from icl_train._runs.parent import end_with_stdin; import time, sys; {}; print(1, flush=True); {}"


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [
        ("end_with_stdin()", "time.sleep(1000)", -signal.SIGTERM),
        # One that does not end when it is asked to
        (
            "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); end_with_stdin(grace=0.1)",
            "time.sleep(1000)",
            -signal.SIGKILL,
        ),
        # Code that reads the standard input finds it empty, and takes nothing from whoever watches it
        ("end_with_stdin()", "sys.exit(7 if sys.stdin.read() == '' else 1)", 7),
    ],
)
def test_a_process_ends_with_its_standard_input(first, then, code):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS.format(first, then)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"1\n"
        if code != 7:
            process.stdin.close()
        assert process.wait(timeout=180) == code
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
