"""How a product is cut into pieces: steps, chunks, row blocks, strides.

The constants decide only about speed. Measured on AVX2 (Zen 3, one thread, another process on
the second core), best and median of repeated runs: UNFOLD_CHANNELS, ROWS_BYTES, OUT_BYTES,
RUN_BYTES, CHUNK_BYTES; the last four are flat within some 5 % around these values. Measured on
VNNI and on 256-bit pairs: FEWEST_PRODUCTS. Not measured: IMAGES_AT_A_TIME, SMALL, and all others
for VNNI and AMX.
"""

from functools import lru_cache

import numpy as np

from .memory import round_up

UNFOLD_CHANNELS = 3  # a window over at most this many channels is unfolded
ROWS_BYTES = 192 << 10  # of A under one pixel, kept in L2 while panels go by
OUT_BYTES = 128 << 10  # of the gradient under all panels, kept in L2 while panels go by
RUN_BYTES = 28 << 10  # of E under one panel in the gradient, kept in L1
CHUNK_BYTES = 8 << 20  # of operands that are prepared piecewise
IMAGES_AT_A_TIME = 512  # of the gradient
SMALL = 1 << 17  # multiply-adds of a call that is not worth a second task
SHORTEST_BLOCK, CALL = 4, 1  # of a block, in rows
FEWEST_PRODUCTS = 64  # in an s32 piece; below, halves of B are multiplied apart


class Cut:
    """How a contraction of k elements is cut: `chunks` segments of `steps` steps each.

    piece : segments that one s32 sum may add, None for all.
    flush : segments between two widenings, for the kernels that count steps.
    bytes : of a row of A that is read.
    """

    def __init__(self, micro, k, limit):
        multiple = micro.step_multiple
        total = round_up(-(-k // micro.per_step), multiple)
        longest = micro.longest_run or total
        if limit:
            longest = min(longest, limit // micro.per_step)
        longest = max(multiple, longest // multiple * multiple)
        self.chunks = -(-total // longest)
        self.steps = round_up(-(-total // self.chunks), multiple)
        self.piece = limit // (self.steps * micro.per_step) if limit else None
        self.flush = micro.longest_run // self.steps if micro.longest_run else 1
        self.bytes = self.chunks * self.steps * 4


class Turned:
    """A of the gradient, [pixel][channel][image]: bytes of rows and pixels.

    With `unfold` the rows of a pixel are (group, kh, kw, channel) instead.
    """

    def __init__(self, micro, sizes, images, unfold):
        self.images, self.unfold = images, unfold
        self.cut = Cut(micro, images, None)
        whole_tiles = round_up(images, 8 * micro.per_step) * micro.size
        self.row = max(self.cut.bytes, whole_tiles)
        self.x_pixel = round_up(sizes.inputs, 8) * self.row
        self.rows = sizes.group_inputs * (sizes.taps if unfold else 1)
        self.a_pixel = sizes.groups * self.rows * self.row if unfold else self.x_pixel
        self.slack = micro.rows[-1] * self.row + 64

    def output_rows(self, micro, sizes):
        """Rows of output pixels whose operands fit into CHUNK_BYTES."""
        e_pixel = self.cut.bytes * round_up(sizes.outputs, micro.columns)
        return max(1, CHUNK_BYTES // ((self.a_pixel + e_pixel) * sizes.columns.outputs))


def unfolds(micro, sizes):
    """Whether the taps of a pixel are copied side by side.

    Kernels whose step is a whole tile pad each tap to 64 bytes, so they unfold up to half of
    that (an estimate: no such machine was at hand).
    """
    half_a_step = micro.step_multiple * micro.per_step // 2
    return sizes.taps > 1 and sizes.group_inputs <= max(UNFOLD_CHANNELS, half_a_step)


@lru_cache(maxsize=256)
def row_blocks(count, heights):
    """Rows 0..count as blocks of the kernel's heights: s64 [blocks][first, computed, valid]."""
    blocks, row = [], 0
    for height in _heights(count, heights):
        blocks.append((row, height, min(height, count - row)))
        row += height
    return np.array(blocks, np.int64)


def _heights(count, heights):
    """The cheapest heights that cover `count` rows; only the smallest may stand out.

    A block costs a cycle a row and step, but SHORTEST_BLOCK at least, since its sums wait for
    each other, and CALL.
    """
    while count > 8 * heights[0]:
        yield heights[0]
        count -= heights[0]
    best = [(0, 0)]
    for rows in range(1, count + 1):
        best.append(min(
            (best[max(0, rows - h)][0] + max(h, SHORTEST_BLOCK) + CALL, h)
            for h in heights if h <= rows or h == heights[-1]))
    while count > 0:
        yield best[count][1]
        count -= best[count][1]


def spread(pixel, block):
    """A stride of pixels that are not a multiple of 4 KiB apart, so that the same rows of
    neighbouring pixels (`block` bytes) do not fall into the same sets of L1."""
    if pixel < 4096 or pixel % 4096 >= 512:
        return pixel
    return pixel + round_up(min(block, 2048), 64)


def strides(codes):
    """Byte strides by shape; an axis of one element may carry any in `codes.strides`."""
    sizes = [codes.itemsize]
    for size in codes.shape[:0:-1]:
        sizes.insert(0, sizes[0] * size)
    return sizes


def lines(micro, sizes):
    """Whether the rows of such a window are runs of bytes: see product_unfold.line_worker."""
    return sizes.groups == sizes.columns.dilation == micro.step_multiple == 1


@lru_cache(maxsize=256)
def lined_fields(sizes, a):
    """Fields of a plan for A as lined: a row of taps is one tap, a pixel that of one image."""
    rows, columns = sizes.rows, sizes.columns
    return dict(
        in_height=rows.inputs, in_width=sizes.images * a.row // a.pixel,
        pixel_columns=columns.outputs, taps_high=rows.taps, taps_wide=1,
        stride_h=rows.stride, stride_w=columns.stride, padding_h=rows.padding,
        dilation_h=rows.dilation, dilation_w=1)


@lru_cache(maxsize=1024)
def window_fields(sizes, window=True, backward=False):
    """Fields of a plan that say which pixel a tap leads to; without window: to itself."""
    rows, columns = sizes.rows, sizes.columns
    outputs = dict(in_height=rows.outputs, in_width=columns.outputs)
    if not window:
        return dict(**outputs, pixel_columns=columns.outputs, taps_high=1, taps_wide=1,
                    stride_h=1, stride_w=1, dilation_h=1, dilation_w=1)
    inputs = dict(in_height=rows.inputs, in_width=columns.inputs)
    return dict(
        **(outputs if backward else inputs),
        pixel_columns=columns.inputs if backward else columns.outputs,
        taps_high=rows.taps, taps_wide=columns.taps,
        stride_h=rows.stride, stride_w=columns.stride,
        padding_h=rows.padding, padding_w=columns.padding,
        dilation_h=rows.dilation, dilation_w=columns.dilation, backward=backward)
