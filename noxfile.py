"""The project's sessions. `nox` runs lint, types, each package's tests from its own wheel, icl-data's with the oldest
NumPy as well, integration and plugins, builds the site, builds each package twice and looks into the archives, and
asks for licences and for what is known to be unsafe.

`nox -l` lists them and those that are run by name.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent / "tools"))

from asked_tests import absolute
from sessions import (
    BUILD_TOOLS,
    CONSTRAINTS,
    EVERYTHING,
    ROOT,
    SIBLINGS,
    TEST_TOOLS,
    data_environment,
    install,
    install_wheels,
    pinned,
    pytest,
    removing_environment,
)

ALL_OF_DATA = "icl-data[torch,jax,h5,images,plot]"
OLDEST_NUMPY = "numpy==1.26.4"
ALL_OF_MODELS = "icl-models[ssm]"
ALL_OF_TRAIN = "icl-train[yaml,tensorboard]"
SITE_TOOLS = ("sphinx", "pydata-sphinx-theme", "sphinx-copybutton", "sphinx-design", "myst-parser", "myst-nb")
FILES = ("h5py", "pillow")  # what icl-data's extras read array files and images with
KERNELS = ("triton",) if sys.platform == "linux" else ()  # which interprets them where there is no GPU
TESTED = ["icl-data", ALL_OF_DATA, "icl-models", ALL_OF_MODELS, ALL_OF_TRAIN, "icl-eval"]

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "types", "tests", "oldest_numpy", "integration", "plugins", "docs"]
nox.options.sessions += ["wheels", "licences", "security"]
nox.options.error_on_missing_interpreters = True


@nox.session
@removing_environment
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    install(session, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
@removing_environment
def types(session: nox.Session) -> None:
    """mypy --strict on each package's source."""
    install_wheels(session, *EVERYTHING)
    install(session, "mypy", "jax", "pandas-stubs")
    for package in EVERYTHING:
        session.run("mypy", str(ROOT / "packages" / package / "src"), env={"MYPYPATH": ""})


@nox.session
@nox.parametrize("package", TESTED, ids=TESTED)
@removing_environment
def tests(session: nox.Session, package: str) -> None:
    """The tests of one package from its wheel, in an environment with its siblings alone; of icl-models' extra those of
    what it adds, which are named for it: the others have run without it.
    """
    name, bracket, extra = package.partition("[")
    install_wheels(session, *SIBLINGS[name], name, extras=bracket + extra)
    install(session, *TEST_TOOLS, *{ALL_OF_TRAIN: FILES, "icl-models": KERNELS}.get(package, ()))
    of_extra = ("-k", "mamba or extras") if package == ALL_OF_MODELS and not session.posargs else ()
    pytest(session, ROOT / "packages" / name / "tests", args=of_extra, own=True)


@nox.session
@removing_environment
def oldest_numpy(session: nox.Session) -> None:
    """icl-data's tests with the oldest NumPy that its metadata allows; the other sessions have the newest."""
    install_wheels(session, "icl-data")
    install(session, *TEST_TOOLS)
    session.install(OLDEST_NUMPY)
    pytest(session, ROOT / "packages" / "icl-data" / "tests")


@nox.session
@removing_environment
def integration(session: nox.Session) -> None:
    """The cross-package tests: golden trajectories, kill and resume, figures from commands."""
    install_wheels(session, *EVERYTHING)
    install(session, *TEST_TOOLS)
    pytest(session, ROOT / "tests" / "house", ROOT / "tests" / "parity", ROOT / "tests" / "e2e")


@nox.session
@removing_environment
def parity(session: nox.Session) -> None:
    """Golden values (on the full files if ICL_GOLDEN names them); the models beside a Haiku description of them, as a
    table of differences; Omniglot as TensorFlow Datasets reads it.
    """
    install_wheels(session, *EVERYTHING)
    install(session, *TEST_TOOLS, "jax", "dm-haiku", "optax", "dill")
    install(session, "tensorflow", "tensorflow-datasets", "importlib-resources")
    packages = [ROOT / "packages" / package / "tests" for package in EVERYTHING]
    pytest(session, *packages, ROOT / "tests" / "parity", args=("-k", "golden or trajectory or live or tfds"))


@nox.session
@removing_environment
def regression(session: nox.Session) -> None:
    """Short trainings: symbolic ones at 100 and 1,600 classes; laptop ones where ICL must, and must not, emerge."""
    install_wheels(session, *EVERYTHING)
    install(session, *TEST_TOOLS)
    pytest(session, ROOT / "tests" / "regression", args=("-s",), workers=1)


