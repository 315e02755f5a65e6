"""What is in the archives of the packages, and what their pages on an index would show."""

import re
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("icl-data", "icl-models", "icl-train", "icl-eval")
RELATIVE = re.compile(r"\]\((?!https?:|#)")
each = pytest.mark.parametrize("package", PACKAGES)


def module(package):
    return package.replace("-", "_")


@pytest.fixture
def wheel(archives):
    """Package → name of a file in its wheel → content."""

    def contents(package):
        with zipfile.ZipFile(archives[package][0]) as file:
            return {name: file.read(name) for name in file.namelist()}

    return contents


@pytest.fixture
def source(archives):
    """Package → path of a file in its source archive → content."""

    def contents(package):
        with tarfile.open(archives[package][1]) as file:
            names = [one for one in file.getmembers() if one.isfile()]
            return {one.name.partition("/")[2]: file.extractfile(one).read() for one in names}

    return contents


@pytest.fixture
def metadata(wheel):
    def read(package):
        (content,) = (content for name, content in wheel(package).items() if name.endswith("/METADATA"))
        return BytesParser().parsebytes(content)

    return read


@pytest.fixture
def page(metadata):
    """Package → its page on an index, as Markdown."""
    return lambda package: metadata(package).get_payload(decode=True).decode()


@each
def test_a_wheel_holds_its_package_and_nothing_beside_it(package, wheel):
    tops = {PurePosixPath(name).parts[0] for name in wheel(package)}
    (info,) = (top for top in tops if top.endswith(".dist-info"))
    assert tops == {module(package), info}


@each
def test_a_source_archive_holds_what_git_has_of_the_package_and_no_other(package, source):
    tops = {PurePosixPath(name).parts[0] for name in source(package)}
    expected = {"src", "tests", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO"}
    assert tops - {"examples", ".gitignore"} == expected
    assert {PurePosixPath(name).parts[1] for name in source(package) if name.startswith("src/")} == {module(package)}


@each
def test_a_source_archive_has_all_files_of_the_tests(package, source):
    folder = ROOT / "packages" / package
    tests = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (folder / "tests").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tests.items() <= source(package).items()


@each
def test_types_and_licence_are_in_both(package, wheel, source):
    licence, built = (ROOT / "LICENSE").read_bytes(), wheel(package)
    assert source(package)["LICENSE"] == licence
    assert [content for name, content in built.items() if name.endswith(".dist-info/licenses/LICENSE")] == [licence]
    assert f"{module(package)}/py.typed" in built
    assert f"src/{module(package)}/py.typed" in source(package)


@each
def test_metadata_say_what_an_index_shows(package, metadata):
    found = metadata(package)
    for name in ("Name", "Version", "Summary", "Author", "License-Expression", "Requires-Python", "Keywords"):
        assert found[name], name
    assert found["License-File"] == "LICENSE"
    assert found["Description-Content-Type"] == "text/markdown"
    assert "Typing :: Typed" in found.get_all("Classifier")


@each
def test_no_link_of_the_page_leads_into_a_repository_that_is_not_there(package, page):
    assert page(package).startswith(f"# {package}\n")
    assert not RELATIVE.search(page(package))
    assert RELATIVE.search((ROOT / "packages" / package / "README.md").read_text())  # there were some


@each
def test_the_page_is_the_readme_but_for_links(package, page):
    readme = (ROOT / "packages" / package / "README.md").read_text()
    plain = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*!]")
    assert plain.sub(r"\1", page(package)).split() == plain.sub(r"\1", readme).split()


@each
def test_code_on_the_page_is_that_of_the_readme(package, page):
    blocks = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    readme = (ROOT / "packages" / package / "README.md").read_text()
    assert blocks.findall(page(package)) == blocks.findall(readme)
