# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""The stem in training: a normalised 7x7 convolution of stride 2, max pooling 3x3 of stride 2 and ReLU, in few kernels.

The convolution is linear in the images' patches, so that the statistics of what it gives follow from the patches' mean
and covariance, and normalisation goes into its weights and bias. Images come as squares of 2x2 pixels: a patch, widened
to 8x8, is four rows of sixteen numbers side by side. Drawings of few shades are exact in float16 and bfloat16, which
tensor cores multiply fast: one number on the device tells, and weights are then a sum of two of float16.

Of several batches that are normalised apart, each has moments and normalising weights of its own. Totals are a batch's,
and `programs` those that share it.
"""

import triton
import triton.language as tl

from icl_models._fused.images.statistics import EPS, share_of, update_averages


@triton.jit
def square_images(images, out, shades, total, height, width, rows, columns, top, left, B: tl.constexpr):
    """Pad images (N, height, width) and write them as (N, rows, columns, 2, 2); `shades` is 1 if float16 is inexact."""
    at = tl.program_id(0) * B + tl.arange(0, B)
    inside = at < total
    square = at // 4
    line = square // columns
    image = line // rows
    y = (line - image * rows) * 2 + (at // 2) % 2 - top
    x = (square - line * columns) * 2 + at % 2 - left
    there = inside & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    value = tl.load(images + (image * height + y) * width + x, there, 0.0)
    tl.store(out + at, value, inside)
    exact = (value == value.to(tl.float16).to(tl.float32)) & (value == value.to(tl.bfloat16).to(tl.float32))
    inexact = tl.max(tl.where(exact, 0, 1), 0)
    if inexact > 0:
        tl.atomic_max(shades, inexact)


@triton.jit
def patches(squares, image, y, x, rows, columns, there):
    """The patches (B, 64) of convolution positions, zero where there are none."""
    k = tl.arange(0, 64)
    start = ((image * rows + y) * columns + x) * 4
    at = start[:, None] + ((k // 16) * (columns * 4) + k % 16)[None, :]
    return tl.load(squares + at, there[:, None] & (k >= 0)[None, :], 0.0)


@triton.jit
def moments_of_program(
    squares, partial, total, programs, height, width, rows, columns, EXACT: tl.constexpr, BATCHES: tl.constexpr,
    B: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    _, begin, end = share_of(program, total, programs, BATCHES, B)
    k = tl.arange(0, 64)
    product = tl.zeros([64, 64], tl.float32)
    patch = tl.zeros([64], tl.float32)
    for start in range(begin, end, programs * B):
        position = start + tl.arange(0, B)
        line = position // width
        image = line // height
        value = patches(squares, image, line - image * height, position - line * width, rows, columns, position < end)
        patch += tl.sum(value, 0)
        if EXACT:
            half = value.to(tl.float16)
            product = tl.dot(tl.trans(half), half, product)
        else:
            # Tensor cores cut off what their sums cannot hold, always downwards. Long sums are made outside of them,
            # where half of a product keeps the compiler from adding inside.
            product += tl.dot(tl.trans(value), value, input_precision=PRECISION) * 0.5
    if not EXACT:
        product *= 2.0
    own = partial + program * (65 * 64)
    tl.store(own + k[:, None] * 64 + k[None, :], product)
    tl.store(own + 64 * 64 + k, patch)


@triton.jit
def add_moments(
    squares, shades, partial, total, programs, height, width, rows, columns, BATCHES: tl.constexpr, B: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Sums of patches' products and, behind them, of patches, of a program's positions: (all programs, 65, 64)."""
    if tl.load(shades) == 0:
        moments_of_program(squares, partial, total, programs, height, width, rows, columns, True, BATCHES, B, PRECISION)
    else:
        moments_of_program(
            squares, partial, total, programs, height, width, rows, columns, False, BATCHES, B, PRECISION
        )


@triton.jit
def finish_moments(partial, out, programs, total, PROGRAMS: tl.constexpr):
    """Means over a batch's positions, in float64: (batches, 65, 64)."""
    batch = tl.program_id(1)
    k = tl.program_id(0) * 64 + tl.arange(0, 64)
    program = tl.arange(0, PROGRAMS)
    partial += batch * programs * (65 * 64)
    value = tl.load(
        partial + program[:, None] * (65 * 64) + k[None, :], (program < programs)[:, None] & (k >= 0)[None, :], 0.0
    )
    tl.store(out + batch * (65 * 64) + k, tl.sum(value.to(tl.float64), 0) / total)


