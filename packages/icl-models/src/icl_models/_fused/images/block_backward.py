# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""The backward pass of a bottleneck block in three kernels, a convolution each, and of where the net is left.

A kernel takes the gradient of what a normalisation gave, with its finished sums, and from there gets the gradient of
the convolution's weights, (programs, ...) to be added up, and of its input, masked by the ReLU there, with the sums
that the normalisation before it needs. `rows` are those of one batch that is normalised by itself, and `programs`
those that share them.
"""

import triton
import triton.language as tl

from icl_models._fused.images.statistics import (
    finish_gradients,
    finish_sums,
    is_last,
    keep_sums,
    normalised,
    of_raw,
    share_of,
)


@triton.jit
def add_products(gradient, raw, statistics, channel, WIDTH: tl.constexpr):
    """Sum over rows of gradient times unit value, (WIDTH,)."""
    mean = tl.load(statistics + channel)
    deviation = tl.load(statistics + 3 * WIDTH + channel)
    return tl.sum(gradient * ((raw - mean[None, :]) * deviation[None, :]), 0)


@triton.jit
def raw_gradient(gradient, raw, statistics, sums, channel, WIDTH: tl.constexpr, mask):
    """The gradient of what a convolution gave, (B, WIDTH), zero outside."""
    mean = tl.load(statistics + channel)
    factor = tl.load(statistics + WIDTH + channel)
    deviation = tl.load(statistics + 3 * WIDTH + channel)
    of_mean = tl.load(sums + channel)
    of_product = tl.load(sums + WIDTH + channel)
    return tl.where(mask, of_raw(gradient, raw, mean, factor, deviation, of_mean, of_product), 0.0)


@triton.jit
def leave_backward(
    gradient, y, out, raw, statistics, partial, of_scale, of_offset, sums,
    beside, beside_statistics, s_partial, s_of_scale, s_of_offset, s_sums, arrived, rows, programs,
    PROJECTED: tl.constexpr, C: tl.constexpr, CP: tl.constexpr, B: tl.constexpr, PROGRAMS: tl.constexpr,
    BATCHES: tl.constexpr, MOST: tl.constexpr,
):  # fmt: skip
    """The gradient before the last block's ReLU."""
    program = tl.program_id(0)
    batch, begin, end = share_of(program, rows, programs, BATCHES, B)
    statistics += batch * (4 * CP)
    if PROJECTED:
        beside_statistics += batch * (4 * CP)
    channel = tl.arange(0, CP)
    total = tl.zeros([CP], tl.float32)
    product = tl.zeros([CP], tl.float32)
    s_product = tl.zeros([CP], tl.float32)
    for start in range(begin, end, programs * B):
        row = start + tl.arange(0, B)
        mask = (row < end)[:, None] & (channel < C)[None, :]
        at = row[:, None] * C + channel[None, :]
        g = tl.where(tl.load(y + at, mask, 0.0) > 0.0, tl.load(gradient + at, mask, 0.0), 0.0)
        tl.store(out + at, g, mask)
        total += tl.sum(g, 0)
        product += add_products(g, tl.load(raw + at, mask, 0.0), statistics, channel, CP)
        if PROJECTED:
            s_product += add_products(g, tl.load(beside + at, mask, 0.0), beside_statistics, channel, CP)
    keep_sums(partial, program, channel, CP, total, product)
    if PROJECTED:
        keep_sums(s_partial, program, channel, CP, total, s_product)
    if is_last(arrived + 1 + batch, programs):
        finish_sums(partial, batch, programs, rows, of_scale, of_offset, sums, PROGRAMS, BATCHES, C, CP)
        if PROJECTED:
            finish_sums(s_partial, batch, programs, rows, s_of_scale, s_of_offset, s_sums, PROGRAMS, BATCHES, C, CP)
        if BATCHES > 1:  # noqa: SIM102 (Triton computes both sides of an `and`)
            if is_last(arrived, BATCHES):
                finish_gradients(partial, programs, of_scale, of_offset, BATCHES, MOST, C, CP)
                if PROJECTED:
                    finish_gradients(s_partial, programs, s_of_scale, s_of_offset, BATCHES, MOST, C, CP)