@nox.session
@removing_environment
def plugins(session: nox.Session) -> None:
    """The example plugin beside the wheels: conformance, training, evaluation, figure; faulty plugins; none. Then the
    plugin that a study in results/ trains.

    The tests in tests/plugins install the plugins they need into folders of their own, so the example is uninstalled
    before them: what they do not install is not there.
    """
    install_wheels(session, *EVERYTHING)
    install(session, *BUILD_TOOLS, *TEST_TOOLS)
    example = ROOT / "examples" / "icl-plugin-example"
    session.install("--no-deps", "--no-build-isolation", str(example))
    pytest(session, example / "tests", own=True)
    session.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", example.name)
    pytest(session, ROOT / "tests" / "plugins", own=True)
    marked = ROOT / "results" / "bias" / "plugin"
    session.install("--no-deps", "--no-build-isolation", str(marked))
    pytest(session, marked / "tests", own=True)


@nox.session
@removing_environment
def quickstart(session: nox.Session) -> None:
    """Sweep five class counts on the embedded default and draw Figure 3a, into ./quickstart (or the folder given)."""
    install_wheels(session, *EVERYTHING)
    folder = session.posargs[0] if session.posargs else "quickstart"
    session.run("icl-train", "sweep", "figure3a", "--root", folder)
    session.run("icl-eval", "figure3b", folder)
    session.run("icl-eval", "figure3a", folder)


@nox.session
@removing_environment
def faults(session: nox.Session) -> None:
    """Damaged files by the thousand, damaged and killed runs: what comes out is named, and nothing is let in or lost.

    In at most 20 minutes on two cores; `-- --short` is a sample of three minutes, `-- --long` has 100,000 inputs for
    each reader and 600 damages, `--report FOLDER` keeps the counts.
    """
    install_wheels(session, *EVERYTHING)
    install(session, *TEST_TOOLS, *FILES, "pyyaml")
    size = next((name for name in ("short", "long") if f"--{name}" in session.posargs), "usual")
    options = [arg for arg in session.posargs if arg not in ("--short", "--long")]
    options = absolute(options, Path(session.invoked_from))
    tests = ROOT / "tests" / "faults"
    pytest(session, tests, args=("--inputs", size, *options), minutes=60, chosen=False)


@nox.session
@removing_environment
def cluster(session: nox.Session) -> None:
    """Sweeps on a Ray cluster of several nodes and on a Slurm of this machine: nodes and jobs are killed, preempted
    and requeued, and what comes back is what unbroken runs give, bit for bit.

    Slurm's part needs root and Debian's slurm-wlm and munge; where they are missing it is skipped, with the reason.
    """
    install_wheels(session, "icl-data", "icl-models", "icl-train", extras="[slurm,ray]")
    install(session, *TEST_TOOLS)
    pytest(session, ROOT / "tests" / "cluster", args=("--durations=0", "--durations-min=0"), workers=1, minutes=30)


@nox.session
@removing_environment
def browser(session: nox.Session) -> None:
    """Pages that commands write, in a Chromium without a window: they are used with a pointer and with keys alone, wide
    and narrow, light and dark.

    It needs a Chromium of the system (Debian's package chromium); without one the tests are skipped, with the reason.
    ICL_SCREENSHOTS names a folder for pictures of the pages.
    """
    install_wheels(session, *EVERYTHING)
    install(session, *TEST_TOOLS, "playwright")
    pytest(session, ROOT / "tests" / "browser", workers=1)


@nox.session
@nox.parametrize("package", list(SIBLINGS), ids=list(SIBLINGS))
@removing_environment
def minimums(session: nox.Session, package: str) -> None:
    """The tests of one package with the oldest versions that its metadata allow of direct dependencies, but PyTorch.

    PyTorch stays at the version of constraints.txt: registries have its older versions for Linux as CUDA builds, each
    of them gigabytes.
    """
    install(session, "packaging")
    listed = session.run("python", str(ROOT / "tools" / "minimums.py"), silent=True)
    oldest = dict(line.split("==") for line in str(listed).split())
    oldest["torch"] = pinned("torch")
    oldest = {name: version for name, version in oldest.items() if not name.startswith("tensorflow")}
    constraints = Path(session.create_tmp()).resolve() / "minimums.txt"
    tools = [f"{name}=={pinned(name)}" for name in TEST_TOOLS if name not in oldest]
    constraints.write_text("\n".join([*tools, *(f"{name}=={version}" for name, version in oldest.items())]) + "\n")
    extras = {"icl-data": "[h5,images,plot]", "icl-train": "[yaml,tensorboard]"}.get(package, "")
    install_wheels(session, *SIBLINGS[package], package, extras=extras, constraints=constraints)
    install(session, *TEST_TOOLS, *FILES, constraints=constraints)
    pytest(session, ROOT / "packages" / package / "tests", args=("-W", "default"), own=True)


