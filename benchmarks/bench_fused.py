"""Fused kernels against the modules that they stand for: whether they agree, and what they cost in a CUDA graph.

python benchmarks/bench_fused.py --part transformer

First every variant is compiled and held against float64, each in a process of its own, beside each other; then those
that agree are timed one after the other, in pairs with the plain module. Without a GPU, kernels are interpreted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
if not CUDA:
    os.environ.setdefault("TRITON_INTERPRET", "1")

from icl_models import InContextModel, ModelConfig, TransformerConfig, build_model  # noqa: E402 (Triton looks first)
from icl_models._fused.switch import fused_kernels  # noqa: E402
from icl_models._fused.tokens.stack import run_stack  # noqa: E402
from icl_models._fused.tokens.take import all_parameters, plan_for  # noqa: E402
from icl_train._engines.capturing import Captured  # noqa: E402

TOLERANCE = 2e-5  # of a tensor's largest number
ROUNDS, CALLS = (5, 20) if CUDA else (1, 1)

PAPER: dict[str, Any] = {"layers": 12 if CUDA else 1, "batch": 32 if CUDA else 2, "tokens": 17}
SHAPES: dict[str, dict[str, Any]] = {
    "paper": PAPER,
    "attention": PAPER | {"layers": 2, "mlp_layers": ()},
    "mixed": PAPER | {"layers": 3, "mlp_layers": (1,), "tokens": 5, "width": 32},
    "wide": PAPER | {"layers": 2, "width": 128, "tokens": 33},
    "all": PAPER | {"layers": 2, "query_only": False, "heads": 1},
}
PLANS: dict[str, dict[str, Any]] = {
    "default": {},
    "overlap": {"overlap": True},
    "warps 4": {"attend_backward_warps": 4, "widen_warps": 4},
    "warps 8": {"attend_warps": 8, "gradient_warps": 8},
    "small tiles": {"tile": 32},
    "wide slices": {"slice_width": 128},
    "tf32x3": {"precision": "tf32x3"},
    "tf32": {"precision": "tf32"},
}
CASES = [
    ("tokens", "default"),
    *(("paper", plan) for plan in PLANS),
    *((shape, "default") for shape in SHAPES if shape != "paper"),
]


def built(shape: dict[str, Any]) -> InContextModel:
    """A model with this transformer, whose scales, offsets and biases are not what they begin as."""
    width = shape.get("width", 64)
    config = ModelConfig.from_dict(
        {
            "num_classes": 1623,
            "example_kind": "vector",
            "example_shape": (width,),
            "embedder": "vector",
            "emb_dim": width,
            "num_layers": shape["layers"],
            "num_heads": shape.get("heads", 8),
            "sequence_model_config": TransformerConfig(mlp_layers=shape.get("mlp_layers")),
        }
    )
    model = build_model(config, seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.2 * torch.randn_like(parameter)
    return model.to(DEVICE)


class Pass:
    """Forward and backward of a stack of layers, plain or by a plan, on tokens of its own."""

    def __init__(self, shape: dict[str, Any], plan: dict[str, Any] | None, dtype: torch.dtype = torch.float32) -> None:
        self.stack: Any = built(shape).sequence_model.to(dtype)
        query_only = shape.get("query_only", True)
        self.positions = "query" if query_only else "all"
        self.plan = None if plan is None else replace(plan_for(self.stack.blocks, query_only=query_only), **plan)
        self.wanted = list(self.stack.parameters())
        self.names = ["features", "tokens", *(name for name, _ in self.stack.named_parameters())]
        torch.manual_seed(2)
        width = shape.get("width", 64)
        self.x = torch.randn(shape["batch"], shape["tokens"], width).to(DEVICE, dtype).requires_grad_()
        self.weights = torch.randn(shape["batch"], shape["tokens"], width).to(DEVICE, dtype)
        if query_only:
            self.weights = self.weights[:, -1].contiguous()

    def __call__(self) -> list[Tensor]:
        """Features and all gradients."""
        if self.plan is None:
            features = self.stack(self.x, self.positions)
        else:
            features = run_stack(self.x, self.plan, all_parameters(self.stack.blocks, self.stack.norm))
        return [features.detach(), *torch.autograd.grad(features, [self.x, *self.wanted], self.weights)]


def errors(found: list[Tensor], exact: list[Tensor]) -> list[float]:
    return [
        float((one - other).abs().max() / other.abs().max().clamp_min(1e-30))
        for one, other in zip(found, exact, strict=True)
    ]


def check(shape: str, plan: str) -> bool:
    """Hold one variant against float64, itself, and itself in a graph; print a line."""
    begun = time.perf_counter()
    fused = Pass(SHAPES[shape], PLANS[plan])
    found = fused()
    seconds = time.perf_counter() - begun
    exact, plain = Pass(SHAPES[shape], None, torch.float64)(), Pass(SHAPES[shape], None)()
    off, plain_off = errors(found, exact), max(errors(plain, exact))
    worst = max(range(len(off)), key=lambda i: off[i] if off[i] == off[i] else float("inf"))
    twice = all(torch.equal(*pair) for pair in zip(found, fused(), strict=True))
    replay, results = captured(fused)
    replay()
    same = all(torch.equal(*pair) for pair in zip(found, results(), strict=True))
    tolerance = 500 * TOLERANCE if plan == "tf32" else TOLERANCE
    agrees = off[worst] <= tolerance and twice and same
    verdict = "ok   " if agrees else "WRONG"
    print(
        f"{verdict} {shape:<10} {plan:<22} off by {off[worst]:.1e} ({fused.names[worst]}), plain "
        f"{plain_off:.1e}; {'same' if twice else 'OTHER'} twice, {'same' if same else 'OTHER'} in a graph; "
        f"compiled in {seconds:.1f} s",
        flush=True,
    )
    if not agrees:
        bad = [f"{name} {by:.1e}" for name, by in zip(fused.names, off, strict=True) if not by <= tolerance]
        print(f"      {len(bad)} of {len(off)}: {', '.join(bad[:6])}", flush=True)
    return agrees


def check_tokens() -> bool:
    """Hold all that is behind the embedder against the modules; print a line."""
    found, plain = Tokens(PAPER, fused=True)(), Tokens(PAPER, fused=False)()
    off = errors([one.double() for one in found], [one.double() for one in plain])
    agrees = max(off) <= TOLERANCE
    named = ", ".join(f"{by:.1e}" for by in off[:4])
    verdict = "ok   " if agrees else "WRONG"
    print(f"{verdict} tokens     loss, accuracy, examples, labels: off by {named}; most {max(off):.1e}", flush=True)
    return agrees


def captured(call: Callable[[], list[Tensor]]) -> tuple[Callable[[], object], Callable[[], list[Tensor]]]:
    """What replays a call, and what the last replay found."""
    kept: list[list[Tensor]] = [[]]

    def keep() -> None:
        kept[0] = call()

    return Captured(keep, DEVICE) if CUDA else keep, lambda: kept[0]


def microseconds(replay: Callable[[], object]) -> float:
    """Of one of many replays."""
    if CUDA:
        torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(CALLS):
        replay()
    if CUDA:
        torch.cuda.synchronize()
    return 1e6 * (time.perf_counter() - begun) / CALLS


def kernels(replay: Callable[[], object], most: int = 14) -> None:
    """Print the kernels of a replay: how many, and how long each."""
    if not CUDA:
        return
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for _ in range(3):
            replay()
        torch.cuda.synchronize()
    times: dict[str, list[float]] = defaultdict(list)
    for event in profile.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            times[event.name].append(event.device_time)
    total, count = sum(map(sum, times.values())) / 3, sum(map(len, times.values())) / 3
    print(f"    {count:.0f} kernels, {total:.0f} us")
    for name, each in sorted(times.items(), key=lambda item: -sum(item[1]))[:most]:
        print(f"    {sum(each) / 3:8.1f} us {len(each) / 3:6.1f} x {sum(each) / len(each):6.2f}  {name[:90]}")


class Tokens:
    """The whole of a model behind the embedder, forward and backward with its loss, as an update has it."""

    def __init__(self, shape: dict[str, Any], *, fused: bool) -> None:
        self.model, self.fused = built(shape), fused
        torch.manual_seed(3)
        examples = (shape["tokens"] + 1) // 2
        self.h_x = torch.randn(shape["batch"], examples, shape.get("width", 64), device=DEVICE, requires_grad=True)
        self.labels = torch.randint(0, 1623, (shape["batch"], examples), device=DEVICE)
        self.wanted = [
            self.h_x, *(one for name, one in self.model.named_parameters() if not name.startswith("embedder"))
        ]  # fmt: skip

    def __call__(self) -> list[Tensor]:
        with fused_kernels(self.fused):
            logits = self.model.from_embeddings(self.h_x, self.labels, "query")
        loss = torch.nn.functional.cross_entropy(logits, self.labels[:, -1])
        accuracy = (logits.detach().argmax(-1) == self.labels[:, -1]).double().mean()
        return [loss.detach(), accuracy, *torch.autograd.grad(loss, self.wanted)]


def timed(name: str, call: Callable[[], list[Tensor]], plain: Callable[[], object], *, table: bool) -> None:
    """Print a call's time and its ratio to the plain one's, measured alternately."""
    replay, _ = captured(call)
    pairs = [(microseconds(plain), microseconds(replay)) for _ in range(ROUNDS)]
    best, ratio = min(own for _, own in pairs), sorted(other / own for other, own in pairs)[len(pairs) // 2]
    print(f"{name:<34} {best:8.1f} us, {ratio:5.2f} times as fast", flush=True)
    if table:
        kernels(replay)


def measure(agreed: list[tuple[str, str]]) -> None:
    """Time what agrees."""
    plain = {}
    for shape in ("paper", "attention"):
        plain[shape], _ = captured(Pass(SHAPES[shape], None))
        print(f"{shape + ', plain':<34} {min(microseconds(plain[shape]) for _ in range(ROUNDS)):8.1f} us", flush=True)
    for shape, plan in agreed:
        if shape in plain:
            with_failures(
                lambda shape=shape, plan=plan: timed(  # type: ignore[misc]
                    f"{shape}, {plan}",
                    Pass(SHAPES[shape], PLANS[plan]),
                    plain[shape],
                    table=plan in ("default", "overlap"),
                )
            )
    if {("paper", "default"), ("tokens", "default")} <= set(agreed):
        whole, _ = captured(Tokens(PAPER, fused=False))
        print(f"{'all behind the embedder, plain':<34} {min(microseconds(whole) for _ in range(ROUNDS)):8.1f} us")
        with_failures(lambda: timed("all behind the embedder, fused", Tokens(PAPER, fused=True), whole, table=True))


def with_failures(call: Callable[[], object]) -> None:
    """What goes wrong costs two lines."""
    try:
        call()
    except Exception as error:
        print("FAILED", "".join(traceback.format_exception_only(error)).strip()[:400], flush=True)


def transformer() -> None:
    """Check all variants beside each other, then time."""
    name = torch.cuda.get_device_name() if CUDA else "CPU, interpreted"
    print(f"{name}, torch {torch.__version__}", flush=True)
    children = []
    for case in CASES:
        command = [sys.executable, __file__, "--check", *case]
        children.append((case, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)))
        if not CUDA:
            children[-1][1].wait()
    agreed = []
    for case, child in children:
        try:
            printed, wrong = child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            printed, wrong = "", "no answer within 60 s"
        print(printed, end="")
        if child.returncode == 0:
            agreed.append(case)
        elif not printed:
            last = [line for line in wrong.splitlines() if line.strip()][-2:]
            print(f"DIED  {case[0]:<10} {case[1]:<22} {' | '.join(last)[:400]}", flush=True)
    measure(agreed)


PARTS = {"transformer": transformer}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, default="transformer")
    parser.add_argument("--check", nargs=2, metavar=("SHAPE", "PLAN"), help="one variant alone, without timing")
    given = parser.parse_args()
    if given.check:
        return 0 if (check_tokens() if given.check[0] == "tokens" else check(*given.check)) else 1
    PARTS[given.part]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