@triton.jit
def weight_index(k):
    """Where number k of a widened patch is in a 7x7 patch, and whether it is."""
    y = (k // 16) * 2 + (k // 2) % 2
    x = ((k // 4) % 4) * 2 + k % 2
    return y * 7 + x, (y < 7) & (x < 7)


@triton.jit
def statistics_of_channel(weight, moments, channel):
    """A channel's weights (64,), its mean, covariance with the patches (64,) and variance, in float64."""
    k = tl.arange(0, 64)
    at, known = weight_index(k)
    w = tl.load(weight + channel * 49 + at, known, 0.0).to(tl.float64)
    patch = tl.load(moments + 64 * 64 + k)
    mean = tl.sum(w * patch, 0)
    products = tl.load(moments + k[:, None] * 64 + k[None, :])
    covariance = tl.sum((products - patch[:, None] * patch[None, :]) * w[None, :], 1)
    variance = tl.sum(covariance * w, 0)
    return w, mean, covariance, tl.maximum(variance, 0.0)


@triton.jit
def fold_normalisation(weight, scale, offset, moments, folded, high, low, affine, C: tl.constexpr):
    """A channel's normalising weights, (64, C) from (C, 7, 7), also as two float16 numbers times a power of two.

    `affine` (4, C): what undoes the power of two, the bias, mean and variance. A batch each: (batches, ...).
    """
    channel = tl.program_id(0)
    batch = tl.program_id(1)
    moments += batch * (65 * 64)
    folded += batch * (64 * C)
    high += batch * (64 * C)
    low += batch * (64 * C)
    affine += batch * (4 * C)
    k = tl.arange(0, 64)
    w, mean, _, variance = statistics_of_channel(weight, moments, channel)
    deviation = 1.0 / tl.sqrt(variance + EPS)
    factor = tl.load(scale + channel).to(tl.float64) * deviation
    bias = (tl.load(offset + channel).to(tl.float64) - factor * mean).to(tl.float32)
    normalising = (w * factor).to(tl.float32)
    largest = tl.max(tl.abs(normalising), 0)
    exponent = (largest.to(tl.int32, bitcast=True) >> 23) & 255  # biased by 127
    exponent = tl.minimum(tl.maximum(exponent, 20), 234)
    up = ((127 + 13 + 127 - exponent) << 23).to(tl.float32, bitcast=True)  # largest times it is in [2^13, 2^14)
    down = ((exponent - 13) << 23).to(tl.float32, bitcast=True)
    first = (normalising * up).to(tl.float16)
    tl.store(folded + k * C + channel, normalising)
    tl.store(high + k * C + channel, first)
    tl.store(low + k * C + channel, (normalising * up - first.to(tl.float32)).to(tl.float16))
    tl.store(affine + channel, down)
    tl.store(affine + C + channel, bias)
    tl.store(affine + 2 * C + channel, mean.to(tl.float32))
    tl.store(affine + 3 * C + channel, variance.to(tl.float32))


@triton.jit
def pool_of_program(
    squares, folded, high, low, affine, out, argument, total, programs, height, width, rows, columns,
    pooled_height, pooled_width, top, left, EXACT: tl.constexpr, BATCHES: tl.constexpr, C: tl.constexpr,
    B: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    batch, begin, end = share_of(tl.program_id(0), total, programs, BATCHES, B)
    folded += batch * (64 * C)
    high += batch * (64 * C)
    low += batch * (64 * C)
    affine += batch * (4 * C)
    position = begin + tl.arange(0, B)
    channel = tl.arange(0, C)
    inside = position < end
    line = position // pooled_width
    image = line // pooled_height
    first_y = (line - image * pooled_height) * 2 - top
    first_x = (position - line * pooled_width) * 2 - left
    best = tl.full([B, C], float("-inf"), tl.float32)
    which = tl.zeros([B, C], tl.int32)
    w_at = tl.arange(0, 64)[:, None] * C + channel[None, :]
    if EXACT:
        w = tl.load(high + w_at)
        w_low = tl.load(low + w_at)
    else:
        w = tl.load(folded + w_at)
    for number in range(9):
        y = first_y + number // 3
        x = first_x + number % 3
        there = inside & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        value = patches(squares, image, y, x, rows, columns, there)
        if EXACT:
            half = value.to(tl.float16)
            z = tl.dot(half, w, tl.dot(half, w_low))
        else:
            z = tl.dot(value, w, input_precision=PRECISION)
        larger = there[:, None] & (z > best)
        best = tl.where(larger, z, best)
        which = tl.where(larger, number, which)
    if EXACT:
        best = best * tl.load(affine + channel)[None, :]
    best = tl.maximum(best + tl.load(affine + C + channel)[None, :], 0.0)
    at = position[:, None] * C + channel[None, :]
    mask = inside[:, None] & (channel < C)[None, :]
    tl.store(out + at, best, mask)
    tl.store(argument + at, which.to(tl.int8), mask)


@triton.jit
def pool_convolution(
    squares, shades, folded, high, low, affine, out, argument, hidden, average, counter, total, programs,
    height, width, rows, columns, pooled_height, pooled_width, top, left,
    BATCHES: tl.constexpr, MOST: tl.constexpr, C: tl.constexpr, B: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """ReLU of the largest of nine convolutions (N * pooled_height * pooled_width, C), and which of them it was.

    The first program also updates the running averages.
    """
    if tl.load(shades) == 0:
        pool_of_program(
            squares, folded, high, low, affine, out, argument, total, programs, height, width, rows, columns,
            pooled_height, pooled_width, top, left, True, BATCHES, C, B, PRECISION,
        )  # fmt: skip
    else:
        pool_of_program(
            squares, folded, high, low, affine, out, argument, total, programs, height, width, rows, columns,
            pooled_height, pooled_width, top, left, False, BATCHES, C, B, PRECISION,
        )  # fmt: skip
    if tl.program_id(0) == 0:
        channel = tl.arange(0, C)
        if BATCHES == 1:
            mean = tl.load(affine + 2 * C + channel)
            variance = tl.load(affine + 3 * C + channel)
        else:
            batch = tl.arange(0, MOST)
            there = (batch < BATCHES)[:, None]
            at = affine + batch[:, None] * (4 * C) + channel[None, :]
            mean = tl.sum(tl.load(at + 2 * C, there, 0.0), 0) / BATCHES
            variance = tl.sum(tl.load(at + 3 * C, there, 0.0), 0) / BATCHES
        update_averages(hidden, average, counter, mean, variance, channel, channel < C, C)
