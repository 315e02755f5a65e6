"""What is said of a field is found wherever people say it."""

from dataclasses import dataclass

import pytest

from icl_train._options.docs import field_doc


@dataclass
class Base:
    below: int = 1
    """Said
    below."""


@dataclass
class Said(Base):
    """A class.

    Args:
        above: said in
            the docstring.
        other (int): also there.
    """

    above: int = 1
    other: int = 2
    beside: str = "# no comment"  # said beside
    nothing: int = 3


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("below", "Said below."),
        ("above", "said in the docstring."),
        ("other", "also there."),
        ("beside", "said beside"),
        ("nothing", ""),
    ],
)
def test_what_is_said_of_a_field_is_found(field, text):
    assert field_doc(Said, field) == text
