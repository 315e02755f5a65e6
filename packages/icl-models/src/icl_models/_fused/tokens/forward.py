# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""Kernels of the transformer's forward pass.

A layer is two of them. `attend` has a program for each sequence and group of heads: what the layer before left undone,
layer norm, the group's queries, keys and values, attention. `widen` has one for each few rows and slice of the MLP's
hidden units: the heads' projection, layer norm, the slice, and its part of the MLP's output, which is added up by
whoever reads it. So some 130 programs share each kernel, and the small things that all programs of a row need are
computed by each of them.
"""

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from icl_models._fused.tokens.parts import product, standardised, stream, tile


@triton.jit
def attend(
    residual,
    branch,
    branch_weight,
    branch_bias,
    scale,
    offset,
    weight,
    bias,
    x,
    normed,
    qkv,
    mixed,
    length,
    size,
    softmax_scale,
    WIDTH: tl.constexpr,
    HEAD: tl.constexpr,
    GROUP: tl.constexpr,
    TOKENS: tl.constexpr,
    PARTS: tl.constexpr,
    SOURCE: tl.constexpr,
    PRECISION: tl.constexpr,
    PDL: tl.constexpr,
):
    """(N, W) x: the stream that arrives, its norm, (N, 3W) qkv and what the heads mix; a group's columns of the last
    two for each program. TOKENS >= length rows, of which those beyond are nobody's."""
    sequence = tl.program_id(0)
    group = tl.program_id(1)
    columns = tl.arange(0, WIDTH)
    own = group * GROUP + tl.arange(0, GROUP)
    w_q = tile(weight, own, columns, WIDTH)  # (GROUP, W), and so on
    w_k = tile(weight, WIDTH + own, columns, WIDTH)
    w_v = tile(weight, 2 * WIDTH + own, columns, WIDTH)
    b_q = tl.load(bias + own)
    b_k = tl.load(bias + WIDTH + own)
    b_v = tl.load(bias + 2 * WIDTH + own)
    norm_scale = tl.load(scale + columns)
    norm_offset = tl.load(offset + columns)
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    token = tl.arange(0, TOKENS)
    rows = sequence * length + token
    inside = (token < length)[:, None]
    at = rows[:, None] * WIDTH + columns[None, :]
    h = stream(residual, branch, branch_weight, branch_bias, at, inside, size, WIDTH, PARTS, SOURCE, PRECISION)
    n, _ = standardised(h, WIDTH)
    n = n * norm_scale[None, :] + norm_offset[None, :]
    if group == 0:
        tl.store(x + at, h, mask=inside)
        tl.store(normed + at, n, mask=inside)
    q = product(n, tl.trans(w_q), PRECISION) + b_q[None, :]  # (TOKENS, GROUP)
    k = product(n, tl.trans(w_k), PRECISION) + b_k[None, :]
    v = product(n, tl.trans(w_v), PRECISION) + b_v[None, :]
    to = qkv + rows[:, None] * (3 * WIDTH) + own[None, :]
    tl.store(to, q, mask=inside)
    tl.store(to + WIDTH, k, mask=inside)
    tl.store(to + 2 * WIDTH, v, mask=inside)
    head_of = tl.arange(0, GROUP) // HEAD
    causal = token[:, None] >= token[None, :]
    sum_of_heads = tl.zeros((TOKENS, GROUP), tl.float32)
    for head in tl.static_range(GROUP // HEAD):
        own_columns = (head_of == head)[None, :]
        score = product(tl.where(own_columns, q, 0.0), tl.trans(k), PRECISION) * softmax_scale
        score = tl.where(causal, score, float("-inf"))
        e = tl.exp(score - tl.max(score, 1)[:, None])
        p = e * (1.0 / tl.sum(e, 1))[:, None]
        sum_of_heads += product(p, tl.where(own_columns, v, 0.0), PRECISION)
    tl.store(mixed + rows[:, None] * WIDTH + own[None, :], sum_of_heads, mask=inside)


@triton.jit
def widen(
    residual,
    branch,
    branch_weight,
    branch_bias,
    scale,
    offset,
    in_weight,
    in_bias,
    out_weight,
    x,
    normed,
    slope,
    hidden,
    parts,
    num_rows,
    WIDTH: tl.constexpr,
    SLICE: tl.constexpr,
    ROWS: tl.constexpr,
    SOURCE: tl.constexpr,
    PRECISION: tl.constexpr,
    PDL: tl.constexpr,
):
    """(N, W) x: the stream between attention and MLP, its norm, (N, 4W) GELUs and their slopes, and (4W / SLICE, N, W)
    parts of the MLP's output, its bias excepted."""
    part = tl.program_id(1)
    columns = tl.arange(0, WIDTH)
    own = part * SLICE + tl.arange(0, SLICE)
    w_in = tile(in_weight, own, columns, WIDTH)  # (SLICE, W)
    w_out = tile(out_weight, columns, own, 4 * WIDTH)  # (W, SLICE)
    b_in = tl.load(in_bias + own)
    norm_scale = tl.load(scale + columns)
    norm_offset = tl.load(offset + columns)
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = (rows < num_rows)[:, None]
    at = rows[:, None] * WIDTH + columns[None, :]
    size = num_rows * WIDTH
    h = stream(residual, branch, branch_weight, branch_bias, at, inside, size, WIDTH, 1, SOURCE, PRECISION)
    n, _ = standardised(h, WIDTH)
    n = n * norm_scale[None, :] + norm_offset[None, :]
    if part == 0:
        tl.store(x + at, h, mask=inside)
        tl.store(normed + at, n, mask=inside)
    u = product(n, tl.trans(w_in), PRECISION) + b_in[None, :]  # (ROWS, SLICE)
    # GELU with tanh is u s with s = sigmoid(2 root (u + 0.044715 u^3)), root = sqrt(2 / pi).
    s = 1.0 / (1.0 + tl.exp(-1.5957691216057308 * (u + 0.044715 * u * u * u)))
    g = u * s
    to = rows[:, None] * (4 * WIDTH) + own[None, :]
    tl.store(hidden + to, g, mask=inside)
    tl.store(slope + to, s + g * (1.0 - s) * (1.5957691216057308 * (1.0 + 0.134145 * u * u)), mask=inside)
    y = product(g, tl.trans(w_out), PRECISION)  # (ROWS, W)
    tl.store(parts + part * size + at, y, mask=inside)


@triton.jit
def finish(
    residual,
    branch,
    branch_weight,
    branch_bias,
    scale,
    offset,
    x,
    features,
    length,
    num_rows,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    PARTS: tl.constexpr,
    SOURCE: tl.constexpr,
    QUERY_ONLY: tl.constexpr,
    PRECISION: tl.constexpr,
    PDL: tl.constexpr,
):
    """(N, W) x: the stream behind the last layer, and its norm: of all rows, or (B, W) of the sequences' last ones."""
    columns = tl.arange(0, WIDTH)
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = (rows < num_rows)[:, None]
    at = rows[:, None] * WIDTH + columns[None, :]
    size = num_rows * WIDTH
    h = stream(residual, branch, branch_weight, branch_bias, at, inside, size, WIDTH, PARTS, SOURCE, PRECISION)
    n, _ = standardised(h, WIDTH)
    n = n * tl.load(scale + columns)[None, :] + tl.load(offset + columns)[None, :]
    tl.store(x + at, h, mask=inside)
    if QUERY_ONLY:
        of_query = inside & ((rows % length) == length - 1)[:, None]
        tl.store(features + (rows // length)[:, None] * WIDTH + columns[None, :], n, mask=of_query)
    else:
        tl.store(features + at, n, mask=inside)
