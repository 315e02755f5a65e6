"""Components that a run was made with and that cannot be had where it is opened."""

from __future__ import annotations

from icl_models._plugins.registry import Kind, registry

__all__ = ["unusable_component"]


def unusable_component(kind: Kind, name: str, *, distribution: str, version: str) -> str | None:
    """Why a plugin's component cannot be used here, in one line; None if it can.

    Args:
        kind: "embedder", "sequence_model" or "tracker".
        name: of the component.
        distribution, version: what it was of when it was used.

    Raises:
        PluginError: if the installed plugins cannot be used together.
    """
    if name in registry().names(kind):
        return None
    needs = f"{kind.replace('_', ' ')} {name!r} needs {distribution} {version}"
    records = [record for record in registry().records if record.distribution == distribution]
    if not records:
        return f"{needs}, which is not installed: pip install {distribution}=={version}"
    for record in records:
        if record.state == "broken":
            return f"{needs}: {record.set_aside()}"
        if record.state == "disabled":
            return f"{needs}, whose plugin {record.name!r} ICL_PLUGINS leaves out"
    return f"{needs}; {distribution} {records[0].version}, which is installed, has none of that name"
