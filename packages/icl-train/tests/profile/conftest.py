"""Short runs."""

from dataclasses import replace

import pytest

from icl_train import smoke


@pytest.fixture
def short():
    """The configuration of a run of 20 updates; parts as dictionaries change it."""

    def make(**parts):
        config = smoke()
        parts = {"train": {"max_steps": 20}, "eval": {"batches": 1}} | parts
        return replace(config, **{name: replace(getattr(config, name), **changes) for name, changes in parts.items()})

    return make
