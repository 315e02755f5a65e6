"""Settings by dotted name: of the right type, all at once, with the defaults that hang on some."""

import pytest

from icl_train import laptop, smoke
from icl_train._by_name.settings import dotted_name, settings_of, with_settings

UNUSUAL = """
from dataclasses import dataclass
from torch import nn
from icl_models import ComponentConfig, EmbedderSpec, hookimpl

@dataclass(frozen=True, kw_only=True)
class Config(ComponentConfig):
    sizes: tuple[tuple[int, int], ...] = ()
    width: int = 8

    def __post_init__(self):
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="unusual", build=lambda m, c: nn.Linear(8, 8), config=Config, example_kinds=["vector"])]
"""


def test_settings_that_hold_only_together_are_put_together():
    config = with_settings(
        smoke(), {"model.emb_dim": 30, "model.num_heads": 3, "train.max_steps": 9, "eval.steps": "9"}
    )
    assert (config.model.emb_dim, config.model.num_heads, config.eval.steps) == (30, 3, (9,))


@pytest.mark.parametrize(
    "written", ["data.p-bursty", "data.p_bursty", "--data.p-bursty", "--data.p_bursty", "data-p", "max-steps"]
)
def test_a_name_is_read_whichever_way_it_is_spelt(written):
    names = {"max-steps": "train.max_steps", "data-p": "data_p"}
    assert dotted_name(written, settings_of(smoke())) == names.get(written, "data.p_bursty")


def test_nothing_as_text_chooses_no_omniglot():
    assert with_settings(laptop(), {"data.omniglot": "None"}) == laptop()


@pytest.mark.parametrize("written", [[[1, 2], [3, 4]], ["1", "2", "3", "4"], ((1, 2), (3, 4))])
def test_a_plugins_own_setting_of_an_unusual_type_is_read(plugins, written):
    plugins.install("unusual", UNUSUAL)
    config = with_settings(smoke(), {"model.embedder": "unusual", "model.embedder_config.sizes": written})
    assert config.model.embedder_config.sizes == ((1, 2), (3, 4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model.embedder_config.sizes": ["a", "b"]}, "model.embedder_config.sizes must be"),
        ({"model.embedder_config.width": 0}, "model.embedder_config: width must be at least 1, got 0"),
        ({"model.embedder_config.width": 1.5}, "model.embedder_config.width must be a whole number, got '1.5'"),
        ({"model.embedder_config.widht": 1}, "setting model.embedder_config.widht does not exist; did you mean model."),
    ],
)
def test_a_components_own_mistake_says_whose_it_is(plugins, settings, message):
    plugins.install("unusual", UNUSUAL)
    with pytest.raises(ValueError) as caught:
        with_settings(smoke(), {"model.embedder": "unusual", **settings})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