@triton.jit
def widen_backward(
    gradient, raw, statistics, sums, weight, of_weight, weights_width,
    x, x_statistics, of_x, x_partial, x_of_scale, x_of_offset, x_sums, arrived, rows, programs,
    N: tl.constexpr, CO: tl.constexpr, NP: tl.constexpr, COP: tl.constexpr,
    B: tl.constexpr, PROGRAMS: tl.constexpr, BATCHES: tl.constexpr, MOST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The 1x1 convolution from N to CO; x is raw, as the convolution before gave it."""
    program = tl.program_id(0)
    batch, begin, end = share_of(program, rows, programs, BATCHES, B)
    statistics += batch * (4 * COP)
    sums += batch * (2 * COP)
    x_statistics += batch * (4 * NP)
    narrow = tl.arange(0, NP)
    wide = tl.arange(0, COP)
    w_mask = (wide < CO)[:, None] & (narrow < N)[None, :]
    w_at = wide[:, None] * N + narrow[None, :]
    w = tl.load(weight + w_at, w_mask, 0.0)
    x_mean = tl.load(x_statistics + narrow)
    x_factor = tl.load(x_statistics + NP + narrow)
    x_summand = tl.load(x_statistics + 2 * NP + narrow)
    of_w = tl.zeros([COP, NP], tl.float32)
    total = tl.zeros([NP], tl.float32)
    product = tl.zeros([NP], tl.float32)
    for start in range(begin, end, programs * B):
        row = start + tl.arange(0, B)
        inside = (row < end)[:, None]
        mask = inside & (wide < CO)[None, :]
        at = row[:, None] * CO + wide[None, :]
        g = tl.load(gradient + at, mask, 0.0)
        of_z = raw_gradient(g, tl.load(raw + at, mask, 0.0), statistics, sums, wide, COP, mask)
        x_mask = inside & (narrow < N)[None, :]
        x_at = row[:, None] * N + narrow[None, :]
        x_raw = tl.load(x + x_at, x_mask, 0.0)
        value = tl.where(x_mask, tl.maximum(normalised(x_raw, x_mean, x_factor, x_summand), 0.0), 0.0)
        of_w = tl.dot(tl.trans(of_z), value, of_w, input_precision=PRECISION)
        of_value = tl.where(value > 0.0, tl.dot(of_z, w, input_precision=PRECISION), 0.0)
        tl.store(of_x + x_at, of_value, x_mask)
        total += tl.sum(of_value, 0)
        product += add_products(of_value, x_raw, x_statistics, narrow, NP)
    tl.store(of_weight + program * weights_width + w_at, of_w, w_mask)
    keep_sums(x_partial, program, narrow, NP, total, product)
    if is_last(arrived + 1 + batch, programs):
        finish_sums(x_partial, batch, programs, rows, x_of_scale, x_of_offset, x_sums, PROGRAMS, BATCHES, N, NP)
        if BATCHES > 1:  # noqa: SIM102 (Triton computes both sides of an `and`)
            if is_last(arrived, BATCHES):
                finish_gradients(x_partial, programs, x_of_scale, x_of_offset, BATCHES, MOST, N, NP)


@triton.jit
def fed_row(row, dy, dx, height, width, out_height, out_width, top, left, STRIDE: tl.constexpr):
    """The output's rows (B, K) that the input's rows feed by the taps (dy, dx), and whether there are such."""
    place = row // width
    image = place // height
    up = place - image * height + top - dy
    along = (row - place * width + left)[:, None] - dx[None, :]
    y = up // STRIDE
    x = along // STRIDE
    there = ((up >= 0) & (up % STRIDE == 0) & (y < out_height))[:, None]
    there = there & (along >= 0) & (along % STRIDE == 0) & (x < out_width)
    return (image * out_height + y)[:, None] * out_width + x, there


@triton.jit
def fed_gradient(
    gradient, raw, statistics, sums, row, end, dy, height, width, out_height, out_width, top, left,
    STRIDE: tl.constexpr, N: tl.constexpr, N4: tl.constexpr, NP: tl.constexpr,
):  # fmt: skip
    """The gradient of what the 3x3 convolution gave (B, 4 * N4), where a row of three taps takes the input's rows."""
    tap = tl.arange(0, 4 * N4)
    dx = tap // N4
    target = tap % N4
    fed, there = fed_row(row, dy, dx, height, width, out_height, out_width, top, left, STRIDE)
    there = there & (row < end)[:, None] & ((dx < 3) & (target < N))[None, :]
    at = fed * N + target[None, :]
    mean = tl.load(statistics + target)
    factor = tl.load(statistics + NP + target)
    deviation = tl.load(statistics + 3 * NP + target)
    of_mean = tl.load(sums + target)
    of_product = tl.load(sums + NP + target)
    g = tl.load(gradient + at, there, 0.0)
    of_z = of_raw(g, tl.load(raw + at, there, 0.0), mean, factor, deviation, of_mean, of_product)
    return tl.where(there, of_z, 0.0)


@triton.jit
def cross_backward(
    gradient, raw, statistics, sums, weight, of_weight, weights_width,
    x, x_statistics, of_x, x_partial, x_of_scale, x_of_offset, x_sums, arrived, rows, programs,
    height, width, out_height, out_width, top, left,
    STRIDE: tl.constexpr, N: tl.constexpr, N4: tl.constexpr, NP: tl.constexpr,
    B: tl.constexpr, PROGRAMS: tl.constexpr, BATCHES: tl.constexpr, MOST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The 3x3 convolution, by the rows of its input; x is raw, as the convolution before gave it.

    Programs (programs, 4): three have the gradient of a row of taps each, the fourth that of the input.
    """
    program = tl.program_id(0)
    part = tl.program_id(1)
    batch, begin, end = share_of(program, rows, programs, BATCHES, B)
    statistics += batch * (4 * NP)
    sums += batch * (2 * NP)
    x_statistics += batch * (4 * NP)
    tap = tl.arange(0, 4 * N4)
    narrow = tl.arange(0, NP)
    w_at = (tap % N4)[:, None] * (9 * N) + (tap // N4)[:, None] + narrow[None, :] * 9
    w_mask = ((tap // N4 < 3) & (tap % N4 < N))[:, None] & (narrow < N)[None, :]
    x_mean = tl.load(x_statistics + narrow)
    x_factor = tl.load(x_statistics + NP + narrow)
    x_summand = tl.load(x_statistics + 2 * NP + narrow)
    if part < 3:
        of_w = tl.zeros([4 * N4, NP], tl.float32)
        for start in range(begin, end, programs * B):
            row = start + tl.arange(0, B)
            x_mask = (row < end)[:, None] & (narrow < N)[None, :]
            x_raw = tl.load(x + row[:, None] * N + narrow[None, :], x_mask, 0.0)
            value = tl.where(x_mask, tl.maximum(normalised(x_raw, x_mean, x_factor, x_summand), 0.0), 0.0)
            of_z = fed_gradient(
                gradient, raw, statistics, sums, row, end, part, height, width, out_height, out_width, top, left,
                STRIDE, N, N4, NP,
            )  # fmt: skip
            of_w = tl.dot(tl.trans(of_z), value, of_w, input_precision=PRECISION)
        tl.store(of_weight + program * weights_width + w_at + 3 * part, of_w, w_mask)
    else:
        total = tl.zeros([NP], tl.float32)
        product = tl.zeros([NP], tl.float32)
        for start in range(begin, end, programs * B):
            row = start + tl.arange(0, B)
            of_value = tl.zeros([B, NP], tl.float32)
            for dy in range(3):
                of_z = fed_gradient(
                    gradient, raw, statistics, sums, row, end, dy, height, width, out_height, out_width, top, left,
                    STRIDE, N, N4, NP,
                )  # fmt: skip
                w = tl.load(weight + w_at + 3 * dy, w_mask, 0.0)
                of_value = tl.dot(of_z, w, of_value, input_precision=PRECISION)
            x_mask = (row < end)[:, None] & (narrow < N)[None, :]
            x_at = row[:, None] * N + narrow[None, :]
            x_raw = tl.load(x + x_at, x_mask, 0.0)
            fires = x_mask & (normalised(x_raw, x_mean, x_factor, x_summand) > 0.0)
            of_value = tl.where(fires, of_value, 0.0)
            tl.store(of_x + x_at, of_value, x_mask)
            total += tl.sum(of_value, 0)
            product += add_products(of_value, x_raw, x_statistics, narrow, NP)
        keep_sums(x_partial, program, narrow, NP, total, product)
        if is_last(arrived + 1 + batch, programs):
            finish_sums(x_partial, batch, programs, rows, x_of_scale, x_of_offset, x_sums, PROGRAMS, BATCHES, N, NP)
            if BATCHES > 1:  # noqa: SIM102 (Triton computes both sides of an `and`)
                if is_last(arrived, BATCHES):
                    finish_gradients(x_partial, programs, x_of_scale, x_of_offset, BATCHES, MOST, N, NP)


@triton.jit
def enter_backward(
    gradient, raw, statistics, sums, weight, of_weight, weights_width,
    after, s_raw, s_statistics, s_sums, s_weight, s_of_weight,
    x, of_x, before, before_statistics, partial, of_scale, of_offset, before_sums,
    beside, beside_statistics, b_partial, b_of_scale, b_of_offset, b_sums, arrived, rows, programs,
    height, width, out_height, out_width,
    FIRST: tl.constexpr, BESIDE_PROJECTED: tl.constexpr, PROJECT: tl.constexpr, STRIDE: tl.constexpr,
    C: tl.constexpr, N: tl.constexpr, CO: tl.constexpr, CP: tl.constexpr, NP: tl.constexpr, COP: tl.constexpr,
    B: tl.constexpr, PROGRAMS: tl.constexpr, BATCHES: tl.constexpr, MOST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The 1x1 convolution that a block begins with, its shortcut, and the ReLU before both.

    `after` is the gradient after the block's sum, `before` and `beside` what the sum before the block was of.
    """
    program = tl.program_id(0)
    batch, begin, end = share_of(program, rows, programs, BATCHES, B)
    statistics += batch * (4 * NP)
    sums += batch * (2 * NP)
    if PROJECT:
        s_statistics += batch * (4 * COP)
        s_sums += batch * (2 * COP)
    if not FIRST:
        before_statistics += batch * (4 * CP)
        if BESIDE_PROJECTED:
            beside_statistics += batch * (4 * CP)
    channel = tl.arange(0, CP)
    narrow = tl.arange(0, NP)
    wide = tl.arange(0, COP)
    w_at = narrow[:, None] * C + channel[None, :]
    w_mask = (narrow < N)[:, None] & (channel < C)[None, :]
    w = tl.load(weight + w_at, w_mask, 0.0)
    of_w = tl.zeros([NP, CP], tl.float32)
    if PROJECT:
        s_at = wide[:, None] * C + channel[None, :]
        s_mask = (wide < CO)[:, None] & (channel < C)[None, :]
        s_w = tl.load(s_weight + s_at, s_mask, 0.0)
        s_of_w = tl.zeros([COP, CP], tl.float32)
    total = tl.zeros([CP], tl.float32)
    product = tl.zeros([CP], tl.float32)
    b_product = tl.zeros([CP], tl.float32)
    for start in range(begin, end, programs * B):
        row = start + tl.arange(0, B)
        inside = (row < end)[:, None]
        mask = inside & (channel < C)[None, :]
        at = row[:, None] * C + channel[None, :]
        value = tl.load(x + at, mask, 0.0)
        n_mask = inside & (narrow < N)[None, :]
        n_at = row[:, None] * N + narrow[None, :]
        g = tl.load(gradient + n_at, n_mask, 0.0)
        of_z = raw_gradient(g, tl.load(raw + n_at, n_mask, 0.0), statistics, sums, narrow, NP, n_mask)
        of_w = tl.dot(tl.trans(of_z), value, of_w, input_precision=PRECISION)
        of_value = tl.dot(of_z, w, input_precision=PRECISION)
        if PROJECT:
            o_row = row
            taken = row < end
            if STRIDE != 1:
                place = row // width
                image = place // height
                y = place - image * height
                column = row - place * width
                taken = taken & (y % STRIDE == 0) & (column % STRIDE == 0)
                o_row = (image * out_height + y // STRIDE) * out_width + column // STRIDE
            o_mask = taken[:, None] & (wide < CO)[None, :]
            o_at = o_row[:, None] * CO + wide[None, :]
            g = tl.load(after + o_at, o_mask, 0.0)
            of_z = raw_gradient(g, tl.load(s_raw + o_at, o_mask, 0.0), s_statistics, s_sums, wide, COP, o_mask)
            s_of_w = tl.dot(tl.trans(of_z), value, s_of_w, input_precision=PRECISION)
            of_value = tl.dot(of_z, s_w, of_value, input_precision=PRECISION)
        else:
            of_value += tl.load(after + at, mask, 0.0)
        of_value = tl.where(value > 0.0, of_value, 0.0)
        tl.store(of_x + at, of_value, mask)
        if not FIRST:
            total += tl.sum(of_value, 0)
            product += add_products(of_value, tl.load(before + at, mask, 0.0), before_statistics, channel, CP)
            if BESIDE_PROJECTED:
                b_product += add_products(of_value, tl.load(beside + at, mask, 0.0), beside_statistics, channel, CP)
    tl.store(of_weight + program * weights_width + w_at, of_w, w_mask)
    if PROJECT:
        tl.store(s_of_weight + program * weights_width + s_at, s_of_w, s_mask)
    if not FIRST:
        keep_sums(partial, program, channel, CP, total, product)
        if BESIDE_PROJECTED:
            keep_sums(b_partial, program, channel, CP, total, b_product)
        if is_last(arrived + 1 + batch, programs):
            finish_sums(partial, batch, programs, rows, of_scale, of_offset, before_sums, PROGRAMS, BATCHES, C, CP)
            if BESIDE_PROJECTED:
                finish_sums(b_partial, batch, programs, rows, b_of_scale, b_of_offset, b_sums, PROGRAMS, BATCHES, C, CP)
            if BATCHES > 1:  # noqa: SIM102 (Triton computes both sides of an `and`)
                if is_last(arrived, BATCHES):
                    finish_gradients(partial, programs, of_scale, of_offset, BATCHES, MOST, C, CP)
                    if BESIDE_PROJECTED:
                        finish_gradients(b_partial, programs, b_of_scale, b_of_offset, BATCHES, MOST, C, CP)


@triton.jit
def add_weights(
    partial, out, end_0, end_1, end_2, base_1, base_2, base_3, width_0, width_1, width_2, width_3,
    programs_0, programs_1, programs_2, programs_3, PROGRAMS: tl.constexpr, B: tl.constexpr,
):  # fmt: skip
    """Add up the programs' gradients of weights: four groups of blocks, (programs, width) each."""
    block = tl.program_id(0)
    first = tl.where(block < end_0, 0, tl.where(block < end_1, end_0, tl.where(block < end_2, end_1, end_2)))
    base = tl.where(block < end_0, 0, tl.where(block < end_1, base_1, tl.where(block < end_2, base_2, base_3)))
    width = tl.where(
        block < end_0, width_0, tl.where(block < end_1, width_1, tl.where(block < end_2, width_2, width_3))
    )
    programs = tl.where(
        block < end_0, programs_0, tl.where(block < end_1, programs_1, tl.where(block < end_2, programs_2, programs_3))
    )
    column = tl.arange(0, B)
    program = tl.arange(0, PROGRAMS)
    at = partial + base + program[:, None] * width + ((block - first) * B + column)[None, :]
    total = tl.sum(tl.load(at, (program < programs)[:, None] & (column >= 0)[None, :], 0.0), 0)
    tl.store(out + block * B + column, total)
