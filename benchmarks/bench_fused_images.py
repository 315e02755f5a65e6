"""The residual net's training pass as fused kernels against its modules, on a CUDA device: agreement, then time.

    python benchmarks/bench_fused_images.py [--images 288] [--size 105] [--batches 1] [--part check|time|tiles]

Images are random strokes of one bit, as Omniglot's. Kernels are compiled first, beside each other. Values, gradients
and running averages are held against the modules in float64, beside the modules' own error in float32. Forward and
backward pass are then timed together as a captured graph, fused and plain in turn, with each kernel's time.
`--part tiles` times the fused ones with other cuts of the work. Each of `--batches` parts of the images is normalised
by its own statistics; the paper's settings have 16.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import os
import statistics
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from icl_models import SimpleResNet
from icl_models._fused.images.tiles import TILES, Tile
from icl_models._fused.switch import fused_kernels, has_triton
from icl_train._engines.capturing import Captured

OTHER_TILES = [
    *((name, Tile()) for name in ("enter_block", "cross_block", "widen_block")),
    *((name, Tile(registers=128)) for name in ("pool_convolution", "cross_backward", "widen_backward")),
    ("pool_convolution", Tile(registers=168)),
    ("pool_convolution", Tile(rows=32)),
    ("pool_convolution", Tile(rows=128, warps=8)),
    ("pool_convolution_backward", Tile(rows=32, registers=128)),
    ("pool_convolution_backward", Tile(rows=64, warps=8)),
    ("add_moments", Tile(rows=128)),
    ("enter_block", Tile(rows=128, warps=8)),
    ("enter_backward", Tile()),
    ("enter_backward", Tile(rows=32, registers=128)),
    ("cross_block", Tile(rows=32, registers=128)),
    ("cross_backward", Tile(rows=32)),
    ("widen_backward", Tile(rows=32)),
]


@dataclass(frozen=True)
class Shape:
    """Images: how many, their height and width, and in how many batches they are normalised."""

    count: int
    size: int
    batches: int

    def __str__(self) -> str:
        return f"{self.count} images of {self.size}x{self.size}, statistics of {self.count // self.batches}"


def strokes(shape: Shape, shades: bool, device: torch.device) -> Tensor:
    """(batches, images, size, size, 1): a random walk of a pen in each image; with shades, a little noise on top."""
    count, size = shape.count, shape.size
    generator = torch.Generator().manual_seed(0)
    steps = torch.randn(count, 2, 4 * size, generator=generator).cumsum(2)
    at = (size / 2 + steps * size / steps.abs().amax((1, 2), keepdim=True) / 2.2).long().clamp(0, size - 1)
    images = torch.zeros(count, size, size)
    images[torch.arange(count)[:, None], at[:, 0], at[:, 1]] = 1.0
    images = torch.nn.functional.max_pool2d(images[:, None], 3, 1, 1)[:, 0]
    if shades:
        images = (images * 0.8 + 0.2 * torch.rand(images.shape, generator=generator)).float()
    return images.view(shape.batches, -1, size, size, 1).to(device)


def net_for(shape: Shape) -> SimpleResNet:
    """A net some way into training: no scale at zero."""
    torch.manual_seed(0)
    net = SimpleResNet(image_size=(shape.size, shape.size), sequences_per_statistics=1)
    for parameter in net.parameters():
        if parameter.ndim == 1:
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    return net.train()


def passes(net: SimpleResNet, images: Tensor, fused: bool) -> Callable[[], Tensor]:
    """One forward and backward pass."""
    weights = torch.linspace(-1.0, 1.0, 64, device=images.device).to(images.dtype)

    def run() -> Tensor:
        for parameter in net.parameters():
            parameter.grad = None
        with fused_kernels(fused):
            embedded = net(images)
        (embedded * weights).sum().backward()
        return embedded.detach()

    return run


def results(net: SimpleResNet, images: Tensor, fused: bool) -> dict[str, Tensor]:
    net = copy.deepcopy(net).to(images.device, images.dtype)
    embedded = passes(net, images, fused)()
    gradients = {f"of {name}": parameter.grad for name, parameter in net.named_parameters()}
    return {"embedded": embedded, **gradients, **dict(net.named_buffers())}


def check(shape: Shape, shades: bool) -> None:
    """Print the largest errors, and where fused kernels err more than ten times as much as the modules."""
    device = torch.device("cuda")
    net, images = net_for(shape), strokes(shape, shades, device)
    exact, plain = results(net, images.double(), False), results(net, images, False)
    fused, again = results(net, images, True), results(net, images, True)
    repeats = all(torch.equal(fused[name], again[name]) for name in fused)
    largest = max(float(value.norm()) for name, value in exact.items() if name.startswith("of "))
    rows = []
    for name, value in exact.items():
        around = float(value.double().norm()) + (1e-3 * largest if name.startswith("of ") else 1e-6)
        errors = [float((other[name].double() - value.double()).norm()) / around for other in (fused, plain)]
        rows.append((name, *errors))
    # A ReLU that fires in one precision alone changes gradients, in the modules' as in the fused kernels'.
    bad = [row for row in rows if not row[1] <= max(10 * row[2], 2e-5)]
    kind = "shades" if shades else "bits"
    print(f"{shape}, {kind}: {len(bad)} of {len(rows)} tensors off, repeats: {repeats}", flush=True)
    for name, error, other in (bad or sorted(rows, key=lambda row: -row[1]))[:6]:
        print(f"    {name:44s} fused {error:.1e} plain {other:.1e}", flush=True)


def captured(run: Callable[[], Tensor]) -> Captured:
    return Captured(run, torch.device("cuda"))


def milliseconds(graph: Captured, rounds: int = 20) -> float:
    graph()
    torch.cuda.synchronize()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(rounds):
        graph()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / rounds


def kernel_table(graph: Captured, rounds: int = 5) -> None:
    """Each kernel's time in the order of its launches, names with the most time first."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for _ in range(rounds):
            graph()
        torch.cuda.synchronize()
    events = sorted((e for e in profile.events() if e.device_type.name == "CUDA"), key=lambda e: e.time_range.start)
    times: dict[str, list[float]] = defaultdict(list)
    for event in events:
        times[event.name].append(event.device_time)
    print(f"{len(events) / rounds:.0f} kernels, their time {sum(map(sum, times.values())) / rounds:.0f} us", flush=True)
    for name, of in sorted(times.items(), key=lambda item: -sum(item[1])):
        each = len(of) // rounds
        mean = [statistics.fmean(of[i::each]) for i in range(each)] if each else []
        print(
            f"    {sum(of) / rounds:7.1f} us {name[:48]:48s} {' '.join(f'{value:.1f}' for value in mean[:12])}",
            flush=True,
        )


