"""What is in the files that dill wrote for the tests, golden/dill_*.dill, and the script that writes them again:

    python dill_cases.py

It needs JAX, optax, dill and ml_dtypes; the tests need none of them. Standalone, so that tests can load it by its path.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GOLDEN = Path(__file__).parents[1] / "golden"
PROTOCOLS = range(6)
BFLOAT16 = np.array([[0.0, -0.5, 3.0], [2.0**100, np.inf, 2.0**-130]], np.float32)  # numbers that bfloat16 has


def forms() -> dict[str, Any]:
    """Arrays and numbers of every form, by name, as they are read; all but those of bfloat16 as they are written."""
    grid = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    return {
        "rows first": grid,
        "columns first": np.asfortranarray(grid),
        "axes in another order": grid.transpose(1, 0, 2),
        "every second": grid[:, ::2, 1:],
        "no axis": np.array(7, np.int32),
        "empty": np.zeros((0, 3), np.float32),
        "float16": np.linspace(-2, 2, 9, dtype=np.float16),
        "float64": np.linspace(-2, 2, 9),
        "int8": np.arange(-3, 3, dtype=np.int8),
        "uint32": np.array([3, 1 << 31], np.uint32),
        "booleans": np.array([True, False]),
        "big-endian": np.arange(3, dtype=">i4"),
        "number": np.float32(0.25),
        "integer": np.int64(-7),
        "bfloat16": BFLOAT16,
        "bfloat16, columns first": np.asfortranarray(BFLOAT16),
        "bfloat16 number": np.float32(-0.5),
    }


def params(num_classes: int = 5, width: int = 8) -> dict[str, dict[str, NDArray[np.float32]]]:
    """The released LSTM of one layer on ids, with numbers that a few bits hold."""
    shapes = {
        "input_embedder": {"embs": (num_classes, width)},
        "input_embedder/embed": {"embeddings": (num_classes, width)},
        "rnn/lstm/linear": {"w": (2 * width, 4 * width), "b": (4 * width,)},
        "rnn/linear": {"w": (width, num_classes), "b": (num_classes,)},
    }
    return {
        module: {name: _pattern(f"{module}|{name}", shape) for name, shape in arrays.items()}
        for module, arrays in shapes.items()
    }


def _pattern(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    numbers = np.arange(np.prod(shape), dtype=np.float32)
    return (((numbers * 7 + len(name)) % 16 - 8) / 8).reshape(shape)


def _write() -> None:
    import dill
    import jax
    import jax.numpy as jnp
    import ml_dtypes
    import optax

    stored = forms()
    for name in stored:
        if name.startswith("bfloat16"):
            array = np.asarray(stored[name]).astype(ml_dtypes.bfloat16, order="K")
            stored[name] = array[()] if name.endswith("number") else array
    for protocol in PROTOCOLS:
        (GOLDEN / f"dill_forms_{protocol}.dill").write_bytes(dill.dumps(stored, protocol=protocol))
    on_device = jax.tree.map(jnp.asarray, params())
    kinds = {"numpy": lambda tree: jax.device_get(tree), "jax": lambda tree: tree}
    kinds["bfloat16"] = lambda tree: jax.device_get(jax.tree.map(lambda a: a.astype(jnp.bfloat16), tree))
    for kind, convert in kinds.items():
        content = {
            "params": convert(on_device),
            "state": {},
            "opt_state": convert(optax.sgd(0.1, momentum=0.9).init(on_device)),
            "global_step": np.int64(500_000),
        }
        (GOLDEN / f"dill_checkpoint_{kind}.dill").write_bytes(dill.dumps(content))


if __name__ == "__main__":
    _write()
