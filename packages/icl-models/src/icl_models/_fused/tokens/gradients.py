# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""One kernel for the gradients of all parameters of all layers, once everything that flows has flown."""

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from icl_models._fused.tokens.parts import product


@triton.jit
def parameter_gradients(
    d_qkv,
    d_attended,
    d_hidden,
    d_widened,
    normed_attention,
    mixed,
    normed_mlp,
    hidden,
    sums,
    g_qkv,
    g_out,
    g_mlp_in,
    g_mlp_out,
    g_qkv_bias,
    g_out_bias,
    g_mlp_in_bias,
    g_mlp_out_bias,
    g_norms,
    num_layers,
    num_mlps,
    num_rows,
    SLOTS,
    WIDTH: tl.constexpr,
    TILE: tl.constexpr,
    ROWS: tl.constexpr,
    STEPS: tl.constexpr,
    SLOT_STEPS: tl.constexpr,
    PRECISION: tl.constexpr,
    PDL: tl.constexpr,
):
    """A program for each TILE x TILE numbers of a weight's gradient, d y^T x summed over the rows, and of the bias's
    where the tile is the first of its row: of attention, then of MLPs. Then one for each norm, which adds up its SLOTS
    shares."""
    SIDE: tl.constexpr = WIDTH // TILE  # tiles along a width
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    program = tl.program_id(0)
    num_attention = num_layers * (4 * SIDE * SIDE)
    num_tiles = num_attention + num_mlps * (8 * SIDE * SIDE)
    if program >= num_tiles:
        norm = program - num_tiles
        columns = tl.arange(0, 2 * WIDTH)
        total_norm = tl.zeros((2 * WIDTH,), tl.float32)
        for step in range(SLOT_STEPS):
            slots = step * ROWS + tl.arange(0, ROWS)
            share = tl.load(
                sums + (norm * SLOTS + slots)[:, None] * (2 * WIDTH) + columns[None, :],
                mask=(slots < SLOTS)[:, None],
                other=0.0,
            )
            total_norm += tl.sum(share, 0)
        tl.store(g_norms + norm * 2 * WIDTH + columns, total_norm)
    else:
        # A layer's tiles are those of qkv and then of out; or those into the MLP and then out of it.
        if program < num_attention:
            layer = program // (4 * SIDE * SIDE)
            place = program % (4 * SIDE * SIDE)
            first = place < 3 * SIDE * SIDE
            if first:
                y = d_qkv
                x = normed_attention
                to = g_qkv
                to_bias = g_qkv_bias
                y_width = 3 * WIDTH
            else:
                y = d_attended
                x = mixed
                to = g_out
                to_bias = g_out_bias
                place -= 3 * SIDE * SIDE
                y_width = WIDTH
            x_width = WIDTH
        else:
            layer = (program - num_attention) // (8 * SIDE * SIDE)
            place = (program - num_attention) % (8 * SIDE * SIDE)
            first = place < 4 * SIDE * SIDE
            if first:
                y = d_hidden
                x = normed_mlp
                to = g_mlp_in
                to_bias = g_mlp_in_bias
                y_width = 4 * WIDTH
                x_width = WIDTH
            else:
                y = d_widened
                x = hidden
                to = g_mlp_out
                to_bias = g_mlp_out_bias
                place -= 4 * SIDE * SIDE
                y_width = WIDTH
                x_width = 4 * WIDTH
        across = x_width // TILE
        own_y = (place // across) * TILE + tl.arange(0, TILE)
        own_x = (place % across) * TILE + tl.arange(0, TILE)
        y += layer * num_rows * y_width + own_y[None, :]
        x += layer * num_rows * x_width + own_x[None, :]
        total = tl.zeros((TILE, TILE), tl.float32)
        total_bias = tl.zeros((TILE,), tl.float32)
        for step in range(STEPS):
            rows = step * ROWS + tl.arange(0, ROWS)
            inside = (rows < num_rows)[:, None]
            y_rows = tl.load(y + rows[:, None] * y_width, mask=inside, other=0.0)
            x_rows = tl.load(x + rows[:, None] * x_width, mask=inside, other=0.0)
            total += product(tl.trans(y_rows), x_rows, PRECISION)
            total_bias += tl.sum(y_rows, 0)
        tl.store(to + layer * y_width * x_width + own_y[:, None] * x_width + own_x[None, :], total)
        if place % across == 0:
            tl.store(to_bias + layer * y_width + own_y, total_bias)
