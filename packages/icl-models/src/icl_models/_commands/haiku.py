"""The commands `icl-models import-haiku` and `export-haiku`: released checkpoints to saved models and back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from icl_data.foundation.command_line import path_option
from icl_data.foundation.printable import printable, text_table
from icl_models._commands.config_file import add_set_option, read_assignments
from icl_models._commands.files import try_output, writing
from icl_models._config import ModelConfig
from icl_models._saved_config import saved_file

if TYPE_CHECKING:
    from icl_models.haiku import CheckpointVariables, Variables

_UNTOLD = (
    "num_heads",
    "example_shape",
    "dropout_prob",
    "example_dropout_prob",
    "positional_dropout_prob",
    "use_positional_encodings",
)


def add_import_haiku(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command; `run` is where its options lead."""
    parser = commands.add_parser("import-haiku", help="turn a checkpoint of the released code into a saved model")
    parser.add_argument(
        "checkpoint", type=path_option, metavar="CHECKPOINT", help="checkpoint.dill of the released code"
    )
    parser.add_argument(
        "output", type=path_option, metavar="OUT", help="the saved model to write, e.g. model.safetensors"
    )
    parser.add_argument(
        "--num-heads", type=int, metavar="N", help="attention heads, which no checkpoint tells (default 8)"
    )
    add_set_option(parser, "a setting that no checkpoint tells, such as example_shape")
    _add_force(parser)
    parser.set_defaults(run=_import)


def add_export_haiku(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command; `run` is where its options lead."""
    parser = commands.add_parser("export-haiku", help="turn a saved model into a checkpoint for the released code")
    parser.add_argument(
        "model", type=path_option, metavar="MODEL", help="a saved model: a .safetensors file or its folder"
    )
    parser.add_argument("output", type=path_option, metavar="OUT", help="the pickle to write, e.g. checkpoint.dill")
    _add_force(parser)
    parser.set_defaults(run=_export)


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="take the place of a file that is there")


def _import(options: argparse.Namespace) -> int:
    try_output(options.output, overwrite=options.force)
    options.checkpoint.open("rb").close()  # PyTorch is imported when there is something to turn into a model
    from icl_models._model import build_model
    from icl_models._saved_model import save_model
    from icl_models.haiku import checkpoint_variables, import_variables, infer_config, load_checkpoint

    found = checkpoint_variables(load_checkpoint(options.checkpoint))
    params, state = found.params, found.state
    settings = read_assignments(options.assignments)
    if options.num_heads is not None:
        settings["num_heads"] = options.num_heads
    config = infer_config(params, **settings)
    weights = import_variables(config, params, state)  # before anything as large as the file claims is built
    model = build_model(config, seed=0)
    model.load_state_dict(weights)
    with writing():
        save_model(model, options.output, overwrite=options.force)
    print(_variable_table(params, state))
    print()
    print(_setting_table(config, settings))
    print()
    if found.num_replicas is not None:
        print(_replicas(found))
    if found.unused:
        print(printable(f"not read: {', '.join(found.unused)}"))
    print(printable(f"written: {options.output}"))
    return 0


def _export(options: argparse.Namespace) -> int:
    try_output(options.output, overwrite=options.force)
    saved_file(options.model)
    from icl_models._saved_model import load_model
    from icl_models.haiku import export_variables, save_checkpoint

    params, state = export_variables(load_model(options.model))
    with writing():
        save_checkpoint(options.output, params, state, overwrite=options.force)
    print(_variable_table(params, state))
    print()
    print(printable(f"written: {options.output}"))
    return 0


def _replicas(found: CheckpointVariables) -> str:
    """What was done with the values of several devices."""
    said = f"devices: {found.num_replicas}, with equal params; the first one's state was taken"
    return f"{said}, as released: {len(found.differing)} of its arrays differ" if found.differing else said


def _variable_table(params: Variables, state: Variables) -> str:
    """How many arrays and numbers each part has, a part being a module of a module such as a layer."""
    rows = [("variables", "arrays", "numbers")]
    for collection, variables in (("params", params), ("state", state)):
        parts: dict[str, list[int]] = {}
        for module, arrays in variables.items():
            sizes = [np.size(array) for array in arrays.values()]
            parts.setdefault("/".join(module.split("/")[:2]), []).extend(sizes)
        rows += [(f"{collection} {part}", f"{len(sizes)}", f"{sum(sizes):,}") for part, sizes in parts.items()]
    return text_table(rows, right=(1, 2))


def _setting_table(config: ModelConfig, given: Mapping[str, Any]) -> str:
    """The settings that have a value, and where it is from."""
    values = config.to_dict()
    if config.sequence_model == "transformer":
        values["num_heads"] = config.resolved_num_heads
    rows = [("setting", "value", "from")]
    for name, value in values.items():
        inside = isinstance(value, Mapping)
        for setting, one in value.items() if inside else ((name, value),):
            if one is not None:
                from_line = setting in given[name] if inside and isinstance(given.get(name), Mapping) else name in given
                full = f"{name}.{setting}" if inside else name
                rows.append((full, str(one), "the command line" if from_line else _source(config, name)))
    return text_table(rows)


def _source(config: ModelConfig, name: str) -> str:
    """Of a setting that is not given."""
    assumed = name in _UNTOLD and not (name == "example_shape" and config.example_kind == "id")
    return "no checkpoint tells it: assumed" if assumed else "checkpoint"
