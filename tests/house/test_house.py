"""Where things live: arrows between modules run downwards, and docs/architecture.md tells the truth about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))

import house  # noqa: E402


def test_every_import_runs_to_a_lower_floor_and_no_folder_is_full():
    assert house.faults() == []


def test_the_drawing_is_of_the_code_as_it_is():
    assert house.DRAWING.read_text(encoding="utf-8") == house.drawing(), "run: python tools/house.py --draw"


@pytest.fixture
def small_house(tmp_path, monkeypatch):
    """A project of two packages, whose page has icl_data's rooms `_high/` above `low`."""
    monkeypatch.setattr(house, "ROOT", tmp_path)
    monkeypatch.setattr(house, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(house, "PACKAGES", ("icl_data", "icl_models"))
    (tmp_path / "page.md").write_text(
        "### icl_data\n\n| `_high/` | x |\n| `low`, `foundation` | x |\n\n### icl_models\n\n| `own` | x |\n"
    )

    def write(**files: str):
        standing = {
            "icl_data/__init__.py": "",
            "icl_data/_high/__init__.py": "",
            "icl_data/_high/a.py": "from icl_data.low import thing\n",
            "icl_data/low.py": "",
            "icl_data/foundation.py": "",
            "icl_models/__init__.py": "",
            "icl_models/own.py": "from icl_data.foundation import thing\n",
        }
        for name, text in (standing | files).items():
            package = name.split("/")[0]
            path = tmp_path / "packages" / package.replace("_", "-") / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return house.faults()

    return write


def test_a_house_in_order_has_no_fault(small_house):
    assert small_house() == []


UPWARDS = "icl_data.low imports icl_data._high.a, which is not on a lower floor"


@pytest.mark.parametrize(
    "text",
    [
        "from icl_data._high.a import thing\n",
        "import icl_data._high.a\n",
        "from icl_data._high import a\n",
        "from ._high.a import thing\n",
        "def f():\n    from icl_data._high.a import thing\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from icl_data._high.a import thing\n",
    ],
)
def test_an_arrow_upwards_is_found_wherever_it_hides(small_house, text):
    assert UPWARDS in small_house(**{"icl_data/low.py": text})


def test_a_circle_is_found_and_told_module_by_module(small_house):
    files = {"icl_data/_high/a.py": "import icl_data._high.b\n", "icl_data/_high/b.py": "import icl_data._high.a\n"}
    assert "circle of imports: icl_data._high.a -> icl_data._high.b -> icl_data._high.a" in small_house(**files)


def test_a_room_beside_is_not_below(small_house):
    assert any("low imports" in line for line in small_house(**{"icl_data/low.py": "import icl_data.foundation\n"}))


def test_nothing_imports_its_own_packages_front_door(small_house):
    assert any("imports icl_data," in line for line in small_house(**{"icl_data/low.py": "from icl_data import x\n"}))


def test_a_package_reaches_only_what_is_public_of_those_below(small_house):
    assert small_house(**{"icl_models/own.py": "import icl_data._high.a\n"}) == [
        "icl_models.own imports icl_data._high.a, which is not icl_data's public foundation"
    ]
    assert small_house(**{"icl_models/own.py": "", "icl_data/low.py": "import icl_models.own\n"}) == [
        "icl_data.low imports icl_models.own: icl_data stands on nothing"
    ]


def test_a_room_that_the_page_does_not_know_and_one_that_is_not_there(small_house):
    assert small_house(**{"icl_data/new.py": ""}) == ["icl_data.new is on no floor of page.md"]


def test_a_folder_of_more_than_fifteen_modules_is_found(small_house):
    many = {f"icl_data/_high/m{number}.py": "" for number in range(15)}
    assert any("holds 17 modules, more than 15" in line for line in small_house(**many))


def test_the_command_says_that_all_is_well():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "house.py")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "all arrows run downwards\n"
