"""What every test of the project runs under."""

import signal


def pytest_configure() -> None:
    """Heed Ctrl+C, which a process that a script starts in the background is told to ignore, and hands on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
