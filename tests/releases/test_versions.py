"""Versions, and what the packages ask of each other, agree wherever they stand."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("icl-data", "icl-models", "icl-train", "icl-eval")
each = pytest.mark.parametrize("package", PACKAGES)


def minor(version):
    """0.1.3 → (0, 1)."""
    return tuple(map(int, version.split(".")[:2]))


@each
def test_the_changelog_begins_with_the_version(package, settings):
    changelog = (ROOT / "packages" / package / "CHANGELOG.md").read_text()
    newest = re.search(r"^## (\S+) \((unreleased|\d{4}-\d\d-\d\d)\)\n\n- ", changelog, re.MULTILINE)
    assert newest[1] == settings[package]["project"]["version"]


@each
def test_siblings_are_asked_for_in_the_range_of_their_version(package, settings):
    for needed in settings[package]["project"]["dependencies"]:
        found = re.fullmatch(r"(icl-\w+)(?:\[\w+\])?>=(\d+)\.(\d+),<(\d+)\.(\d+)", needed)
        if not needed.startswith("icl-"):
            continue
        major, least = minor(settings[found[1]]["project"]["version"])
        assert tuple(map(int, found.groups()[1:])) == (major, least, major, least + 1), needed


def test_packages_need_only_what_is_released_before_them(settings):
    for number, package in enumerate(PACKAGES):
        needed = {re.match(r"[\w-]+", one)[0] for one in settings[package]["project"]["dependencies"]}
        assert needed & set(PACKAGES) <= set(PACKAGES[:number])


@each
def test_what_is_built_with_is_asked_for(package, settings):
    assert settings[package]["build-system"]["requires"] == ["hatchling>=1.26", "hatch-fancy-pypi-readme>=24.1"]


@each
def test_a_readme_says_how_the_package_is_installed(package, settings):
    readme = (ROOT / "packages" / package / "README.md").read_text()
    folders = " ".join(f"packages/{one}" for one in PACKAGES[: PACKAGES.index(package) + 1])
    assert re.search(rf"^```\npip install {package}(  .*)?$", readme, re.MULTILINE)
    assert f"\npip install -c constraints.txt {folders}\n" in readme
    extras = set(re.findall(rf'^pip install "{package}\[(\w+)\]"', readme, re.MULTILINE))
    told = extras | set(re.findall(rf"`{package}\[(\w+)\]`", readme))
    assert told == set(settings[package]["project"].get("optional-dependencies", {}))
