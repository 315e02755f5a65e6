# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""Batch statistics that kernels compute beside their work: a program's own, then all programs' by the last to finish.

No number is added atomically, and programs are combined in the order of their numbers: results repeat to the last bit.

Images may be normalised in several batches, one after the other, each by its own statistics (ghost batches; Hoffer et
al. 2017). As many programs share the rows of each, the last of them finishes its statistics, and the last batch to be
finished takes the means over batches. Counters of a kernel: of finished batches, then of each batch's programs.
"""

import triton
import triton.language as tl

EPS = tl.constexpr(1e-5)
DECAY = tl.constexpr(0.9)


@triton.jit
def share_of(program, rows, programs, BATCHES: tl.constexpr, B: tl.constexpr):
    """A program's batch, the first of the rows that it begins with, and where its batch's `rows` end."""
    if BATCHES == 1:  # which takes fewer registers
        return 0, program * B, rows
    batch = program // programs
    return batch, batch * rows + (program - batch * programs) * B, (batch + 1) * rows


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
def is_last(arrived, number):
    """Whether this program is the last of so many; what all have written before may then be read."""
    tl.debug_barrier()
    before = tl.atomic_add(arrived, 1, sem="acq_rel")
    tl.debug_barrier()
    return before == number - 1


@triton.jit
def finish_statistics(
    partial, batch, programs, scale, offset, hidden, average, counter, out, PROGRAMS: tl.constexpr,
    BATCHES: tl.constexpr, C: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Combine a batch's programs' statistics: `out` (batches, 4, WIDTH) is mean, factor, offset, inverse deviation.

    Running averages are updated by the only batch. Of several, mean and variance are where its first program's were.
    """
    channel = tl.arange(0, WIDTH)
    program = tl.arange(0, PROGRAMS)
    there = (program < programs)[:, None]
    partial += batch * programs * (3 * WIDTH)
    out += batch * (4 * WIDTH)
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
    if BATCHES == 1:
        update_averages(hidden, average, counter, mean, variance, channel, known, C)
    else:
        tl.debug_barrier()  # what is there has been read
        tl.store(partial + channel, mean)
        tl.store(partial + WIDTH + channel, variance)


@triton.jit
def finish_averages(
    partial, programs, hidden, average, counter, BATCHES: tl.constexpr, MOST: tl.constexpr, C: tl.constexpr,
    WIDTH: tl.constexpr,
):  # fmt: skip
    """Update running averages by the mean of several finished batches, of which MOST is a power of two."""
    channel = tl.arange(0, WIDTH)
    batch = tl.arange(0, MOST)
    there = (batch < BATCHES)[:, None]
    at = partial + (batch * programs)[:, None] * (3 * WIDTH) + channel[None, :]
    mean = tl.sum(tl.load(at, there, 0.0, cache_modifier=".cg"), 0) / BATCHES
    variance = tl.sum(tl.load(at + WIDTH, there, 0.0, cache_modifier=".cg"), 0) / BATCHES
    update_averages(hidden, average, counter, mean, variance, channel, channel < C, C)


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
    partial, batch, programs, rows, of_scale, of_offset, out, PROGRAMS: tl.constexpr, BATCHES: tl.constexpr,
    C: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Combine a batch's programs' sums: in `out` (batches, 2, WIDTH) over its rows, and as gradients.

    Those of the only batch are the gradients of scale and offset. Of several, they are where its first program's were.
    """
    channel = tl.arange(0, WIDTH)
    program = tl.arange(0, PROGRAMS)
    there = (program < programs)[:, None]
    partial += batch * programs * (2 * WIDTH)
    out += batch * (2 * WIDTH)
    at = partial + program[:, None] * (2 * WIDTH) + channel[None, :]
    gradient = tl.sum(tl.load(at, there, 0.0, cache_modifier=".cg"), 0)
    product = tl.sum(tl.load(at + WIDTH, there, 0.0, cache_modifier=".cg"), 0)
    if BATCHES == 1:
        tl.store(of_offset + channel, gradient, channel < C)
        tl.store(of_scale + channel, product, channel < C)
    else:
        tl.debug_barrier()
        tl.store(partial + channel, gradient)
        tl.store(partial + WIDTH + channel, product)
    tl.store(out + channel, gradient / rows)
    tl.store(out + WIDTH + channel, product / rows)


@triton.jit
def finish_gradients(
    partial, programs, of_scale, of_offset, BATCHES: tl.constexpr, MOST: tl.constexpr, C: tl.constexpr,
    WIDTH: tl.constexpr,
):  # fmt: skip
    """Add up several finished batches' gradients of scale and offset; MOST is a power of two."""
    channel = tl.arange(0, WIDTH)
    batch = tl.arange(0, MOST)
    there = (batch < BATCHES)[:, None]
    at = partial + (batch * programs)[:, None] * (2 * WIDTH) + channel[None, :]
    gradient = tl.sum(tl.load(at, there, 0.0, cache_modifier=".cg"), 0)
    product = tl.sum(tl.load(at + WIDTH, there, 0.0, cache_modifier=".cg"), 0)
    tl.store(of_offset + channel, gradient, channel < C)
    tl.store(of_scale + channel, product, channel < C)


@triton.jit
def normalised(value, mean, factor, offset):
    """A batch normalisation of (B, C)."""
    return (value - mean[None, :]) * factor[None, :] + offset[None, :]


@triton.jit
def of_raw(gradient, raw, mean, factor, deviation, of_mean, of_product):
    """The gradient of what a batch normalisation took, (B, C) (Ioffe and Szegedy 2015, section 3)."""
    unit = (raw - mean[None, :]) * deviation[None, :]
    return factor[None, :] * (gradient - of_mean[None, :] - unit * of_product[None, :])
