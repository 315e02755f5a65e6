"""Build wheel and source archive of each package twice, in other folders, at another time and with other rights of
files: exit code 1 unless they are the same bytes.

python tools/build_twice.py FOLDER PACKAGE...    in an environment with build and hatchling
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def built(work: Path, packages: list[str], *, umask: int, time: int) -> dict[str, bytes]:
    """File name → content of what the packages are built to.

    Args:
        work: that it is done in; made anew.
        packages: names of folders in packages/.
        umask: rights that files and the build lack.
        time: of the last change of every file, in seconds.
    """
    shutil.rmtree(work, ignore_errors=True)
    for package in packages:
        copy = work / "src" / package
        shutil.copytree(ROOT / "packages" / package, copy, ignore=shutil.ignore_patterns("__pycache__", "dist"))
        for path in (copy, *copy.rglob("*")):
            path.chmod(path.stat().st_mode & ~umask)
            os.utime(path, (time, time))
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(work / "dist"), str(copy)]
        subprocess.run(command, umask=umask, stdout=subprocess.DEVNULL, check=True)
    return {file.name: file.read_bytes() for file in sorted((work / "dist").iterdir())}


def main(folder: str, *packages: str) -> int:
    """Run the command; the exit code."""
    place = Path(folder).resolve()
    first = built(place / "build0", list(packages), umask=0o022, time=10**9)
    second = built(place / "inbuild1", list(packages), umask=0o077, time=2 * 10**9)
    differing = [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]
    if differing or len(first) != 2 * len(packages):
        what = ", ".join(sorted(differing)) or "a package"
        print(f"{what} must be built to the same bytes each time", file=sys.stderr)
        return 1
    for name, content in first.items():
        print(f"{hashlib.sha256(content).hexdigest()}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