def measure(shape: Shape) -> None:
    device = torch.device("cuda")
    images = strokes(shape, False, device)
    graphs = {fused: captured(passes(net_for(shape).to(device), images, fused)) for fused in (True, False)}
    rounds = [[milliseconds(graphs[fused]) for fused in (True, False)] for _ in range(3)]
    fused, plain = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{shape}: fused {fused:.3f} ms, plain {plain:.3f} ms, {plain / fused:.1f} times", flush=True)
    kernel_table(graphs[True])
    shades = captured(passes(net_for(shape).to(device), strokes(shape, True, device), True))
    print(f"with shades {milliseconds(shades):.3f} ms", flush=True)


def other_tiles(shape: Shape) -> None:
    device = torch.device("cuda")
    images = strokes(shape, False, device)
    run = passes(net_for(shape).to(device), images, True)
    base = captured(run)
    for name, tile in OTHER_TILES:
        usual = TILES[name]
        TILES[name] = tile
        try:
            graph = captured(run)
            pairs = [(milliseconds(graph), milliseconds(base)) for _ in range(2)]
            change = 1000 * min(other - own for other, own in pairs)
            print(f"    {name} {tile}: {change:+.0f} us", flush=True)
        except Exception as error:
            print(f"    {name} {tile}: {error!r}"[:300], flush=True)
        TILES[name] = usual


def compile_share(share: int, shares: int, shape: Shape, tiles: list[tuple[str, Tile]]) -> None:
    """Compile every `shares`th launch of the passes, launching none."""
    from triton.runtime.jit import JITFunction

    run, number = JITFunction.run, 0
    seen: set[str] = set()

    def compiled(self: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> None:
        nonlocal number
        plain = [(tuple(a.shape) and a.dtype if isinstance(a, Tensor) else a) for a in args]
        key = f"{self.__name__} {plain} {options}"
        if key in seen:
            return
        seen.add(key)
        number += 1
        if number % shares == share:
            kernel = run(self, *args, grid=grid, warmup=True, **options)
            assert kernel.run is not None  # what launches it is compiled when it is asked for

    JITFunction.run = compiled
    device = torch.device("cuda")
    go = passes(net_for(shape).to(device), torch.zeros_like(strokes(shape, False, device)), True)
    go()
    for name, tile in tiles:
        usual = TILES[name]
        TILES[name] = tile
        go()
        TILES[name] = usual


def compile_all(shape: Shape, tiles: list[tuple[str, Tile]]) -> None:
    start = time.perf_counter()
    shares = max(min((os.cpu_count() or 1) - 1, 15), 1)
    context = multiprocessing.get_context("fork")  # nothing here has touched the device
    workers = [context.Process(target=compile_share, args=(i, shares, shape, tiles)) for i in range(shares)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        worker.kill()
    failed = sum(worker.exitcode != 0 for worker in workers)
    print(f"compiled in {time.perf_counter() - start:.1f} s, {failed} of {shares} workers failed", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=288)
    parser.add_argument("--size", type=int, default=105)
    parser.add_argument("--batches", type=int, default=1, help="parts of the images with statistics of their own")
    parser.add_argument("--part", choices=("check", "time", "tiles"), help="one of them alone; all but tiles else")
    options = parser.parse_args()
    if not has_triton():
        print("bench_fused_images needs Triton", file=sys.stderr)
        return 2
    if options.batches < 1 or options.images % options.batches:
        parser.error(f"--batches must divide --images, got {options.batches} and {options.images}")
    shape, part = Shape(options.images, options.size, options.batches), options.part
    tiles = OTHER_TILES if part == "tiles" else []
    compile_all(shape, tiles)
    if not torch.cuda.is_available():
        print("bench_fused_images needs a CUDA device", file=sys.stderr)
        return 2
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    failed = 0
    for name, step in (
        ("check", lambda: check(shape, False)),
        ("check", lambda: check(shape, True)),
        ("time", lambda: measure(shape)),
        ("tiles", lambda: other_tiles(shape)),
    ):
        if part == name or (part is None and name != "tiles"):
            try:
                step()
            except Exception:  # told in full; what comes after it may still be measured
                failed = 1
                traceback.print_exc(limit=-6)
    return failed


if __name__ == "__main__":
    sys.exit(main())
