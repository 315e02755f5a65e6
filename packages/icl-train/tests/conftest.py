"""Plugins on the path, and commands on terminals, for the length of a test."""

import contextlib
import importlib
import importlib.util
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import icl_models._plugins.registry as registry_module

# Modules that several tests share lie here, where pytest's importlib mode does not look by itself.
sys.path.append(str(Path(__file__).parent))


@pytest.fixture(autouse=True, scope="session")
def own_state(tmp_path_factory):
    """What commands remember of the runs that they made is forgotten after the tests, and never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICL_STATE", str(tmp_path_factory.mktemp("state")))
        yield


class Plugins:
    """Installs and uninstalls distributions of one plugin each, in a folder on the path."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, name, source, version="1.0"):
        self.uninstall(name)
        (self.folder / f"icl_fake_{name}.py").write_text(source)
        info = self.folder / f"icl_dist_{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: icl-dist-{name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[icl]\n{name} = icl_fake_{name}\n")
        self.forget(name)

    def uninstall(self, name):
        for info in self.folder.glob(f"icl_dist_{name}-*.dist-info"):
            shutil.rmtree(info)
        self.forget(name)

    def forget(self, name):
        """What a new process would not know."""
        sys.modules.pop(f"icl_fake_{name}", None)
        importlib.invalidate_caches()
        registry_module.registry.cache_clear()


@pytest.fixture
def heeding_hangups():
    """The test is hung up on as on a terminal, also where nohup has told it not to heed that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def plugins(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a module written twice in one second would be read once
    monkeypatch.delenv("ICL_PLUGINS", raising=False)
    registry_module.registry.cache_clear()
    yield Plugins(folder)
    registry_module.registry.cache_clear()
    for module in [name for name in sys.modules if name.startswith("icl_fake_")]:
        del sys.modules[module]


class Terminal:
    """Runs icl-train on a terminal of its own, as wide as asked, or in a pipe."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *args, columns=None, module="icl_train", cwd=None, **environment):
        """What it printed on both streams, and its exit code; columns=None is a pipe."""
        command = [sys.executable, "-m", module, *map(str, args)]
        env = {**os.environ, "TERM": "xterm-256color", "ICL_CACHE": str(self.folder / "cache"), **environment}
        env.pop("COLUMNS", None)
        cwd = cwd or self.folder
        if columns is None:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd, env=env, check=False
            )
            return done.stdout.decode(errors="surrogateescape"), done.returncode
        import fcntl
        import pty
        import termios

        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=env, start_new_session=True
        )
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # what Linux says when the other side has closed
            while chunk := os.read(ours, 65536):
                printed += chunk
        os.close(ours)
        return printed.decode(errors="surrogateescape").replace("\r\n", "\n"), process.wait(timeout=120)


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


@pytest.fixture
def on_terminal():
    """``on_terminal(command, columns=80)``: a command on a terminal of that width (see terminals.py)."""
    pytest.importorskip("termios", reason="pseudo-terminals need a Unix")
    spec = importlib.util.spec_from_file_location("terminals", Path(__file__).with_name("terminals.py"))
    terminals = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(terminals)
    opened = []

    def start(command, **options):
        opened.append(terminals.Terminal(command, **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
