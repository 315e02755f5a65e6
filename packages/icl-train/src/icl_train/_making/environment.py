"""What a run is computed with: versions, host, cores, and the git revision of the folder that it was started in."""

from __future__ import annotations

import importlib.util
import os
import platform
import runpy
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any, cast

__all__ = ["available_cores", "device_name", "environment_here", "installed_versions", "processor_name"]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_name() -> str:
    """What this machine's processor is called, as far as the system says."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # Linux alone has it
        pass
    return platform.processor() or platform.machine()


def device_name(device: str) -> str:
    """What the hardware of one of torch's devices is called."""
    if not device.startswith("cuda"):
        return processor_name()
    import torch

    return torch.cuda.get_device_name(device)


def environment_here() -> dict[str, Any]:
    """Versions, host, git revision and command: what config.json says of where a run was made."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "versions": installed_versions(),
        "git": _git_revision(),
        "host": platform.node(),
        "platform": platform.platform(),
        "cuda": _cuda_of_torch(),
        "command": sys.argv,
    }


def installed_versions() -> dict[str, str | None]:
    """Versions of what decides a run's numbers, by distribution."""
    return {name: _version(name) for name in ("icl-data", "icl-models", "icl-train", "torch", "numpy")}


def _cuda_of_torch() -> str | None:
    """The CUDA that the installed PyTorch was built with, without the seconds of importing it."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None
    try:
        return cast(str | None, runpy.run_path(str(Path(found.origin).with_name("version.py"))).get("cuda"))
    except OSError:
        return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    try:
        # The git that the user runs, wherever it is.
        found = subprocess.run(  # nosec B607
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
