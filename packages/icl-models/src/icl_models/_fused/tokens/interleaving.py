# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""Kernels that lay examples and labels out as tokens, and give their gradients back."""

import triton
import triton.language as tl

from icl_models._fused.tokens.parts import product


@triton.jit
def lay_out(
    examples,
    labels,
    table,
    tokens,
    num_rows,
    length,
    num_examples,
    num_labels,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """(B T, W) tokens x1 y1 x2 y2 ... xq from examples (B, S, W) and the table's rows of labels (B, S); NaN for a label
    that the table does not have."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = rows < num_rows
    place = rows % length
    pair = (rows // length) * num_examples + place // 2
    is_label = place % 2 == 1
    columns = tl.arange(0, WIDTH)[None, :]
    label = tl.load(labels + pair, mask=inside & is_label, other=0)
    known = (label >= 0) & (label < num_labels)
    x = tl.load(examples + pair[:, None] * WIDTH + columns, mask=(inside & ~is_label)[:, None], other=0.0)
    y = tl.load(table + label[:, None] * WIDTH + columns, mask=(inside & is_label & known)[:, None], other=float("nan"))
    tl.store(tokens + rows[:, None] * WIDTH + columns, tl.where(is_label[:, None], y, x), mask=inside[:, None])


@triton.jit
def take_apart(
    d_tokens,
    labels,
    d_examples,
    d_table,
    num_pairs,
    length,
    num_examples,
    num_labels,
    num_table_programs,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    LABELS: tl.constexpr,
    STEPS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Gradients of examples (B, S, W) and of the table. A program for each LABELS rows of the table, which looks for
    their tokens among all, so that sums have an order; then one for each ROWS examples."""
    columns = tl.arange(0, WIDTH)[None, :]
    program = tl.program_id(0)
    if program < num_table_programs:
        own = program * LABELS + tl.arange(0, LABELS)
        total = tl.zeros((LABELS, WIDTH), tl.float32)
        for step in range(STEPS):
            pair = step * ROWS + tl.arange(0, ROWS)
            # The last example of a sequence is the query, which no token of a label follows.
            inside = (pair < num_pairs) & (pair % num_examples != num_examples - 1)
            label = tl.load(labels + pair, mask=inside, other=-1)
            row = (pair // num_examples) * length + 2 * (pair % num_examples) + 1
            dy = tl.load(d_tokens + row[:, None] * WIDTH + columns, mask=inside[:, None], other=0.0)
            is_own = tl.where(own[:, None] == label[None, :], 1.0, 0.0)
            total += product(is_own, dy, PRECISION)
        tl.store(d_table + own[:, None] * WIDTH + columns, total, mask=(own < num_labels)[:, None])
    else:
        pair = (program - num_table_programs) * ROWS + tl.arange(0, ROWS)
        inside = (pair < num_pairs)[:, None]
        row = (pair // num_examples) * length + 2 * (pair % num_examples)
        dx = tl.load(d_tokens + row[:, None] * WIDTH + columns, mask=inside, other=0.0)
        tl.store(d_examples + pair[:, None] * WIDTH + columns, dx, mask=inside)
