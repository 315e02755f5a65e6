# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""The backward pass of the stem: from what pooling and ReLU gave straight to the gradients of its weights."""

import triton
import triton.language as tl

from icl_models._fused.images.statistics import EPS, share_of
from icl_models._fused.images.stem_forward import patches, statistics_of_channel, weight_index


@triton.jit
def gradient_of_program(
    gradient, argument, squares, partial, total, programs, height, width, rows, columns,
    pooled_height, pooled_width, top, left, EXACT: tl.constexpr, BATCHES: tl.constexpr, C: tl.constexpr,
    B: tl.constexpr, PRECISION: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    _, begin, end = share_of(program, total, programs, BATCHES, B)
    channel = tl.arange(0, C)
    k = tl.arange(0, 64)
    of_w = tl.zeros([C, 64], tl.float32)
    of_bias = tl.zeros([C], tl.float32)
    for start in range(begin, end, programs * B):
        place = start + tl.arange(0, B)
        inside = place < end
        line = place // pooled_width
        image = line // pooled_height
        i = line - image * pooled_height
        j = place - line * pooled_width
        of_bias += tl.sum(
            tl.load(gradient + place[:, None] * C + channel[None, :], inside[:, None] & (channel < C)[None, :], 0.0), 0
        )
        for corner in range(4):
            a = corner // 2
            b = corner % 2
            of_z = tl.zeros([B, C], tl.float32)
            for window in tl.static_range(4):
                # Position 2i + a is number a of window i, and where a is 0 also number 2 of window i - 1.
                up = window // 2
                back = window % 2
                number = (a + 2 * up) * 3 + b + 2 * back
                there = inside & (i >= up) & (j >= back) & (a + up < 2) & (b + back < 2)
                mask = there[:, None] & (channel < C)[None, :]
                at = (place - up * pooled_width - back)[:, None] * C + channel[None, :]
                largest = tl.load(argument + at, mask, -1).to(tl.int32) == number
                of_z += tl.where(largest, tl.load(gradient + at, mask, 0.0), 0.0)
            y = 2 * i + a - top
            x = 2 * j + b - left
            there = inside & (y >= 0) & (y < height) & (x >= 0) & (x < width)
            patch = patches(squares, image, y, x, rows, columns, there)
            if EXACT:
                half = patch.to(tl.bfloat16)
                first = of_z.to(tl.bfloat16)
                left_over = of_z - first.to(tl.float32)
                second = left_over.to(tl.bfloat16)
                third = (left_over - second.to(tl.float32)).to(tl.bfloat16)
                if WIDEN:  # Triton's interpreter has no products of bfloat16
                    half = half.to(tl.float32)
                    first, second, third = first.to(tl.float32), second.to(tl.float32), third.to(tl.float32)
                of_w = tl.dot(tl.trans(third), half, of_w)
                of_w = tl.dot(tl.trans(second), half, of_w)
                of_w = tl.dot(tl.trans(first), half, of_w)
            else:
                of_w = tl.dot(tl.trans(of_z), patch, of_w, input_precision=PRECISION)
    own = partial + program * (65 * C)
    tl.store(own + channel[:, None] * 64 + k[None, :], of_w)
    tl.store(own + 64 * C + channel, of_bias)


@triton.jit
def pool_convolution_backward(
    gradient, argument, squares, shades, partial, total, programs, height, width, rows, columns,
    pooled_height, pooled_width, top, left, BATCHES: tl.constexpr, C: tl.constexpr, B: tl.constexpr,
    PRECISION: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """Gradients of normalising weights (C, 64) and, behind them, of the bias, a program's: (all programs, 65 * C).

    `gradient` (N * pooled_height * pooled_width, C) has been through the ReLU. A place in the pooled image stands for
    the 2x2 positions of the convolution that begin its window; each is in one, two or four windows.
    """
    if tl.load(shades) == 0:
        gradient_of_program(
            gradient, argument, squares, partial, total, programs, height, width, rows, columns,
            pooled_height, pooled_width, top, left, True, BATCHES, C, B, PRECISION, WIDEN,
        )  # fmt: skip
    else:
        gradient_of_program(
            gradient, argument, squares, partial, total, programs, height, width, rows, columns,
            pooled_height, pooled_width, top, left, False, BATCHES, C, B, PRECISION, WIDEN,
        )  # fmt: skip


@triton.jit
def unfold_normalisation(
    partial, weight, scale, moments, of_weight, of_scale, of_offset, programs, C: tl.constexpr, PROGRAMS: tl.constexpr
):
    """Add up a batch's programs' gradients and take them through weights, mean and variance, a channel each.

    Gradients are a batch's own: (batches, C, 7, 7) and (batches, C).
    """
    channel = tl.program_id(0)
    batch = tl.program_id(1)
    partial += batch * programs * (65 * C)
    moments += batch * (65 * 64)
    of_weight += batch * (49 * C)
    of_scale += batch * C
    of_offset += batch * C
    k = tl.arange(0, 64)
    program = tl.arange(0, PROGRAMS)
    there = program < programs
    own = partial + program * (65 * C)
    of_normalising = tl.sum(
        tl.load(own[:, None] + (channel * 64 + k)[None, :], there[:, None] & (k >= 0)[None, :], 0.0).to(tl.float64), 0
    )
    of_bias = tl.sum(tl.load(own + 64 * C + channel, there, 0.0).to(tl.float64), 0)
    w, mean, covariance, variance = statistics_of_channel(weight, moments, channel)
    deviation = 1.0 / tl.sqrt(variance + EPS)
    learned = tl.load(scale + channel).to(tl.float64)
    factor = learned * deviation
    of_factor = tl.sum(of_normalising * w, 0) - of_bias * mean
    of_mean = -of_bias * factor
    of_variance = of_factor * learned * (-0.5) * deviation * deviation * deviation
    patch = tl.load(moments + 64 * 64 + k)
    of_w = of_normalising * factor + patch * of_mean + covariance * (2.0 * of_variance)
    at, known = weight_index(k)
    tl.store(of_weight + channel * 49 + at, of_w.to(tl.float32), known)
    tl.store(of_scale + channel, (of_factor * deviation).to(tl.float32))
    tl.store(of_offset + channel, of_bias.to(tl.float32))
