"""Run folders with numbers that are made up: two values of a setting, two seeds of each, and some to be wary of."""

from dataclasses import replace

from icl_train import RunFolder, figure3a, smoke
from icl_train.metrics import wilson_interval

STEPS = (0, 10, 20, 30, 40)
HEADS = "step,split,measure,kind,layer,head,value,low,high,reference,n\n"
HOSTILE = "<img src=x onerror=window.hurt=1>"
THEIRS = {"dim": None, "noise_scale": None}  # of somebody's own source


def record(split, step, accuracy, *, chance, metric, n=200):
    """A line of metrics.jsonl."""
    low, high = wilson_interval(round(accuracy * n), n)
    told = {"headline": metric, "chance": chance, "n_sequences": n, "protocol": "paper"}
    bounds = {metric: accuracy, f"{metric}_low": low, f"{metric}_high": high}
    return {"split": f"eval_{split}", "step": step, "sequences": 16 * step, **told, **bounds}


def make(root, name, *, p_bursty, seed, icl, iwl, steps=STEPS, done=True, emb_dim=None, source=None):
    """One run, whose accuracies go from chance to ``icl`` and ``iwl``."""
    base = smoke()
    base = replace(base, model=replace(base.model, emb_dim=emb_dim or base.model.emb_dim))
    base = replace(
        base,
        data=replace(base.data, p_bursty=p_bursty, **(THEIRS | {"source": source} if source else {})),
        train=replace(base.train, max_steps=STEPS[-1]),
        eval=replace(base.eval, interval=10),
    )
    (config,) = figure3a(base, class_counts=(64,), seeds=(seed,))
    run = RunFolder.create(root / name, config, device="cpu", threads=1)
    for step in steps:
        part = step / STEPS[-1]
        run.append(
            [
                record("fewshot_holdout", step, 0.5 + (icl - 0.5) * part, chance=0.5, metric="accuracy_closed"),
                record("no_support_zipfian", step, iwl * part, chance=1 / 64, metric="accuracy_query"),
            ]
        )
    if done:
        run.mark_done()
    return run


def make_all(root):
    """Four finished runs, one that is not, and one that is called like markup."""
    for seed in (0, 1):
        make(root, f"bursty-{seed}", p_bursty=1.0, seed=seed, icl=0.9 + 0.02 * seed, iwl=0.02)
        make(root, f"iid-{seed}", p_bursty=0.0, seed=seed, icl=0.5, iwl=0.8 + 0.02 * seed)
    make(root, "going-on", p_bursty=0.5, seed=0, icl=0.7, iwl=0.1, steps=STEPS[:3], done=False)
    make(root, HOSTILE, p_bursty=0.5, seed=1, icl=0.8, iwl=0.3)
    (root / "broken").mkdir()
    (root / "broken" / "config.json").write_text("{")
