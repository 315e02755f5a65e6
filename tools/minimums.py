"""The oldest versions that the packages' metadata allow, of every direct dependency: `name==bound` for each `>=` bound.

python tools/minimums.py [DISTRIBUTION ...]     prints them, as a file of constraints for pip
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PACKAGES = Path(__file__).parents[1] / "packages"


def minimums(packages: Sequence[str] = ()) -> dict[str, str]:
    """Distribution → the oldest version that all of these packages allow, extras included; all packages by default.

    Args:
        packages: names of folders in packages/.

    Raises:
        ValueError: if a dependency has no lower bound.
    """
    found: dict[str, Version] = {}
    for file in sorted(PACKAGES.glob("*/pyproject.toml")):
        if packages and file.parent.name not in packages:
            continue
        project = tomllib.loads(file.read_text())["project"]
        extras = project.get("optional-dependencies", {})
        for text in [*project["dependencies"], *(one for extra in extras.values() for one in extra)]:
            requirement = Requirement(text)
            if requirement.name.startswith("icl-"):
                continue
            bounds = [Version(one.version) for one in requirement.specifier if one.operator == ">="]
            if not bounds:
                raise ValueError(f"{file}: {text} must have a lower bound")
            found[requirement.name] = max(bounds[0], found.get(requirement.name, bounds[0]))
    return {name: str(version) for name, version in sorted(found.items())}


def main(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    for name, version in minimums(args).items():
        print(f"{name}=={version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
