"""Tables of other codes' options: what they become exists, and nothing that becomes nothing is without its reason."""

import re

import pytest

from icl_train import PRESETS
from icl_train._by_name.settings import settings_of, with_settings
from icl_train._evaluations.text import read_evaluation
from icl_train._interventions.text import read_intervention
from icl_train._other_codes.tables import CODES, table_of
from icl_train.config import RunConfig

SETTING = re.compile(r"\b(?:data|model|optim|train|eval|seeds)\.[a-z_][\w.-]*")
IN_TICKS = re.compile(r"`([^`]+)`")


@pytest.fixture(scope="module")
def settings():
    """All that components bring with them, too."""
    known = set(settings_of(RunConfig()))
    for chosen in ({"model.embedder": "resnet"}, {"model.sequence_model": "reddy"}):
        known |= set(settings_of(with_settings(RunConfig(), chosen)))
    return known


@pytest.mark.parametrize("code", CODES)
def test_options_become_settings_that_exist(code, settings):
    for option in CODES[code].options:
        said = [text.replace("-", "_") for ticked in IN_TICKS.findall(option.told) for text in SETTING.findall(ticked)]
        assert {*option.becomes, *said} <= settings, option


@pytest.mark.parametrize("code", CODES)
def test_an_option_that_becomes_nothing_has_a_reason(code):
    unsaid = [option for option in CODES[code].options if not option.becomes and not option.told]
    assert not unsaid
    assert all(bool(option.becomes) == (option.fate == "carried") for option in CODES[code].options)


def told_by(code):
    return " ".join(option.told for option in CODES[code].options)


def test_the_evaluations_and_interventions_that_are_told_can_be_read():
    told = told_by("icl-dynamics")
    for text in re.findall(r"`(NAME:base=[^`]+)`", told):
        read_evaluation(text)
    clamps = [text for ticked in IN_TICKS.findall(told) for text in ticked.split() if text.startswith("blocks.")]
    assert len(clamps) >= 6
    for text in clamps:
        read_intervention(re.sub(r"\b[LH]\b", "0", text))


@pytest.mark.parametrize("code", CODES)
def test_a_table_has_a_row_for_each_option_and_the_presets_that_it_speaks_of_exist(code):
    table = table_of(CODES[code])
    assert table.count("\n| `") == len(CODES[code].options) == len({option.name for option in CODES[code].options})
    assert set(re.findall(r"preset `(\w+)`", table.lower())) <= PRESETS.keys() | {"smoke"}
