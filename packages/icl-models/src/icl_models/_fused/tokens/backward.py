# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""Kernels of the gradients that flow through the transformer: two a layer, divided as those of the forward pass are."""

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from icl_models._fused.tokens.parts import gradient_below_norm, product, tile


@triton.jit
def widen_backward(
    above,
    x,
    scale,
    residual,
    sums,
    out_weight,
    in_weight,
    slope,
    d_out,
    d_hidden,
    parts,
    length,
    num_rows,
    SLOTS,
    WIDTH: tl.constexpr,
    SLICE: tl.constexpr,
    ROWS: tl.constexpr,
    PARTS: tl.constexpr,
    SOURCE: tl.constexpr,
    HAS_RESIDUAL: tl.constexpr,
    SHARES: tl.constexpr,
    PRECISION: tl.constexpr,
    PDL: tl.constexpr,
):
    """Gradients of an MLP: of its output (N, W), of its hidden units before GELU (N, 4W), and (4W / SLICE, N, W) parts
    of that of its normalised input. `above` are the parts of the gradient of the next layer's normalised input."""
    part = tl.program_id(1)
    columns = tl.arange(0, WIDTH)
    own = part * SLICE + tl.arange(0, SLICE)
    w_out = tile(out_weight, columns, own, 4 * WIDTH)  # (W, SLICE)
    w_in = tile(in_weight, own, columns, WIDTH)  # (SLICE, W)
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    block = tl.program_id(0)
    rows = block * ROWS + tl.arange(0, ROWS)
    inside = (rows < num_rows)[:, None]
    at = rows[:, None] * WIDTH + columns[None, :]
    size = num_rows * WIDTH
    to = rows[:, None] * (4 * WIDTH) + own[None, :]
    steep = tl.load(slope + to, mask=inside, other=0.0)
    dy = gradient_below_norm(
        above, x, scale, residual, sums, rows, inside, length, size, part == 0, block, tl.num_programs(0), SLOTS,
        WIDTH, PARTS, SOURCE, HAS_RESIDUAL, SHARES,
    )  # fmt: skip
    if part == 0:
        tl.store(d_out + at, dy, mask=inside)
    du = product(dy, w_out, PRECISION) * steep  # (ROWS, SLICE)
    tl.store(d_hidden + to, du, mask=inside)
    tl.store(parts + part * size + at, product(du, w_in, PRECISION), mask=inside)


@triton.jit
def attend_backward(
    above,
    x,
    scale,
    residual,
    sums,
    out_weight,
    qkv_weight,
    qkv,
    d_out,
    d_qkv,
    parts,
    length,
    size,
    SLOTS,
    softmax_scale,
    WIDTH: tl.constexpr,
    HEAD: tl.constexpr,
    GROUP: tl.constexpr,
    TOKENS: tl.constexpr,
    PARTS: tl.constexpr,
    SOURCE: tl.constexpr,
    HAS_RESIDUAL: tl.constexpr,
    SHARES: tl.constexpr,
    PRECISION: tl.constexpr,
    PDL: tl.constexpr,
):
    """Gradients of attention: of its output (N, W), of queries, keys and values (N, 3W), and (W / GROUP, N, W) parts of
    that of its normalised input. The weights of the heads are computed again."""
    sequence = tl.program_id(0)
    group = tl.program_id(1)
    columns = tl.arange(0, WIDTH)
    own = group * GROUP + tl.arange(0, GROUP)
    w_out = tile(out_weight, columns, own, WIDTH)  # (W, GROUP)
    w_q = tile(qkv_weight, own, columns, WIDTH)  # (GROUP, W), and so on
    w_k = tile(qkv_weight, WIDTH + own, columns, WIDTH)
    w_v = tile(qkv_weight, 2 * WIDTH + own, columns, WIDTH)
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    token = tl.arange(0, TOKENS)
    rows = sequence * length + token
    inside = (token < length)[:, None]
    at = rows[:, None] * WIDTH + columns[None, :]
    to = rows[:, None] * (3 * WIDTH) + own[None, :]
    q = tl.load(qkv + to, mask=inside, other=0.0)
    k = tl.load(qkv + to + WIDTH, mask=inside, other=0.0)
    v = tl.load(qkv + to + 2 * WIDTH, mask=inside, other=0.0)
    dy = gradient_below_norm(
        above, x, scale, residual, sums, rows, inside, length, size, group == 0, sequence, tl.num_programs(0), SLOTS,
        WIDTH, PARTS, SOURCE, HAS_RESIDUAL, SHARES,
    )  # fmt: skip
    if group == 0:
        tl.store(d_out + at, dy, mask=inside)
    d_mixed = product(dy, w_out, PRECISION)  # (TOKENS, GROUP)
    head_of = tl.arange(0, GROUP) // HEAD
    causal = token[:, None] >= token[None, :]
    dq = tl.zeros((TOKENS, GROUP), tl.float32)
    dk = tl.zeros((TOKENS, GROUP), tl.float32)
    dv = tl.zeros((TOKENS, GROUP), tl.float32)
    for head in tl.static_range(GROUP // HEAD):
        own_columns = (head_of == head)[None, :]
        q_head = tl.where(own_columns, q, 0.0)
        d_head = tl.where(own_columns, d_mixed, 0.0)
        score = product(q_head, tl.trans(k), PRECISION) * softmax_scale
        score = tl.where(causal, score, float("-inf"))
        e = tl.exp(score - tl.max(score, 1)[:, None])
        p = e * (1.0 / tl.sum(e, 1))[:, None]
        dp = product(d_head, tl.trans(v), PRECISION)
        ds = p * (dp - tl.sum(p * dp, 1)[:, None]) * softmax_scale
        dq += product(ds, tl.where(own_columns, k, 0.0), PRECISION)
        dk += product(tl.trans(ds), q_head, PRECISION)
        dv += product(tl.trans(p), d_head, PRECISION)
    tl.store(d_qkv + to, dq, mask=inside)
    tl.store(d_qkv + to + WIDTH, dk, mask=inside)
    tl.store(d_qkv + to + 2 * WIDTH, dv, mask=inside)
    dn = product(dq, w_q, PRECISION)  # (TOKENS, W)
    dn += product(dk, w_k, PRECISION)
    dn += product(dv, w_v, PRECISION)
    tl.store(parts + group * size + at, dn, mask=inside)


@triton.jit
def begin_backward(
    above,
    x,
    scale,
    residual,
    sums,
    d_x,
    length,
    num_rows,
    SLOTS,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    PARTS: tl.constexpr,
    SOURCE: tl.constexpr,
    HAS_RESIDUAL: tl.constexpr,
    SHARES: tl.constexpr,
    PDL: tl.constexpr,
):
    """(N, W) d_x: the gradient of the stream that the first layer got."""
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    block = tl.program_id(0)
    rows = block * ROWS + tl.arange(0, ROWS)
    inside = (rows < num_rows)[:, None]
    dx = gradient_below_norm(
        above, x, scale, residual, sums, rows, inside, length, num_rows * WIDTH, True, block, tl.num_programs(0), SLOTS,
        WIDTH, PARTS, SOURCE, HAS_RESIDUAL, SHARES,
    )  # fmt: skip
    tl.store(d_x + rows[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :], dx, mask=inside)
