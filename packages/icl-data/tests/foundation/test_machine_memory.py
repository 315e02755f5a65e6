"""What memory there is, and how it is told."""

import subprocess
import sys
from pathlib import Path

import pytest

import icl_data.foundation.machine_memory as machine_memory_module
from icl_data.foundation.machine_memory import readable_bytes

GIB = 2**30


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1536, "1.5 KiB"),
        (24 * GIB, "24.0 GiB"),
        (GIB, "1.0 GiB"),
        (3000 * 2**60, "3,000.0 EiB"),
    ],
)
def test_bytes_are_told_in_binary_units(size: int, text: str) -> None:
    assert readable_bytes(size) == text


def test_a_containers_limit_is_the_smallest_of_its_groups(tmp_path: Path) -> None:
    groups, root = tmp_path / "cgroup", tmp_path / "sys"
    groups.write_text("0::/a/b\n5:cpu,memory:/x\n")
    (root / "a" / "b").mkdir(parents=True)
    (root / "memory" / "x").mkdir(parents=True)
    (root / "memory.max").write_text("max\n")
    (root / "a" / "memory.max").write_text("4096\n")
    (root / "a" / "b" / "memory.max").write_text("max\n")
    (root / "memory" / "x" / "memory.limit_in_bytes").write_text("8192\n")
    assert sorted(machine_memory_module._container_limits(groups, root)) == [4096, 8192]
    assert list(machine_memory_module._container_limits(tmp_path / "none", root)) == []


def test_a_number_beyond_all_floats_is_told() -> None:
    assert readable_bytes(10**400).endswith(" EiB")


@pytest.mark.skipif(sys.platform != "linux", reason="uses the limit of a process")
def test_a_limit_that_was_set_on_the_process_counts() -> None:
    code = (
        "import resource\nfrom icl_data.foundation.machine_memory import machine_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (123 << 20, resource.RLIM_INFINITY))\nprint(machine_memory())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(told.stdout) == 123 << 20
