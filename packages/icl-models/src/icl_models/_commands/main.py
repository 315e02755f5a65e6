"""The command `icl-models`: installed plugins, model summaries, checkpoints of the released code."""

import json
import warnings
from collections.abc import Sequence
from typing import Any

from icl_data.foundation.command_line import CommandFailed, OneLineParser, run_command
from icl_data.foundation.printable import printable
from icl_data.foundation.sealed import Damaged
from icl_models._commands.haiku import add_export_haiku, add_import_haiku
from icl_models._commands.summary import add_summary
from icl_models._plugins.registry import PluginRecord, PluginWarning, Registry


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, see `icl_data.foundation.command_line`. Wrong arguments exit with 2."""
    return run_command(_run, "icl-models", argv)


def _run(args: Sequence[str]) -> int:
    parser = OneLineParser(prog="icl-models", description="Models for in-context learning.")
    commands = parser.add_subparsers(dest="command", required=True)
    plugins = commands.add_parser("plugins", help="list the installed plugins, their components and their state")
    plugins.add_argument("--json", action="store_true", help="print JSON")
    plugins.add_argument("--all", action="store_true", help="list the built-in components, too")
    plugins.set_defaults(run=lambda chosen: _plugins(as_json=chosen.json, with_built_in=chosen.all))
    for add_command in (add_summary, add_import_haiku, add_export_haiku):
        add_command(commands)
    options = parser.parse_args(args)
    try:
        code: int = options.run(options)
    except Damaged as damage:  # the command was right, and the file is not what it was
        raise CommandFailed(str(damage)) from damage
    return code


def _plugins(*, as_json: bool, with_built_in: bool) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the list says the same
        registry = Registry()
    records = [record for record in registry.records if with_built_in or not record.built_in]
    if as_json:
        print(json.dumps([_as_dict(record) for record in records], indent=2))
    else:
        print("\n".join(printable(_as_line(record)) for record in records) or "no plugins installed")
    if registry.conflict is not None:
        raise registry.conflict
    return 0


def _as_dict(record: PluginRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "distribution": record.distribution,
        "version": record.version,
        "state": record.state,
        "components": {f"{kind}s": list(names) for kind, names in record.components.items()},
        "error": None if record.error is None else f"{type(record.error).__name__}: {record.error}",
    }


def _as_line(record: PluginRecord) -> str:
    if record.state == "broken":
        return record.set_aside()
    components = ", ".join(name for names in record.components.values() for name in names) or "no components"
    return f"{record.name} ({record.distribution} {record.version}), {record.state}: {components}"
