"""Updates of ensembles of 1 to 100 two-layer, five-token models (preset singh2025), beside those of a solo model.

python benchmarks/bench_ensemble.py [--device cuda] [--classes 1600] [--batch 32] [--rates 1] [--sizes 1 4 16 64 100]

Examples are there beforehand: this is what models, losses and optimisers cost. On a CUDA device a whole update is a
graph, of the solo model as of the ensembles; "eager" is a solo update without one. Rounds take turns in one process,
medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models import EnsembleModel, InContextModel, ModelConfig, TransformerConfig, build_model
from icl_train._engines.capturing import Captured
from icl_train._ensemble.optimizer import EnsembleOptimizer
from icl_train._ensemble.update import EnsembleUpdate
from icl_train.config import OptimConfig
from icl_train.optim import build_optimizer

EXAMPLES, DIM, ROUNDS = 3, 512, 5
OPTIM = OptimConfig(optimizer="adam", schedule="constant", warmup_steps=0, max_lr=1e-5)


def model(classes: int, seed: int) -> InContextModel:
    """The preset's model: attention only, learned positions."""
    config = ModelConfig(
        num_classes=classes,
        example_kind="vector",
        example_shape=(DIM,),
        embedder="vector",
        num_layers=2,
        sequence_model_config=TransformerConfig(mlp_layers=(), positions="learned"),
    )
    return build_model(config, seed=seed)


def batch(members: int, size: int, classes: int, device: str) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    examples = torch.randn(members, size, EXAMPLES, DIM, generator=generator)
    labels = torch.randint(classes, (members, size, EXAMPLES), generator=generator)
    return examples.to(device), labels.to(device)


def solo(classes: int, size: int, device: str) -> Callable[[], None]:
    """An update of one model as it is trained alone."""
    one = model(classes, 0).to(device)
    optimizer = build_optimizer(one, optimizer="adam")
    for group in optimizer.param_groups:
        group["lr"] = torch.tensor(1e-5, device=device)
        group["capturable"] = device == "cuda"
    examples, labels = (part[0] for part in batch(1, size, classes, device))

    def update() -> None:
        loss = F.cross_entropy(one(examples, labels, "query"), labels[:, -1])
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()

    return update


def ensemble(members: int, classes: int, size: int, rates: int, device: str) -> Callable[[], None]:
    """An update of an ensemble, whose members have so many different rates."""
    whole = EnsembleModel([model(classes, seed).to(device) for seed in range(members)])
    settings = [replace(OPTIM, max_lr=1e-5 * (1 + seed % rates)) for seed in range(members)]
    optimizer = EnsembleOptimizer(whole, settings)
    optimizer.set_rates([one.max_lr for one in settings])
    update = EnsembleUpdate(whole, optimizer, precision="float32", w_interim=0.0)
    examples, labels = batch(members, size, classes, device)
    return lambda: update(examples, labels)


def as_graph(update: Callable[[], None]) -> Callable[[], None]:
    """The same update, captured."""
    return Captured(update, torch.device("cuda"))


def seconds(update: Callable[[], None], device: str, budget: float) -> float:
    """Of one update, from as many as the budget allows, at least two."""
    done, start = 0, time.perf_counter()
    while done < 2 or time.perf_counter() - start < budget:
        for _ in range(20 if device == "cuda" else 1):
            update()
            done += 1
        if device == "cuda":
            torch.cuda.synchronize()
    return (time.perf_counter() - start) / done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--classes", type=int, default=1600)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rates", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 16, 64, 100])
    parser.add_argument("--budget", type=float, default=0.2, help="seconds of a measurement, of which there are 5")
    asked = parser.parse_args()
    name = torch.cuda.get_device_name() if asked.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}; {asked.classes} classes, batch {asked.batch}, {asked.rates} rates")
    updates: dict[str, tuple[int, Callable[[], None]]] = {
        "solo, eager": (1, solo(asked.classes, asked.batch, asked.device))
    }
    if asked.device == "cuda":
        updates["solo, graph"] = (1, as_graph(solo(asked.classes, asked.batch, asked.device)))
    for members in asked.sizes:
        update = ensemble(members, asked.classes, asked.batch, asked.rates, asked.device)
        updates[f"ensemble of {members}"] = (members, as_graph(update) if asked.device == "cuda" else update)
    for _, update in updates.values():
        seconds(update, asked.device, 0.0)
    times: dict[str, list[float]] = {label: [] for label in updates}
    for _ in range(ROUNDS):
        for label, (_, update) in updates.items():
            times[label].append(seconds(update, asked.device, asked.budget))
    base = list(updates)[1 if asked.device == "cuda" else 0]
    for label, (members, _) in updates.items():
        each = statistics.median(times[label])
        ratio = statistics.median(b / t * members for b, t in zip(times[base], times[label], strict=True))
        print(f"{label:<18} {each * 1e3:9.3f} ms a step, {members / each:10,.0f} steps/s in all, {ratio:7.2f} x {base}")
    if asked.device == "cuda":
        print(f"memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