@nox.session
@removing_environment
def wheels(session: nox.Session) -> None:
    """Wheel and source archive of each package, built twice, in other folders, at another time and with other rights of
    files: the same bytes. What is in them and in their metadata, and the pages on citing, releasing and contributing.
    """
    install(session, *BUILD_TOOLS, *TEST_TOOLS, "twine", "pyyaml")
    place = Path(session.create_tmp()).resolve()
    session.run("python", str(ROOT / "tools" / "build_twice.py"), str(place), *EVERYTHING)
    archives = place / "build0" / "dist"
    session.run("twine", "check", "--strict", *map(str, sorted(archives.iterdir())))
    session.env["ICL_ARCHIVES"] = str(archives)
    pytest(session, ROOT / "tests" / "releases")


@nox.session
@nox.parametrize("package", list(SIBLINGS), ids=list(SIBLINGS))
@removing_environment
def release(session: nox.Session, package: str) -> None:
    """A package from its own source archive, its siblings from theirs: its commands run, and the tests in the archive
    can be collected, away from the source tree.
    """
    place = Path(session.create_tmp()).resolve()
    shutil.rmtree(place, ignore_errors=True)
    install(session, *BUILD_TOOLS)
    for one in (*SIBLINGS[package], package):
        build = ("python", "-m", "build", "--sdist", "--no-isolation", "--outdir", str(place / "archives"))
        session.run(*build, str(ROOT / "packages" / one), silent=True)
    archives = sorted((place / "archives").iterdir())
    install(session, *map(str, archives), *TEST_TOOLS)
    session.run("python", str(ROOT / "tools" / "try_release.py"), package, str(place), env={"PYTHONSAFEPATH": "1"})


@nox.session
def dev(session: nox.Session) -> None:
    """An environment to work in: the packages as they stand in this checkout, with all extras that tests use, and the
    tools of the other sessions. It stays; the last line says how to activate it.
    """
    packages = [str(ROOT / "packages" / package) for package in EVERYTHING]
    extras = {name: bracket + extra for name, bracket, extra in (one.partition("[") for one in TESTED)}
    editable = [f"{path}{extras[Path(path).name]}" for path in packages]
    tools = (*BUILD_TOOLS, *TEST_TOOLS, "ruff", "mypy", "pandas-stubs", "nox")
    session.install("-c", str(CONSTRAINTS), *tools, *(part for one in editable for part in ("-e", one)))
    session.log(f"now: source {Path(session.virtualenv.location).resolve() / 'bin' / 'activate'}")


@nox.session
@removing_environment
def licences(session: nox.Session) -> None:
    """Every distribution that the packages bring, with all extras but TensorFlow's, has a permissive licence."""
    install_wheels(session, *EVERYTHING)
    install(session, "jax", "h5py", "pillow", "pyyaml", "tensorboard", "transformers")
    install(session, "pip-licenses")
    file = Path(session.create_tmp()).resolve() / "licences.json"
    tools = [*BUILD_TOOLS, "pip", "pip-licenses", "prettytable", "pyproject_hooks", "setuptools", "wheel"]
    tools += ["editables", "pathspec", "trove-classifiers", "tomli", "wcwidth", *EVERYTHING]
    session.run(
        *("pip-licenses", "--from", "mixed", "--format", "json", "--output-file", str(file)),
        *("--ignore-packages", *tools),
    )
    session.run("python", str(ROOT / "tools" / "licences.py"), str(file), *session.posargs)


