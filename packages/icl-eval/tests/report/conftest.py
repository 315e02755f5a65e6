"""The page of some runs, taken apart."""

import json
import re

import pytest

from icl_eval import write_report


def data_of(page):
    """What the page shows, as its script reads it."""
    (text,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL
    )
    return json.loads(text)


@pytest.fixture(name="data_of")
def reader_of_data():
    return data_of


@pytest.fixture(scope="session")
def page(trained, tmp_path_factory):
    """The page of three finished runs. Not to be changed."""
    return write_report(trained, out=tmp_path_factory.mktemp("page") / "all.html")[0]
