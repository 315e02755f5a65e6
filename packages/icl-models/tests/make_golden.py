"""Write the compact golden files beside this script: `python make_golden.py FOLDER_WITH_THE_FULL_FILES`.

Kept exactly: parameters, state, state after one step, inputs, logits, loss, trajectory. Gradients are rounded: to 1e-6
of the largest where tests compare to 1e-5 of it, to half precision where they compare to 5e-2. Of the final parameters
only small tensors are kept (up to 128 numbers), of the final state nothing: the trajectory's losses stand for them.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMALL = 128


def compact(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    kept = {
        key: array
        for key, array in arrays.items()
        if not key.startswith(("grads|", "params_final|", "state_final|"))
        or (key.startswith("params_final|") and array.size <= _SMALL)
    }
    gradients = [arrays[key.replace("params|", "grads|", 1)] for key in sorted(arrays) if key.startswith("params|")]
    if any(key.startswith("state|") for key in arrays):
        scales = np.array([np.abs(gradient).max() or 1.0 for gradient in gradients], np.float32)
        halves = [gradient.ravel() / scale for gradient, scale in zip(gradients, scales, strict=True)]
        return kept | {"grads_half": np.concatenate(halves).astype(np.float16), "grads_scale": scales}
    flat = np.concatenate([gradient.ravel() for gradient in gradients])
    step = np.float32(1e-6 * np.abs(flat).max())
    # Byte planes, because the upper ones compress to almost nothing.
    planes = np.rint(flat / step).astype("<i4").view(np.uint8).reshape(-1, 4).T
    return kept | {"grads_planes": np.ascontiguousarray(planes), "grads_step": step}


def main(source: Path) -> None:
    target = Path(__file__).parent / "golden"
    target.mkdir(exist_ok=True)
    for path in sorted(source.glob("model_*.npz")):
        with np.load(path) as arrays:
            np.savez_compressed(target / path.name, **compact(dict(arrays)))
        (target / path.name).with_suffix(".json").write_text(path.with_suffix(".json").read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
