"""What an optional library brings is listed without it, and asked for in one line where it is missing."""

import subprocess
import sys

import pytest

from icl_data.foundation import extras
from icl_models import MambaConfig, ModelConfig


@pytest.fixture
def nothing_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)


@pytest.mark.usefixtures("nothing_optional")
def test_choosing_mamba_without_its_library_names_the_extra() -> None:
    with pytest.raises(ValueError, match=r"'mamba' needs transformers.*icl-models\[ssm\]\"$") as error:
        ModelConfig(num_classes=5, sequence_model="mamba")
    assert "\n" not in str(error.value)


def test_listing_the_components_imports_no_optional_library() -> None:
    program = (
        "import sys, icl_models; assert 'mamba' in icl_models.known_sequence_models(); "
        "icl_models.ModelConfig(num_classes=5); sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("setting", ["state_size", "conv_width", "expand", "time_step_rank"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "4", True])
def test_mambas_sizes_must_be_positive_integers(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{setting} must be a positive integer, got {value!r}"):
        MambaConfig(**{setting: value})