@nox.session
@removing_environment
def security(session: nox.Session) -> None:
    """bandit on the packages' sources; pip-audit on the versions of constraints.txt, where its database answers."""
    install(session, "bandit", "pip-audit")
    sources = [str(ROOT / "packages" / package / "src") for package in EVERYTHING]
    bandit = ["bandit", "--quiet", "--recursive", "--configfile", str(ROOT / "pyproject.toml"), *sources]
    told = session.run(*bandit, silent=True)
    if "WARNING" in str(told):  # as for a remark that takes something out where nothing was found
        session.error(f"bandit must have no warnings, got {told}")
    audit = [str(Path(session.bin) / "pip-audit"), "--no-deps", "--disable-pip", "--format", "json"]
    done = subprocess.run([*audit, "--requirement", str(CONSTRAINTS)], capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        if not re.search(r"Connection|Service|Max retries|Timeout", done.stderr):
            session.error(f"pip-audit: {done.stderr}")
        session.warn("pip-audit cannot reach its database: nothing is known of the versions in constraints.txt")
        return
    found = json.loads(done.stdout)["dependencies"]
    skipped = [one["name"] for one in found if "skip_reason" in one]
    if skipped:  # a mirror that has the packages alone
        session.warn(f"pip-audit's database does not answer for {len(skipped)} of {len(found)}: {', '.join(skipped)}")
    known = [f"{one['name']} {one['version']}: {bug['id']}" for one in found for bug in one.get("vulns", ())]
    if known:
        session.error(f"versions in constraints.txt must not be known to be vulnerable: {', '.join(known)}")


@nox.session
@removing_environment
def gallery(session: nox.Session) -> None:
    """Every experiment at laptop scale: trained, drawn, judged, in ./gallery-runs (or the folder given); and what is
    finished of it taken into docs/gallery and docs/report.html.

    Training stops after an hour (`-- --minutes M`), and the same command goes on. A claim that does not hold fails the
    session; one whose runs are missing cannot be judged yet.
    """
    make_gallery(session, "all")


@nox.session
@removing_environment
def figures(session: nox.Session) -> None:
    """The part of the gallery that is of Chan et al. 2022, in the same folder, without the pages."""
    make_gallery(session, "chan2022")


@nox.session
@removing_environment
def followups(session: nox.Session) -> None:
    """The part that is of Reddy 2023 and Singh et al. 2023, 2024 and 2025."""
    make_gallery(session, "followups")


def make_gallery(session: nox.Session, part: str) -> None:
    """The experiments of a part."""
    install_wheels(session, *EVERYTHING)
    session.run("python", str(ROOT / "tools" / "make_gallery.py"), "--part", part, *session.posargs)


@nox.session
@removing_environment
def figure3a(session: nox.Session) -> None:
    """Figure 3a on Omniglot, fetched if need be: trained, seed by seed, in ./figure3a-runs, for results/figure3a.

    `-- --scale omniglot28|paper|laptop --seeds N ... --minutes M --root FOLDER`, and any option of icl-train sweep.
    Training stops after an hour, and the same command goes on.
    """
    install_wheels(session, *EVERYTHING)
    session.run("python", str(ROOT / "tools" / "make_figure3a.py"), *session.posargs)


@nox.session
@removing_environment
def docs(session: nox.Session) -> None:
    """The site, into docs/_build/html: pages, experiments, docstrings, a notebook that is run. A warning is an error.

    `-- links` asks every address outside whether it answers, and writes nothing else.
    """
    install_wheels(session, *EVERYTHING)
    install(session, *SITE_TOOLS, "ipykernel", "jax")  # types in signatures must be there to be shown
    build = ROOT / "docs" / "_build"
    builder = "linkcheck" if "links" in session.posargs else "html"
    shutil.rmtree(build, ignore_errors=True)
    options = ("--nitpicky", "--fail-on-warning", "--keep-going", "--quiet", "--conf-dir", str(ROOT / "docs"))
    options += ("--define", "nb_execution_mode=off") if builder == "linkcheck" else ()
    folders = ("--doctree-dir", str(build / "doctrees"), str(ROOT), str(build / builder))
    session.run("python", "-m", "sphinx", "--builder", builder, *options, *folders)
    session.log(f"open {build / builder / 'index.html'}" if builder == "html" else "every address answers")


@nox.session
@removing_environment
def bench(session: nox.Session) -> None:
    """Benchmarks: ratios measured in one run, on this machine; `nox -s bench -- table [options]` runs one alone.

    Those of fused kernels need a CUDA device, and run when they are named.
    """
    scripts = {
        script.stem.removeprefix("bench_"): script for script in sorted((ROOT / "benchmarks").glob("bench_*.py"))
    }
    name, *options = session.posargs or [""]
    if name and name not in scripts:
        session.error(f"benchmark must be one of {', '.join(scripts)}, got {name!r}")
    install_wheels(session, *EVERYTHING)
    for known, script in scripts.items():
        if known == name or not (name or known.startswith("fused")):
            session.run("python", str(script), *options, env=data_environment())
