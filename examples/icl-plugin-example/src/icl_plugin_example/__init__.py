"""A plugin of icl: the hooks of the modules that it imports here are found by the entry point `example`."""

from icl_plugin_example._embedder import icl_register_embedders
from icl_plugin_example._experiment import icl_register_experiments
from icl_plugin_example._figure import icl_register_figures
from icl_plugin_example._launcher import icl_register_launchers
from icl_plugin_example._sequence_model import icl_register_sequence_models

__all__ = [
    "icl_register_embedders",
    "icl_register_experiments",
    "icl_register_figures",
    "icl_register_launchers",
    "icl_register_sequence_models",
]
