"""Tabulate runs of a search for in-context learning that comes and goes (Singh et al. 2025), a row each.

python results/followups/search.py RUNS > results/followups/search.csv
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from icl_eval import load_runs

ICL, FLIP, CIWL = "fewshot_zipfian", "flip", "ciwl"
ARRAY = re.compile(r"e(?P<exemplars>\d+)d(?P<dim>\d+)-n(?P<noise>[\d.]+)\.npy$")


def settings(row: Any) -> dict[str, Any]:
    """What was varied; of an array file its name says it (the law of `GaussianSource.with_exemplars`)."""

    def value(name: str, default: Any) -> Any:
        return default if name not in row or pd.isna(row[name]) else row[name]

    source = str(row["data.source"])
    named = ARRAY.search(source)
    own = named.groupdict() if named else {}
    return {
        "source": "gaussian" if named else Path(source).stem,
        "classes": row["data.n_rare_classes"] + row["data.n_common_classes"],
        "labels": value("data.n_labels", "own"),
        "dimensions": own.get("dim", value("data.dim", 63)),
        "noise": own.get("noise", value("data.noise_scale", 0.1)),
        "exemplars": own.get("exemplars", value("data.n_exemplars", "new")),
        "mlp_layers": row["model.sequence_model_config.mlp_layers"],
        "max_lr": row["optim.max_lr"],
        "l2": row["optim.l2"],
    }


def main(root: str) -> None:
    """Print the rows."""
    table = load_runs(root, unfinished=True)
    rows = []
    for _, own in table.groupby("run", sort=True):
        kept = own[own["split"].isin([ICL, FLIP, CIWL]) & own["headline"].astype(bool)]
        curves = {split: part.set_index("step")["value"] for split, part in kept.groupby("split")}
        if set(curves) != {ICL, FLIP, CIWL}:
            continue
        icl, flip, ciwl = (curves[name] for name in (ICL, FLIP, CIWL))
        rows.append(
            {
                **settings(own.iloc[0]),
                "updates": icl.index.max(),
                "icl_peak": icl.max(),
                "icl_peak_step": icl.idxmax(),
                "icl_last": icl.iloc[-1],
                "flip_peak": flip.max(),
                "flip_last": flip.iloc[-1],
                "ciwl_at_icl_peak": ciwl[icl.idxmax()],
                "ciwl_last": ciwl.iloc[-1],
            }
        )
    writer = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
