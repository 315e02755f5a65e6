"""What kernels need to know of a residual net and its images: sizes, paddings, and how the work is cut."""

from __future__ import annotations

from dataclasses import dataclass

_ROWS = 64  # that are worth a program
_NUMBERS = 8192  # that the last program of a kernel combines at once: programs times channels
_PROGRAMS = 512


def power_of_two(number: int, least: int = 1) -> int:
    """The least power of two that is neither below `number` nor below `least`."""
    return max(1 << (number - 1).bit_length(), least)


@dataclass(frozen=True)
class BlockShape:
    """A bottleneck block: `height` and `width` of its input, and those it gives; `top` and `left` pad the 3x3 one.

    Each of `batches` parts of the images is normalised by itself, and shared by as many `programs`.
    """

    images: int
    batches: int
    height: int
    width: int
    out_height: int
    out_width: int
    top: int
    left: int
    stride: int
    channels: int
    narrow: int
    out_channels: int
    project: bool
    programs: int

    @property
    def rows(self) -> int:
        return self.images * self.height * self.width

    @property
    def out_rows(self) -> int:
        return self.images * self.out_height * self.out_width

    @property
    def batch_rows(self) -> int:
        return self.rows // self.batches

    @property
    def batch_out_rows(self) -> int:
        return self.out_rows // self.batches

    @property
    def all_programs(self) -> int:
        return self.batches * self.programs

    @property
    def weights(self) -> tuple[int, ...]:
        """Numbers in the block's weights: of the three convolutions, and of the shortcut's."""
        three = (self.channels * self.narrow, 9 * self.narrow**2, self.narrow * self.out_channels)
        return (*three, self.channels * self.out_channels) if self.project else three


@dataclass(frozen=True)
class StemShape:
    """The stem: images, what the convolution gives and what pooling gives, with the paddings before both axes.

    Each of `batches` parts of the images is normalised by itself.
    """

    images: int
    batches: int
    height: int
    width: int
    conv_height: int
    conv_width: int
    pooled_height: int
    pooled_width: int
    conv_padding: tuple[int, int]
    pool_padding: tuple[int, int]
    channels: int

    @property
    def squares(self) -> tuple[int, int]:
        """Rows and columns of 2x2 pixels, so that every convolution position has an 8x8 patch."""
        return self.conv_height + 3, self.conv_width + 3

    @property
    def places(self) -> int:
        return self.images * self.pooled_height * self.pooled_width

    @property
    def batch_positions(self) -> int:
        return self.images // self.batches * self.conv_height * self.conv_width

    @property
    def batch_places(self) -> int:
        return self.places // self.batches


def programs_for(rows: int, widest: int, batches: int) -> int:
    """How many programs share a batch's rows in a kernel of which the widest statistics have so many channels."""
    return max(1, min(-(-rows // _ROWS), _NUMBERS // power_of_two(widest, 16), _PROGRAMS // batches))


def most_batches(widest: int) -> int:
    """How many batches a kernel's last program can take together."""
    return _NUMBERS // power_of_two(widest, 16)
