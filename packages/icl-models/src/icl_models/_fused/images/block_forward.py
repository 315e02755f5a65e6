# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""A bottleneck block in three kernels, each a convolution of rows (N * H * W, C) with the normalisation before it.

`rows` are those of one batch that is normalised by itself, and `programs` those that share them.
"""

import triton
import triton.language as tl

from icl_models._fused.images.statistics import (
    finish_averages,
    finish_statistics,
    is_last,
    keep_statistics,
    merge,
    normalised,
    share_of,
)


@triton.jit
def joined(raw, statistics, shortcut, shortcut_statistics, at, mask, channel, C: tl.constexpr, PROJECTED: tl.constexpr,
           WIDTH: tl.constexpr):  # fmt: skip
    """What a block gives: ReLU of its last normalisation and its shortcut, zero outside."""
    mean = tl.load(statistics + channel)
    factor = tl.load(statistics + WIDTH + channel)
    offset = tl.load(statistics + 2 * WIDTH + channel)
    value = normalised(tl.load(raw + at, mask, 0.0), mean, factor, offset)
    beside = tl.load(shortcut + at, mask, 0.0)
    if PROJECTED:
        mean = tl.load(shortcut_statistics + channel)
        factor = tl.load(shortcut_statistics + WIDTH + channel)
        offset = tl.load(shortcut_statistics + 2 * WIDTH + channel)
        beside = normalised(beside, mean, factor, offset)
    return tl.where(mask, tl.maximum(value + beside, 0.0), 0.0)


@triton.jit
def enter_block(
    x, before, before_statistics, beside, beside_statistics,
    weight, out, partial, scale, offset, hidden, average, counter, statistics,
    s_weight, s_out, s_partial, s_scale, s_offset, s_hidden, s_average, s_counter, s_statistics,
    arrived, rows, programs, height, width, out_height, out_width,
    FIRST: tl.constexpr, BESIDE_PROJECTED: tl.constexpr, PROJECT: tl.constexpr, STRIDE: tl.constexpr,
    C: tl.constexpr, N: tl.constexpr, CO: tl.constexpr, CP: tl.constexpr, NP: tl.constexpr, COP: tl.constexpr,
    B: tl.constexpr, PROGRAMS: tl.constexpr, BATCHES: tl.constexpr, MOST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Unless FIRST, write x, what the block before gives; its convolution to N, and to CO where PROJECT."""
    program = tl.program_id(0)
    batch, begin, end = share_of(program, rows, programs, BATCHES, B)
    if not FIRST:
        before_statistics += batch * (4 * CP)
        if BESIDE_PROJECTED:
            beside_statistics += batch * (4 * CP)
    channel = tl.arange(0, CP)
    narrow = tl.arange(0, NP)
    wide = tl.arange(0, COP)
    known = channel < C
    w = tl.load(weight + narrow[None, :] * C + channel[:, None], known[:, None] & (narrow < N)[None, :], 0.0)
    count = 0.0
    mean = tl.zeros([NP], tl.float32)
    squares = tl.zeros([NP], tl.float32)
    if PROJECT:
        s_w = tl.load(s_weight + wide[None, :] * C + channel[:, None], known[:, None] & (wide < CO)[None, :], 0.0)
        s_count = 0.0
        s_mean = tl.zeros([COP], tl.float32)
        s_squares = tl.zeros([COP], tl.float32)
    for start in range(begin, end, programs * B):
        row = start + tl.arange(0, B)
        inside = (row < end)[:, None]
        at = row[:, None] * C + channel[None, :]
        mask = inside & known[None, :]
        if FIRST:
            value = tl.load(x + at, mask, 0.0)
        else:
            value = joined(
                before, before_statistics, beside, beside_statistics, at, mask, channel, C, BESIDE_PROJECTED, CP
            )
            tl.store(x + at, value, mask)
        z = tl.dot(value, w, input_precision=PRECISION)
        tl.store(out + row[:, None] * N + narrow[None, :], z, inside & (narrow < N)[None, :])
        some = tl.minimum(end - start, B).to(tl.float32)
        count, mean, squares = merge(count, mean, squares, z, inside, some)
        if PROJECT:
            s_z = tl.dot(value, s_w, input_precision=PRECISION)
            s_row = row
            s_inside = inside
            if STRIDE != 1:
                place = row // width
                image = place // height
                y = place - image * height
                column = row - place * width
                taken = (row < end) & (y % STRIDE == 0) & (column % STRIDE == 0)
                s_row = (image * out_height + y // STRIDE) * out_width + column // STRIDE
                s_inside = taken[:, None]
                some = tl.sum(taken.to(tl.float32), 0)
            tl.store(s_out + s_row[:, None] * CO + wide[None, :], s_z, s_inside & (wide < CO)[None, :])
            s_count, s_mean, s_squares = merge(s_count, s_mean, s_squares, s_z, s_inside, some)
    keep_statistics(partial, program, narrow, NP, count, mean, squares)
    if PROJECT:
        keep_statistics(s_partial, program, wide, COP, s_count, s_mean, s_squares)
    if is_last(arrived + 1 + batch, programs):
        finish_statistics(
            partial, batch, programs, scale, offset, hidden, average, counter, statistics, PROGRAMS, BATCHES, N, NP
        )
        if PROJECT:
            finish_statistics(
                s_partial, batch, programs, s_scale, s_offset, s_hidden, s_average, s_counter, s_statistics, PROGRAMS,
                BATCHES, CO, COP,
            )  # fmt: skip
        if BATCHES > 1:  # noqa: SIM102 (Triton computes both sides of an `and`)
            if is_last(arrived, BATCHES):
                finish_averages(partial, programs, hidden, average, counter, BATCHES, MOST, N, NP)
                if PROJECT:
                    finish_averages(s_partial, programs, s_hidden, s_average, s_counter, BATCHES, MOST, CO, COP)


@triton.jit
def tapped_row(row, dy, dx, height, width, out_height, out_width, top, left, STRIDE: tl.constexpr):
    """The input's rows (B, K) under the taps (dy, dx) of the output's rows, and whether there are such."""
    place = row // out_width
    image = place // out_height
    y = (place - image * out_height) * STRIDE - top + dy
    x = ((row - place * out_width) * STRIDE - left)[:, None] + dx[None, :]
    there = ((y >= 0) & (y < height))[:, None] & (x >= 0) & (x < width)
    return (image * height + y)[:, None] * width + x, there


@triton.jit
def cross_block(
    x, x_statistics, weight, out, partial, scale, offset, hidden, average, counter, statistics,
    arrived, rows, programs, height, width, out_height, out_width, top, left,
    STRIDE: tl.constexpr, N: tl.constexpr, N4: tl.constexpr, NP: tl.constexpr,
    B: tl.constexpr, PROGRAMS: tl.constexpr, BATCHES: tl.constexpr, MOST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The 3x3 convolution, a row of three taps at a time: (B, 4 * N4) by (4 * N4, N), the fourth tap empty."""
    program = tl.program_id(0)
    batch, begin, end = share_of(program, rows, programs, BATCHES, B)
    x_statistics += batch * (4 * NP)
    tap = tl.arange(0, 4 * N4)
    dx = tap // N4
    source = tap % N4
    known = (dx < 3) & (source < N)
    narrow = tl.arange(0, NP)
    of_mean = tl.load(x_statistics + source)
    factor = tl.load(x_statistics + NP + source)
    summand = tl.load(x_statistics + 2 * NP + source)
    w_at = weight + narrow[None, :] * (9 * N) + (source * 9 + dx)[:, None]
    w_mask = known[:, None] & (narrow < N)[None, :]
    count = 0.0
    mean = tl.zeros([NP], tl.float32)
    squares = tl.zeros([NP], tl.float32)
    for start in range(begin, end, programs * B):
        row = start + tl.arange(0, B)
        z = tl.zeros([B, NP], tl.float32)
        for dy in range(3):  # not unrolled, so that few numbers are kept at a time
            under, there = tapped_row(row, dy, dx, height, width, out_height, out_width, top, left, STRIDE)
            there = there & (row < end)[:, None] & known[None, :]
            value = tl.load(x + under * N + source[None, :], there, 0.0)
            value = tl.where(there, tl.maximum(normalised(value, of_mean, factor, summand), 0.0), 0.0)
            w = tl.load(w_at + 3 * dy, w_mask, 0.0)
            z = tl.dot(value, w, z, input_precision=PRECISION)
        inside = (row < end)[:, None]
        tl.store(out + row[:, None] * N + narrow[None, :], z, inside & (narrow < N)[None, :])
        some = tl.minimum(end - start, B).to(tl.float32)
        count, mean, squares = merge(count, mean, squares, z, inside, some)
    keep_statistics(partial, program, narrow, NP, count, mean, squares)
    if is_last(arrived + 1 + batch, programs):
        finish_statistics(
            partial, batch, programs, scale, offset, hidden, average, counter, statistics, PROGRAMS, BATCHES, N, NP
        )
        if BATCHES > 1:  # noqa: SIM102 (Triton computes both sides of an `and`)
            if is_last(arrived, BATCHES):
                finish_averages(partial, programs, hidden, average, counter, BATCHES, MOST, N, NP)


@triton.jit
def widen_block(
    x, x_statistics, weight, out, partial, scale, offset, hidden, average, counter, statistics,
    arrived, rows, programs,
    N: tl.constexpr, CO: tl.constexpr, NP: tl.constexpr, COP: tl.constexpr,
    B: tl.constexpr, PROGRAMS: tl.constexpr, BATCHES: tl.constexpr, MOST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The 1x1 convolution from N back to CO."""
    program = tl.program_id(0)
    batch, begin, end = share_of(program, rows, programs, BATCHES, B)
    x_statistics += batch * (4 * NP)
    narrow = tl.arange(0, NP)
    wide = tl.arange(0, COP)
    known = narrow < N
    of_mean = tl.load(x_statistics + narrow)
    factor = tl.load(x_statistics + NP + narrow)
    summand = tl.load(x_statistics + 2 * NP + narrow)
    w = tl.load(weight + wide[None, :] * N + narrow[:, None], known[:, None] & (wide < CO)[None, :], 0.0)
    count = 0.0
    mean = tl.zeros([COP], tl.float32)
    squares = tl.zeros([COP], tl.float32)
    for start in range(begin, end, programs * B):
        row = start + tl.arange(0, B)
        inside = (row < end)[:, None]
        mask = inside & known[None, :]
        value = tl.load(x + row[:, None] * N + narrow[None, :], mask, 0.0)
        value = tl.where(mask, tl.maximum(normalised(value, of_mean, factor, summand), 0.0), 0.0)
        z = tl.dot(value, w, input_precision=PRECISION)
        tl.store(out + row[:, None] * CO + wide[None, :], z, inside & (wide < CO)[None, :])
        some = tl.minimum(end - start, B).to(tl.float32)
        count, mean, squares = merge(count, mean, squares, z, inside, some)
    keep_statistics(partial, program, wide, COP, count, mean, squares)
    if is_last(arrived + 1 + batch, programs):
        finish_statistics(
            partial, batch, programs, scale, offset, hidden, average, counter, statistics, PROGRAMS, BATCHES, CO, COP
        )
        if BATCHES > 1:  # noqa: SIM102 (Triton computes both sides of an `and`)
            if is_last(arrived, BATCHES):
                finish_averages(partial, programs, hidden, average, counter, BATCHES, MOST, CO, COP)


@triton.jit
def leave_block(
    before, before_statistics, beside, beside_statistics, out, rows, programs,
    PROJECTED: tl.constexpr, C: tl.constexpr, CP: tl.constexpr, BATCHES: tl.constexpr, B: tl.constexpr,
):  # fmt: skip
    """What the last block gives."""
    batch, begin, end = share_of(tl.program_id(0), rows, programs, BATCHES, B)
    before_statistics += batch * (4 * CP)
    if PROJECTED:
        beside_statistics += batch * (4 * CP)
    row = begin + tl.arange(0, B)
    channel = tl.arange(0, CP)
    mask = (row < end)[:, None] & (channel < C)[None, :]
    at = row[:, None] * C + channel[None, :]
    tl.store(
        out + at,
        joined(before, before_statistics, beside, beside_statistics, at, mask, channel, C, PROJECTED, CP),
        mask,
    )
