"""Plugins as users have them: wheels that pip installs, and commands that then find them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pip")
pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "icl-plugin-example"
FAULTY = Path(__file__).parent
COMMAND = "import sys; from {}._commands.main import main; sys.exit(main())"


class Site:
    """Folders that pip installs into, one for each distribution and version."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, name, version=None):
        """The folder of a distribution, built from its source as it is, or with another version."""
        target = self.folder / f"{name}-{version}"
        if target.is_dir():
            return target
        source = EXAMPLE if name == EXAMPLE.name else FAULTY / name
        copied = self.folder / f"source-{name}-{version}"
        shutil.copytree(source, copied)
        if version is not None:
            project = copied / "pyproject.toml"
            project.write_text(project.read_text().replace('version = "0.1.0"', f'version = "{version}"'))
        return self.install_from(copied, target)

    def install_from(self, source, target=None):
        """The folder of a distribution, built from this source."""
        target = target or self.folder / f"target-{source.name}"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        done = subprocess.run(
            [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--target", str(target), str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return target


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def command(site):
    """Runs a command with these distributions on the path: ``command("icl-train", "run", …, plugins=[…], cwd=…)``.

    ``also`` are folders of further ones.
    """

    def run(name, *arguments, plugins=(), also=(), cwd, versions=None, **variables):
        folders = [str(site.install(plugin, (versions or {}).get(plugin))) for plugin in plugins]
        folders += map(str, also)
        environment = {key: value for key, value in os.environ.items() if key != "ICL_PLUGINS"}
        environment |= {"PYTHONPATH": os.pathsep.join(folders), "COLUMNS": "160", **variables}
        return subprocess.run(
            [sys.executable, "-c", COMMAND.format(name.replace("-", "_")), *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env=environment,
            check=False,
        )

    return run
