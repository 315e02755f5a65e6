"""Ctrl+C while a command still imports what it needs: one line, exit code 130, for each of the four."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl+C there")

# As `python -m` starts it, but that Ctrl+C comes in the moment in which a module begins to be imported.
AT_IMPORT = """
import importlib.abc, os, runpy, signal, sys
package, moment, *sys.argv[1:] = sys.argv[1:]
class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
runpy.run_module(package, run_name="__main__", alter_sys=True)
"""

SHOW = ["show", "--n-classes", "30", "--n", "2"]
RUN = ["run", "smoke", "--name", "run", "--root"]
CASES = [
    ("icl_data", "argparse", SHOW),
    ("icl_data", "numpy", SHOW),
    ("icl_data", "numpy.random", SHOW),
    ("icl_models", "pluggy", ["plugins"]),
    ("icl_models", "icl_models._commands.main", ["plugins"]),
    ("icl_train", "tyro", RUN),
    ("icl_train", "torch", RUN),
    ("icl_train", "torch.nn", RUN),
    ("icl_train", "icl_train._loop", RUN),
    ("icl_eval", "tyro", ["figures"]),
    ("icl_eval", "pandas", ["table"]),
    ("icl_eval", "icl_eval._commands.main", ["table"]),
]


@pytest.mark.parametrize(("package", "moment", "args"), CASES, ids=[f"{package}-{at}" for package, at, _ in CASES])
def test_ctrl_c_while_a_command_starts_is_one_line(package, moment, args, tmp_path, one_run):
    rest = {"run": [str(tmp_path)], "table": [str(one_run)]}.get(args[0], [])
    command = [sys.executable, "-c", AT_IMPORT, package, moment, *args, *rest]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    (line,) = done.stderr.splitlines()
    assert "interrupted" in line


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    options = ["--max-steps", "2", "--eval-batches", "1"]
    command = [sys.executable, "-m", "icl_train", *RUN, str(root), *options]
    subprocess.run(command, check=True, capture_output=True)
    return root
