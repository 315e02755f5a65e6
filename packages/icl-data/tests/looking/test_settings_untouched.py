"""Importing and using the package changes nothing for others, and matplotlib's settings change nothing for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DRAW = """
import io, sys
import numpy as np
from icl_data import BatchSampler, Bursty, ClassSplit, GaussianSource
from icl_data import draw_sequences, draw_statistics, sequence_statistics

def figures():
    source, split = GaussianSource(60, dim=8), ClassSplit(60, n_rare=40, n_common=10)
    sampler = BatchSampler(source, split, Bursty(), batch_size=100, seed=0)
    batch = sampler(0)
    few = batch[:2]
    yield draw_sequences(few, source.gather(few.class_index, few.exemplar_index), classes=True)
    yield draw_sequences(few, few.class_index)
    yield draw_statistics(sequence_statistics([batch], split, Bursty()))

def written(figure):
    memory = io.BytesIO()
    figure.savefig(memory, format="png")
    return memory.getvalue()
"""
ODD = """
import matplotlib
matplotlib.rcParams.update({
    "text.usetex": True, "font.family": "serif", "font.size": 3, "mathtext.fontset": "cm", "figure.dpi": 37,
    "font.sans-serif": ["DejaVu Serif"],
    "figure.facecolor": "red", "axes.facecolor": "yellow", "axes.edgecolor": "blue", "axes.grid": True,
    "axes.unicode_minus": False, "axes.titlesize": 40, "axes.labelcolor": "red", "axes.linewidth": 9,
    "xtick.labelsize": 30, "xtick.color": "red", "ytick.minor.visible": True, "lines.linewidth": 30,
    "image.cmap": "jet", "image.origin": "lower", "savefig.dpi": 20, "savefig.bbox": "tight", "savefig.format": "pdf",
    "savefig.transparent": True, "savefig.facecolor": "green", "figure.autolayout": True, "legend.fontsize": 30,
    "path.sketch": (10, 10, 10), "text.color": "white", "axes.prop_cycle": matplotlib.cycler(color=["red"]),
})
"""


def _run(code: str, **environment: str) -> str:
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(autouse=True)
def _matplotlib(request: pytest.FixtureRequest) -> None:
    if "matplotlib" in request.function.__name__:
        pytest.importorskip("matplotlib", reason='matplotlib is not installed: pip install "icl-data[plot]"')


SAVING = "import hashlib; print([hashlib.sha256(written(figure)).hexdigest() for figure in figures()])"


def test_figures_are_the_same_whatever_matplotlib_is_set_to() -> None:
    assert _run(ODD + DRAW + SAVING) == _run(DRAW + SAVING)


def test_figures_are_the_same_whatever_file_matplotlib_is_set_by(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 3\nsavefig.bbox: tight\naxes.grid: True\n")
    assert _run(DRAW + SAVING, MATPLOTLIBRC=str(tmp_path / "matplotlibrc")) == _run(DRAW + SAVING)


def test_figure_drawn_on_a_canvas_of_matplotlib_is_the_same_too() -> None:
    drawing = """
from matplotlib.backends.backend_agg import FigureCanvasAgg
import hashlib
for figure in figures():
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    print(hashlib.sha256(canvas.buffer_rgba()).hexdigest())
"""
    assert _run(ODD + DRAW + drawing) == _run(DRAW + drawing)


def test_settings_and_backend_of_matplotlib_stay_what_they_were() -> None:
    checking = """
def settings():  # asking for the backend chooses one, and imports pyplot
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}

before = settings()
assert all(map(written, figures()))
print(settings() == before, "matplotlib.pyplot" in sys.modules)
"""
    assert _run(ODD + DRAW + checking).split() == ["True", "False"]


def test_figure_of_matplotlib_can_be_pickled() -> None:
    pickling = "import pickle; print([written(pickle.loads(pickle.dumps(f))) == written(f) for f in figures()])"
    assert _run(DRAW + pickling) == "[True, True, True]\n"


STATE = """
import locale, logging, os, random, signal, sys, warnings
import numpy as np

def state():
    found = [random.getstate(), np.random.get_state()[1].tolist(), np.geterr(), np.get_printoptions()]
    found += [locale.setlocale(locale.LC_ALL), list(warnings.filters), dict(os.environ), list(sys.path), os.getcwd()]
    found += [signal.getsignal(signal.SIGINT), logging.getLogger().level, list(logging.getLogger().handlers)]
    found += [sys.getrecursionlimit(), sys.excepthook, sys.stdout, sys.stderr, sys.displayhook]
    if torch := sys.modules.get("torch"):
        found += [torch.get_default_dtype(), torch.get_rng_state().tolist(), torch.is_grad_enabled()]
        found += [torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark]
    if jax := sys.modules.get("jax"):
        found += [jax.config.jax_enable_x64, jax.config.jax_platforms, jax.config.jax_default_matmul_precision]
    return found
"""
USE = """
from icl_data import BatchSampler, Bursty, ClassSplit, GaussianSource, SeqGenerator
source = GaussianSource(60)
sampler = BatchSampler(source, ClassSplit(60, n_rare=40, n_common=10), Bursty(), batch_size=4, seed=0)
batch = sampler(0)
next(SeqGenerator(source, 40, 10, seed=0).get_bursty_seq())
"""
USE_OF_LIBRARIES = {
    "icl_data": "",
    "icl_data.testing": "icl_data.testing.check_source(source)",
    "icl_data.torch": "icl_data.torch.ExampleBank(source, noise_scale=0.1)(batch, seed=0, step=0)\n"
    "list(icl_data.torch.create_sequence_dataloader(sampler, source, n_steps=2))",
    "icl_data.jax": "icl_data.jax.ExampleBank(source, noise_scale=0.1)(batch, key=sys.modules['jax'].random.key(0))",
}


@pytest.mark.parametrize("module", USE_OF_LIBRARIES)
def test_importing_and_drawing_change_no_state_of_the_process(module: str) -> None:
    library = module.partition(".")[2]
    first = ""
    if library in ("torch", "jax"):  # what the library itself does to the process is not ours
        pytest.importorskip(library)
        first = f"import {library}\n"
    compared = "print([number for number, pair in enumerate(zip(before, state())) if pair[0] != pair[1]])\n"
    use = f"{USE}\n{USE_OF_LIBRARIES[module]}\n"
    assert _run(f"{first}{STATE}\nbefore = state()\nimport {module}\n{use}{compared}") == "[]\n"
