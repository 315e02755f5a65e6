"""Write what `icl-data sanity-check` compares with, from a checkout of the released code.

    python record_sanity.py CHECKOUT OMNIGLOT

Cases are those of sequences.json that the released code can run in 4 GB of memory, and some on Omniglot that it lacks.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import icl_data
from icl_data._released.sanity_cases import RECORDED, Case
from icl_data._released.sanity_released import ReleasedCode

HERE, TARGET = Path(__file__).parent, Path(icl_data.__file__).parent / "recorded"
N_SYMBOLIC, N_OMNIGLOT = 16, 4
OMNIGLOT = {"type": "omniglot", "omniglot_split": "all", "exemplars": "all", "augment_images": False, "n_to_keep": None}
SIZES = {"n_rare_classes": 1603, "n_common_classes": 10, "n_holdout_classes": 10, "zipf_exponent": 1.0}
AUGMENTED = {"n_rare_classes": 320, "n_common_classes": 40, "n_holdout_classes": 40, "preserve_ordering_every_n": 8}


def more_cases() -> list[dict[str, Any]]:
    """Kinds and sources that sequences.json has no Omniglot cases of."""
    quiet, few = {"noise_scale": 0.0}, {"shots": 4, "ways": 2}
    kept = {**OMNIGLOT, "augment_images": True, "n_to_keep": 50}
    rows = [
        ("omniglot_all_random", OMNIGLOT, SIZES | quiet, "random", {"class_type": "zipfian", "seq_len": 9}),
        (
            "omniglot_all_random_original",
            OMNIGLOT,
            SIZES | quiet,
            "random",
            {"class_type": "rare", "seq_len": 9, "labeling": "original"},
        ),
        (
            "omniglot_single_random",
            OMNIGLOT | {"exemplars": "single"},
            SIZES | quiet,
            "random",
            {"class_type": "common", "seq_len": 9, "all_unique": True},
        ),
        ("omniglot_all_mixed", OMNIGLOT, SIZES | quiet, "mixed", few | {"p_fewshot": 0.5}),
        ("omniglot_all_noise_mixed", OMNIGLOT, SIZES | {"noise_scale": 0.1}, "mixed", few | {"p_fewshot": 0.5}),
        ("omniglot_augmented_50_fewshot", kept, AUGMENTED | quiet, "fewshot", few | {"class_type": "holdout"}),
        ("omniglot_augmented_50_random", kept, AUGMENTED | quiet, "random", {"class_type": "zipfian", "seq_len": 9}),
    ]
    return [
        {"name": name, "source": source, "generator": generator, "kind": kind, "args": args, "seed": 800 + place}
        for place, (name, source, generator, kind, args) in enumerate(rows)
    ]


def cases() -> list[Case]:
    """All cases."""
    golden = json.loads((HERE / "sequences.json").read_text())
    found = []
    for case in [*golden, *more_cases()]:
        whole_and_augmented = case["source"].get("augment_images") and case["source"]["n_to_keep"] is None
        if "raises" in case or whole_and_augmented:
            continue
        n = N_SYMBOLIC if case["source"]["type"] == "symbolic" else N_OMNIGLOT
        args = case["args"]
        seq_len = args["seq_len"] if "seq_len" in args else args["shots"] * args["ways"] + 1
        found.append(Case(**{**case, "n": n, "seq_len": seq_len}))
    return found


def main() -> None:
    """Write the two files."""
    chosen = cases()
    fields = ReleasedCode(Path(sys.argv[1]), Path(sys.argv[2])).fields(chosen)
    TARGET.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(asdict(case)) for case in chosen)
    (TARGET / "cases.json").write_text(f"[\n{lines}\n]\n")
    flat = {
        name: np.concatenate([getattr(fields[case.name], name).reshape(-1).astype(np.uint64) for case in chosen])
        for name in RECORDED
    }
    np.savez_compressed(
        TARGET / "fields.npz",
        **{name: values.astype(np.min_scalar_type(values.max())) for name, values in flat.items()},
    )


if __name__ == "__main__":
    main()
