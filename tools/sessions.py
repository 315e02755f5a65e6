"""What the sessions of noxfile.py have in common: environments from the packages' own wheels, and tests run in them."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import nox
from asked_tests import asked

__all__ = [
    "BUILD_TOOLS",
    "CONSTRAINTS",
    "EVERYTHING",
    "ROOT",
    "SIBLINGS",
    "TEST_TOOLS",
    "data_environment",
    "install",
    "install_wheels",
    "pinned",
    "pytest",
    "removing_environment",
]

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"

# package → the local siblings it needs, in the order they are built
SIBLINGS: dict[str, tuple[str, ...]] = {
    "icl-data": (),
    "icl-models": ("icl-data",),
    "icl-train": ("icl-data", "icl-models"),
    "icl-eval": ("icl-data", "icl-models", "icl-train"),
}
EVERYTHING = tuple(SIBLINGS)
BUILD_TOOLS = ("build", "hatchling", "hatch-fancy-pypi-readme")
TEST_TOOLS = ("pytest", "pytest-xdist", "pytest-timeout", "hypothesis", "scipy")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def removing_environment(function: Callable[..., None]) -> Callable[..., None]:
    """A session that takes its environment away when it has passed, if ICL_REMOVE_ENVIRONMENTS is set: all of them
    together hold 17 GB, most of it PyTorch eleven times.
    """

    @functools.wraps(function)
    def run(session: nox.Session, *args: object, **options: object) -> None:
        function(session, *args, **options)
        if os.environ.get("ICL_REMOVE_ENVIRONMENTS"):
            _remove(Path(session.virtualenv.location))

    return run


def _remove(environment: Path) -> None:
    """Remove an environment while the next session goes on: on slow disks that takes minutes."""
    aside = environment.with_name(f"{environment.name}.removed")
    shutil.rmtree(aside, ignore_errors=True)
    environment.rename(aside)
    threading.Thread(target=shutil.rmtree, args=(aside,), kwargs={"ignore_errors": True}).start()


def install(session: nox.Session, *packages: str, constraints: Path = CONSTRAINTS) -> None:
    """Install distributions, and what they need from the registry at the versions of constraints.txt or another file.

    Byte code is left to the first import, and what the session runs writes it: pip would compile all of PyTorch on one
    core, which takes longer than to unpack it, and tests import a part of it.
    """
    session.env["PYTHONDONTWRITEBYTECODE"] = ""  # where it is set, each process would compile all it imports
    session.install("--no-compile", "-c", str(constraints), *packages)


def install_wheels(session: nox.Session, *packages: str, extras: str = "", constraints: Path = CONSTRAINTS) -> None:
    """Install these packages from their own wheels, with no look at the source tree."""
    found = [_wheel(session, package) for package in packages]
    chosen = [f"{wheel}{extras if wheel == found[-1] else ''}" for wheel in found]
    install(session, *chosen, constraints=constraints)


_built: dict[str, Path] = {}  # package → its wheel; and what builds them


def _wheel(session: nox.Session, package: str) -> Path:
    """The wheel of a package, which the first session of this command that asks for it builds for all of them."""
    if package not in _built:
        python = _builder(session)
        folder = python.parents[2] / package
        build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
        session.run_install(str(python), *build, str(ROOT / "packages" / package), external=True, silent=True)
        (_built[package],) = folder.glob("*.whl")
    return _built[package]


def _builder(session: nox.Session) -> Path:
    """Python of an environment that builds wheels, which is there for as long as this command runs."""
    if "builder" not in _built:
        folder = Path(tempfile.mkdtemp(prefix="icl-wheels-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        session.run_install(sys.executable, "-m", "virtualenv", "--quiet", str(folder / "builder"), external=True)
        python = folder / "builder" / ("Scripts" if os.name == "nt" else "bin") / "python"
        pip = ("-m", "pip", "install", "--quiet", "-c", str(CONSTRAINTS))
        session.run_install(str(python), *pip, *BUILD_TOOLS, external=True)
        _built["builder"] = python
    return _built["builder"]


def data_environment() -> dict[str, str]:
    """Where tests on the real data find it: ICL_OMNIGLOT, ICL_GOLDEN and ICL_TFDS, or a folder `shared` beside us."""
    shared = ROOT.parent / "shared"
    beside = {"ICL_OMNIGLOT": shared / "omniglot", "ICL_GOLDEN": shared / "golden", "ICL_TFDS": shared / "tfds"}
    env = {name: str(path) for name, path in beside.items() if path.is_dir()}
    env |= {name: os.environ[name] for name in beside if name in os.environ}
    # Tests hold small tensors: threads would only wait for each other.
    return env | {"OMP_NUM_THREADS": "1", "ICL_CACHE": str(ROOT / ".nox" / "cache")}


def pytest(
    session: nox.Session,
    *paths: Path,
    args: tuple[str, ...] = (),
    workers: int = CORES,
    minutes: int = 15,
    chosen: bool = True,
    own: bool = False,
) -> None:
    """Run tests away from the source tree, so that only what is installed can be imported; a process for each core.

    Args:
        session: the session.
        paths: folders of tests.
        args: options of pytest.
        workers: processes at most.
        minutes: after which a test that does not end fails, and says where it waits.
        chosen: whether tests that are named behind `--` take the place of the paths.
        own: whether of those only what is below the paths is run.
    """
    wanted = asked(session.posargs if chosen else [], Path(session.invoked_from), paths, own=own)
    if not wanted:
        session.log(f"nothing below {', '.join(map(str, paths))} is asked for")
        return
    away = Path(session.create_tmp()).resolve()
    with session.chdir(away):
        session.run(
            "python",
            "-m",
            "pytest",
            "-c",
            str(ROOT / "pyproject.toml"),
            "--rootdir",
            str(ROOT),
            "-q",
            "-ra",
            "-p",
            "no:cacheprovider",
            "--timeout",
            str(60 * minutes),
            "--durations=6",
            "--durations-min=5",
            "-n",
            str(min(workers, 8) if workers > 1 else 0),
            *args,
            *wanted,
            env=data_environment(),
        )


def pinned(name: str) -> str:
    """A version in constraints.txt."""
    return next(line.split("==")[1] for line in CONSTRAINTS.read_text().split("\n") if line.startswith(f"{name}=="))
