"""The command `icl-models summary`: parameters, operations and activation memory of a configuration."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from itertools import groupby
from typing import TYPE_CHECKING, Any

from icl_data.foundation.command_line import path_option
from icl_data.foundation.printable import text_table
from icl_models._commands.config_file import add_set_option, read_assignments, read_config

if TYPE_CHECKING:
    from icl_models._summary import ModelSummary, PartSummary


def add_summary(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command; `run` is where its options lead."""
    parser = commands.add_parser("summary", help="print a model's parameters, operations and activation memory")
    parser.add_argument(
        "config",
        type=path_option,
        metavar="CONFIG",
        help="a JSON file of ModelConfig.to_dict(), or a saved model (a .safetensors file or its folder)",
    )
    add_set_option(parser, "change a setting of the config")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="sequences of a batch (default 32)")
    parser.add_argument(
        "--seq-len", type=int, default=9, metavar="N", help="examples of a sequence, the query included (default 9)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    config = read_config(options.config, read_assignments(options.assignments))
    from icl_models._summary import summarize  # PyTorch is imported when there is something to count

    summary = summarize(config, batch_size=options.batch_size, seq_len=options.seq_len)
    print(_as_json(summary) if options.json else _as_text(summary))
    return 0


def _as_json(summary: ModelSummary) -> str:
    plain = {field.name: getattr(summary, field.name) for field in fields(summary)}
    plain["config"] = summary.config.to_dict()
    plain["parts"] = [asdict(part) for part in summary.parts]
    return json.dumps(plain, indent=2)


def _as_text(summary: ModelSummary) -> str:
    rows = [("part", "parameters", "FLOPs forward")]
    rows += [(label, f"{part.parameters:,}", f"{part.flops:,}") for label, part in _lines(summary.parts)]
    rows.append(("total", f"{summary.parameters:,}", f"{summary.flops_forward:,}"))
    totals = [
        ("FLOPs forward", f"{summary.flops_forward:,}", f"a sequence of {summary.seq_len} examples"),
        ("FLOPs forward and backward", f"{summary.flops_training:,}", f"a sequence of {summary.seq_len} examples"),
        ("bytes of activations", f"{summary.activation_bytes:,}", f"a batch of {summary.batch_size} sequences"),
    ]
    return f"{text_table(rows, right=(1, 2))}\n\n{text_table(totals, right=(1,))}"


def _lines(parts: Iterable[PartSummary]) -> Iterator[tuple[str, PartSummary]]:
    """Parts under indented names; of layers alike that follow each other, the first stands for all."""
    for _, run in groupby(_by_layer(parts), key=_likeness):
        alike = list(run)
        layer, *inside = alike[0]
        indent = "  " if "." in layer.name else ""
        title = layer.name.partition(".")[2] or layer.name
        if len(alike) > 1:
            title += f" to {alike[-1][0].name.rpartition('.')[2]}, each"
        yield indent + title, layer
        for part in inside:
            yield f"{indent}  {part.name.removeprefix(layer.name + '.')}", part


def _by_layer(parts: Iterable[PartSummary]) -> list[list[PartSummary]]:
    """Each layer, which a number names, with its own parts; any other part alone."""
    layers: list[list[PartSummary]] = []
    for part in parts:
        if layers and _is_layer(layers[-1][0]) and part.name.startswith(layers[-1][0].name + "."):
            layers[-1].append(part)
        else:
            layers.append([part])
    return layers


def _is_layer(part: PartSummary) -> bool:
    return part.name.rpartition(".")[2].isdigit()


def _likeness(layer: list[PartSummary]) -> tuple[object, ...]:
    name = layer[0].name
    family = name.rpartition(".")[0] if _is_layer(layer[0]) else name
    return (family, *((part.name.removeprefix(name), part.parameters, part.flops) for part in layer))
