# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""Batch statistics that kernels compute beside their work: a program's own, then all programs' by the last to finish.

No number is added atomically, and programs are combined in the order of their numbers: results repeat to the last bit.
"""

import triton
import triton.language as tl

EPS = tl.constexpr(1e-5)
DECAY = tl.constexpr(0.9)


@triton.jit
def merge(count, mean, squares, value, inside, rows):
    """Means and centred squares (C,) of `count` rows and of `rows` more, those `inside` (B, 1) (Chan et al.)."""
    some = tl.maximum(rows, 1.0)
    part = tl.sum(tl.where(inside, value, 0.0), 0) / some
    off = tl.where(inside, value - part[None, :], 0.0)
    total = count + rows
    share = rows / tl.maximum(total, 1.0)
    delta = part - mean
    return total, mean + delta * share, squares + tl.sum(off * off, 0) + delta * delta * (count * share)


@triton.jit
def keep_statistics(partial, program, channel, WIDTH: tl.constexpr, count, mean, squares):
    """Write a program's statistics, (programs, 3, WIDTH)."""
    own = partial + program * (3 * WIDTH) + channel
    tl.store(own, mean)
    tl.store(own + WIDTH, squares)
    tl.store(own + 2 * WIDTH, tl.zeros_like(mean) + count)


@triton.jit
def keep_sums(partial, program, channel, WIDTH: tl.constexpr, gradient, product):
    """Write a program's sums, (programs, 2, WIDTH)."""
    own = partial + program * (2 * WIDTH) + channel
    tl.store(own, gradient)
    tl.store(own + WIDTH, product)


@triton.jit
def is_last(arrived, programs):
    """Whether this program is the last; what all have written before may then be read."""
    tl.debug_barrier()
    before = tl.atomic_add(arrived, 1, sem="acq_rel")
    tl.debug_barrier()
    return before == programs - 1


@triton.jit
def finish_statistics(
    partial, programs, scale, offset, hidden, average, counter, out, PROGRAMS: tl.constexpr, C: tl.constexpr,
    WIDTH: tl.constexpr,
):  # fmt: skip
    """Combine programs' statistics: `out` (4, WIDTH) is mean, factor, offset, inverse deviation; running averages."""
    channel = tl.arange(0, WIDTH)
    program = tl.arange(0, PROGRAMS)
    there = (program < programs)[:, None]
    at = partial + program[:, None] * (3 * WIDTH) + channel[None, :]
    means = tl.load(at, there, 0.0, cache_modifier=".cg")
    squares = tl.load(at + WIDTH, there, 0.0, cache_modifier=".cg")
    counts = tl.load(partial + program * (3 * WIDTH) + 2 * WIDTH, program < programs, 0.0, cache_modifier=".cg")
    total = tl.sum(counts, 0)
    mean = tl.sum(means * (counts / total)[:, None], 0)
    off = means - mean[None, :]
    variance = tl.sum(squares + off * off * counts[:, None], 0) / total
    known = channel < C
    deviation = 1.0 / tl.sqrt_rn(variance + EPS)
    tl.store(out + channel, mean)
    tl.store(out + WIDTH + channel, tl.load(scale + channel, known, 0.0) * deviation)
    tl.store(out + 2 * WIDTH + channel, tl.load(offset + channel, known, 0.0))
    tl.store(out + 3 * WIDTH + channel, deviation)
    update_averages(hidden, average, counter, mean, variance, channel, known, C)


@triton.jit
def update_averages(hidden, average, counter, mean, variance, channel, known, C: tl.constexpr):
    """Zero-debiased exponential averages (2, C), as `BatchNorm` keeps them."""
    count = tl.load(counter) + 1
    left = power_of_decay(count)
    of_mean = tl.load(hidden + channel, known, 0.0) * DECAY + mean * (1.0 - DECAY)
    of_variance = tl.load(hidden + C + channel, known, 0.0) * DECAY + variance * (1.0 - DECAY)
    tl.store(hidden + channel, of_mean, known)
    tl.store(hidden + C + channel, of_variance, known)
    tl.store(average + channel, of_mean / (1.0 - left), known)
    tl.store(average + C + channel, of_variance / (1.0 - left), known)
    tl.debug_barrier()
    tl.store(counter, count)


@triton.jit
def power_of_decay(count):
    """0.9^count by squaring."""
    power = count * 0 + 1.0
    base = count * 0 + DECAY
    for bit in tl.static_range(31):
        power = tl.where((count >> bit) & 1 == 1, power * base, power)
        base = base * base
    return power


@triton.jit
def finish_sums(
    partial, programs, rows, of_scale, of_offset, out, PROGRAMS: tl.constexpr, C: tl.constexpr, WIDTH: tl.constexpr
):
    """Combine programs' sums: the gradients of scale and offset, and in `out` (2, WIDTH) both over the rows."""
    channel = tl.arange(0, WIDTH)
    program = tl.arange(0, PROGRAMS)
    there = (program < programs)[:, None]
    at = partial + program[:, None] * (2 * WIDTH) + channel[None, :]
    gradient = tl.sum(tl.load(at, there, 0.0, cache_modifier=".cg"), 0)
    product = tl.sum(tl.load(at + WIDTH, there, 0.0, cache_modifier=".cg"), 0)
    tl.store(of_offset + channel, gradient, channel < C)
    tl.store(of_scale + channel, product, channel < C)
    tl.store(out + channel, gradient / rows)
    tl.store(out + WIDTH + channel, product / rows)


@triton.jit
def normalised(value, mean, factor, offset):
    """A batch normalisation of (B, C)."""
    return (value - mean[None, :]) * factor[None, :] + offset[None, :]


@triton.jit
def of_raw(gradient, raw, mean, factor, deviation, of_mean, of_product):
    """The gradient of what a batch normalisation took, (B, C) (Ioffe and Szegedy 2015, section 3)."""
    unit = (raw - mean[None, :]) * deviation[None, :]
    return factor[None, :] * (gradient - of_mean[None, :] - unit * of_product[None, :])
