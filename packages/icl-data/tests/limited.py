"""What a call says and how much memory it takes, in a process of its own that can neither hang nor fill all."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

_CODE = """
import resource, sys
import numpy, icl_data
from icl_data import ArraySource, ImageFolderSource, OmniglotSource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
def call(path):
    return {call}
try:  # what is imported when it is needed does not count
    call({warm!r})
except (OSError, ValueError):
    pass
def peak():  # `resource` tells that of the process which started this one, if that was more
    try:
        return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    call({path!r})
    print("read")
except (OSError, ValueError) as error:
    print(error)
print(peak() - before)
"""


@dataclass(frozen=True)
class Outcome:
    """What the last call said, and the bytes by which the process grew in it."""

    message: str
    n_bytes: int


def limited(call: str, path: object, *, warm: object = "nowhere") -> Outcome:
    """Call something with a path.

    Args:
        call: an expression of `path`.
        path: what it is called with.
        warm: a path that it is called with before, so that it imports what it needs.
    """
    code = _CODE.format(call=call, path=str(path), warm=str(warm))
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    assert found.stderr == ""
    message, grown = found.stdout.splitlines()  # one line of each
    return Outcome(message, int(grown) * (1 if sys.platform == "darwin" else 1024))
