# mypy: ignore-errors
# Kernels are a language of their own that only looks like Python.
"""What the transformer's kernels share: the stream of residuals between two norms, and layer norm both ways."""

import triton
import triton.language as tl

EPSILON = tl.constexpr(1e-5)  # that of nn.LayerNorm

GIVEN = tl.constexpr(0)  # where a stream comes from: it lies there already,
SUMMED = tl.constexpr(1)  # or is the residual, and an MLP's output in parts,
PROJECTED = tl.constexpr(2)  # or is the residual, and what heads mixed, yet to be projected
QUERY = tl.constexpr(3)  # for gradients: those of every sequence's last token alone are given


@triton.jit
def coarse(x):
    """`x` rounded to the 11 bits that tensor cores take."""
    # Adding may make a NaN a zero; the rest, x - coarse(x), is NaN then, and so is every product.
    bits = x.to(tl.int32, bitcast=True)
    return ((bits + 0x1000) & -0x2000).to(tl.float32, bitcast=True)


@triton.jit
def product(a, b, PRECISION: tl.constexpr):
    """The matrix product of a (M, K) and b (K, N).

    "split" is Triton's "tf32x3", both sides as sums of two numbers of 11 bits and three products of the four, at fewer
    instructions: the smaller ones' last bits are cut instead of rounded, 2^-21 of the number.
    """
    if PRECISION == "split":
        a_coarse = coarse(a)
        b_coarse = coarse(b)
        total = tl.dot(a - a_coarse, b_coarse, input_precision="tf32")
        total = tl.dot(a_coarse, b - b_coarse, total, input_precision="tf32")
        total = tl.dot(a_coarse, b_coarse, total, input_precision="tf32")
    else:
        total = tl.dot(a, b, input_precision=PRECISION)
    return total


@triton.jit
def tile(pointer, rows, columns, stride: tl.constexpr):
    """Load (rows, columns) of a matrix that is `stride` wide and whole there."""
    return tl.load(pointer + rows[:, None] * stride + columns[None, :])


@triton.jit
def summed(parts, at, inside, size, PARTS: tl.constexpr):
    """The sum of PARTS matrices of `size` numbers each, in their order."""
    total = tl.load(parts + at, mask=inside, other=0.0)
    for part in tl.static_range(1, PARTS):
        total += tl.load(parts + part * size + at, mask=inside, other=0.0)
    return total


@triton.jit
def stream(
    residual,
    branch,
    weight,
    bias,
    at,
    inside,
    size,
    WIDTH: tl.constexpr,
    PARTS: tl.constexpr,
    SOURCE: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """The residual stream (R, W), of which the last branch may not be added yet."""
    columns = tl.arange(0, WIDTH)
    if SOURCE == PROJECTED:
        matrix = tile(weight, columns, columns, WIDTH)
        mixed = tl.load(branch + at, mask=inside, other=0.0)
        added = product(mixed, tl.trans(matrix), PRECISION) + tl.load(bias + columns)[None, :]
    if SOURCE == SUMMED:
        added = summed(branch, at, inside, size, PARTS) + tl.load(bias + columns)[None, :]
    x = tl.load(residual + at, mask=inside, other=0.0)
    if SOURCE != GIVEN:
        x += added
    return x


@triton.jit
def standardised(x, WIDTH: tl.constexpr):
    """Rows with mean 0 and variance 1, and the reciprocal of their standard deviations (R,)."""
    centred = x - (tl.sum(x, 1) / WIDTH)[:, None]
    rstd = tl.rsqrt(tl.sum(centred * centred, 1) / WIDTH + EPSILON)
    return centred * rstd[:, None], rstd


@triton.jit
def gradient_below_norm(
    parts,
    x,
    scale,
    residual,
    sums,
    rows,
    inside,
    length,
    size,
    writes,
    block,
    num_blocks,
    SLOTS,
    WIDTH: tl.constexpr,
    PARTS: tl.constexpr,
    SOURCE: tl.constexpr,
    HAS_RESIDUAL: tl.constexpr,
    SHARES: tl.constexpr,
):
    """The gradient of a stream (R, W), from that of what a norm made of it, in PARTS, and that of the residual.

    If `writes`, this block's share of the norm's own gradients goes to `sums` (SLOTS, 2, W).
    """
    columns = tl.arange(0, WIDTH)
    at = rows[:, None] * WIDTH + columns[None, :]
    if SOURCE == QUERY:
        of_query = inside & ((rows % length) == length - 1)[:, None]
        dy = tl.load(parts + (rows // length)[:, None] * WIDTH + columns[None, :], mask=of_query, other=0.0)
    else:
        dy = summed(parts, at, inside, size, PARTS)
    normed, rstd = standardised(tl.load(x + at, mask=inside, other=0.0), WIDTH)
    if writes:
        slot = sums + block * 2 * WIDTH + columns
        tl.store(slot, tl.sum(dy * normed, 0))
        tl.store(slot + WIDTH, tl.sum(dy, 0))
        for more in tl.static_range(1, SHARES):  # slots that no block of this kernel fills
            other = block + more * num_blocks
            slot = sums + other * 2 * WIDTH + columns
            tl.store(slot, tl.zeros((WIDTH,), tl.float32), mask=(columns < WIDTH) & (other < SLOTS))
            tl.store(slot + WIDTH, tl.zeros((WIDTH,), tl.float32), mask=(columns < WIDTH) & (other < SLOTS))
    inner = dy * tl.load(scale + columns)[None, :]
    along = tl.sum(inner * normed, 1) / WIDTH
    dx = rstd[:, None] * (inner - (tl.sum(inner, 1) / WIDTH)[:, None] - normed * along[:, None])
    if HAS_RESIDUAL:
        dx += tl.load(residual + at, mask=inside, other=0.0)
    return dx
