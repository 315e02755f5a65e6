"""Distributions with one plugin each, on the path for the length of a test."""

import os
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
import torch

import icl_models._plugins.registry as registry_module

# Without a GPU kernels are interpreted. Triton wants to know when it is imported, which parts of torch do.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Modules that several tests share lie here, where pytest's importlib mode does not look by itself.
sys.path.append(str(Path(__file__).parent))


class Installer:
    """Puts distributions with one plugin each into a folder on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        name: str,
        source: str,
        version: str = "1.0",
        *,
        plugin: str | None = None,
        distribution: str | None = None,
    ) -> None:
        """Module icl_fake_NAME, entry point NAME and distribution icl-dist-NAME, unless these are given."""
        module = f"icl_fake_{name}"
        (self.folder / f"{module}.py").write_text(source)
        distribution = distribution or f"icl-dist-{name}"
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[icl]\n{plugin or name} = {module}\n")

    def entry_points(self, *, group: str) -> list[EntryPoint]:
        """Those in the folder alone: which plugins are installed here is no matter of a test."""
        found = entry_points(group=group)
        return [entry for entry in found if entry.dist and Path(str(entry.dist.locate_file(""))) == self.folder]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("ICL_PLUGINS", raising=False)
    registry_module.registry.cache_clear()
    installer = Installer(tmp_path)
    monkeypatch.setattr(registry_module, "entry_points", installer.entry_points)
    yield installer
    registry_module.registry.cache_clear()
    for module in [name for name in sys.modules if name.startswith("icl_fake_")]:
        del sys.modules[module]
