"""What the tests of all packages together share."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_state(tmp_path_factory):
    """What commands remember of the runs that they made is forgotten after the tests, and never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICL_STATE", str(tmp_path_factory.mktemp("state")))
        yield
