"""The packages' archives: those of the folder that ICL_ARCHIVES names, or built here."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("icl-data", "icl-models", "icl-train", "icl-eval")


@pytest.fixture(scope="session")
def settings():
    """Package → what its pyproject.toml says."""
    return {one: tomllib.loads((ROOT / "packages" / one / "pyproject.toml").read_text()) for one in PACKAGES}


@pytest.fixture(scope="session")
def archives(tmp_path_factory):
    """Package → its wheel and its source archive."""
    folder = os.environ.get("ICL_ARCHIVES")
    if folder is None:
        if not all(importlib.util.find_spec(name) for name in ("build", "hatchling", "hatch_fancy_pypi_readme")):
            pytest.skip("archives are built with build, hatchling and hatch-fancy-pypi-readme")
        folder = str(tmp_path_factory.mktemp("archives"))
        for package in PACKAGES:
            build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT / "packages" / package]
            subprocess.run(build, check=True, capture_output=True)
    names = {package: package.replace("-", "_") for package in PACKAGES}
    return {
        package: (next(Path(folder).glob(f"{name}-*.whl")), next(Path(folder).glob(f"{name}-*.tar.gz")))
        for package, name in names.items()
    }
