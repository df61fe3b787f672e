"""Convolution forward, error and gradient on micro-kernels: the fast twin of reference/conv.py.

Each method prepares A and B (product_prepare.py), fills a plan and runs it (product.py). The
contract of every argument is stated in the reference; here x, w and e may be any C-contiguous
arrays, and results do not depend on the number of tasks.
"""

from functools import lru_cache, partial

import numpy as np

from ...errors import FormatError, ShapeError
from ..geometry import geometry
from . import product, product_prepare, product_unfold
from .backends import BYTES, dot2, dot2_wide
from .memory import Workspaces, record, round_up

# Sizes that decide only about speed, measured on VGG-7 and AlexNet layers.
UNFOLD_CHANNELS = 8  # a window over at most this many channels is unfolded
PANEL_BYTES = 24 << 10  # of B, kept in L1 while rows go by
ROWS_BYTES = 192 << 10  # of A under one pixel, kept in L2 while panels go by
PIXEL_RUN = 4
RUN_BYTES = 16 << 10  # of E under one panel in the gradient, kept in L1
CHUNK_BYTES = 8 << 20  # of prepared operands at a time, where they are prepared piecewise
IMAGES_AT_A_TIME = 512  # of the gradient
FEWEST_PRODUCTS = 64  # in an s32 piece; below, every pair is widened


class Products:
    """The three products with the micro-kernels of one backend.

    Parameters
    ----------
    backend : a name of backends.BYTES.
    emulated : as in `kernels.load`.
    """

    def __init__(self, backend, emulated=False):
        self._choose = partial(BYTES[backend], emulated=emulated)
        self._memory = Workspaces()

    def conv2d_forward(self, out, x, w, stride, padding, dilation, groups, w_max=None, ntask=1):
        """See reference/conv.py. Rows are images, columns output channels, segments taps."""
        x, w = _operands(out, x, w)
        sizes = geometry(x.shape, w.shape, out.shape, stride, padding, dilation, groups)
        micro, limit = self._micro(out, x, w, w_max)
        if sizes.taps > 1 and sizes.group_inputs <= UNFOLD_CHANNELS:
            self._forward_unfolded(micro, limit, out, x, w, sizes, ntask)
            return
        cut = _Cut(micro, sizes.group_inputs, limit)
        a, pixel = self._widened(micro, x, sizes.images, cut, sizes.group_inputs, ntask)
        b, sums = self._interleaved(
            micro, "b", w.ctypes.data, w.itemsize, sizes.taps, sizes.group_inputs * w.strides[2],
            sizes.group_outputs * w.itemsize, w.strides[2], sizes.group_inputs,
            sizes.group_outputs, groups, cut, ntask)
        self._pixels(micro, cut, out, sizes, a, pixel, x.shape[3] * micro.size,
                     sizes.group_inputs,
                     b, sums, sizes.group_outputs, False, ntask)

    def conv2d_error(self, out, e, w, stride, padding, dilation, groups, w_max=None, ntask=1):
        """See reference/conv.py. Rows are images, columns input channels, segments taps."""
        e, w = _operands(out, e, w)
        sizes = geometry(out.shape, w.shape, e.shape, stride, padding, dilation, groups)
        micro, limit = self._micro(out, e, w, w_max)
        cut = _Cut(micro, sizes.group_outputs, limit)
        a, pixel = self._widened(micro, e, sizes.images, cut, sizes.group_outputs, ntask)
        b, sums = self._transposed(micro, w, sizes, cut, ntask)
        self._pixels(micro, cut, out, sizes, a, pixel, e.shape[3] * micro.size,
                     sizes.group_outputs,
                     b, sums, sizes.group_inputs, True, ntask)

    # ------------------------------------------------------------ choices
    def _micro(self, out, a, b, b_max=None):
        """The micro-kernel for these operands, and how many products an s32 sum of it may add."""
        micro = self._choose(b_max or 127) if a.itemsize == b.itemsize == 1 else dot2()
        if out.dtype == np.int32:
            return micro, None
        a_max = 127 if a.itemsize == 1 else _magnitude(a)
        b_max = b_max or (127 if b.itemsize == 1 else _magnitude(b))
        limit = (2**31 - 1) // max(1, a_max * b_max)
        return (micro, limit) if limit >= FEWEST_PRODUCTS else (dot2_wide(), None)

    # ------------------------------------------------------------ operands
    def _prepare(self, worker, ntask, **fields):
        plan = record(product_prepare.PLAN, work_size=4096,
                      work=self._memory.address("work", 4096 * ntask), **fields)
        product.run_tasks(worker.address, plan.ctypes.data, ntask)

    def _widened(self, micro, x, images, cut, contraction, ntask):
        """Address of x in the width of A, with room to read past its last row; pixel stride."""
        row = x.shape[3] * micro.size
        pixel = images * row
        past = cut.bytes - contraction * micro.size
        if (x.itemsize == micro.size and not micro.offset and past == 0
                and images % micro.rows[-1] == 0
                and (micro.step_multiple == 1 or x.ctypes.data % 64 == 0)):
            return x.ctypes.data, pixel
        pixels = x.shape[0] * x.shape[1]
        pixel = _spread(pixel, micro.rows[0] * row)
        a = self._memory.address("a", pixels * pixel + micro.rows[-1] * row + past + 64)
        self._prepare(product_prepare.widen_worker, ntask, src=x.ctypes.data, src_size=x.itemsize,
                      dst=a, dst_size=micro.size, dst_segment=pixel, segments=pixels,
                      k=images * x.shape[3], flip=micro.offset)
        return a, pixel

    def _interleaved(self, micro, name, src, src_size, segments, src_segment, src_group, src_k,
                     k, c, groups, cut, ntask):
        """Addresses of B and of its offset sums, from rows of k."""
        fields = self._panels(micro, name, segments, k, c, groups, cut)
        self._prepare(product_prepare.interleave_worker, ntask, src=src, src_size=src_size,
                      src_segment=src_segment, src_group=src_group, src_k=src_k, **fields)
        return fields["dst"], fields["offset_sums"]

    def _transposed(self, micro, w, sizes, cut, ntask):
        """Addresses of B and of its offset sums, for the error."""
        fields = self._panels(micro, "b", sizes.taps, sizes.group_outputs, sizes.group_inputs,
                              sizes.groups, cut)
        self._prepare(product_prepare.transpose_worker, ntask, src=w.ctypes.data,
                      src_size=w.itemsize, src_segment=w.strides[1],
                      src_group=sizes.group_outputs * w.itemsize, src_c=w.strides[2], **fields)
        return fields["dst"], fields["offset_sums"]

    def _panels(self, micro, name, segments, k, c, groups, cut):
        """Fields of a preparation of B, with memory for it."""
        panels = -(-c // micro.columns)
        rows = groups * panels * segments * cut.chunks
        return dict(
            dst=self._memory.address(name, rows * cut.steps * micro.columns * 4),
            dst_size=micro.size, segments=segments, groups=groups, k=k, c=c,
            columns=micro.columns, panels=panels, chunks=cut.chunks, steps=cut.steps,
            offset_sums=self._memory.address(name + "_sums", rows * micro.columns * 4)
            if micro.offset else 0,
        )

    # ------------------------------------------------------------ runs
    def _run(self, worker, micro, ntask, segments, **fields):
        work_size = round_up(product.TABLE_AT + 16 * (segments + 1), 64)
        plan = record(product.PLAN, block=micro.address, begin=micro.begin, end=micro.end,
                      columns=micro.columns, wide_block=micro.wide, work_size=work_size,
                      work=self._memory.address("work", work_size * ntask), **fields)
        product.run_tasks(worker.address, plan.ctypes.data, ntask)

    def _pixels(self, micro, cut, out, sizes, a, a_pixel, lda, contraction, b, sums, width,
                backward, ntask, first=0, last=None, window=True):
        """Forward (or, backward, error) over pixels first..last of out."""
        segments = (sizes.taps if window else 1) * cut.chunks
        panels = -(-width // micro.columns)
        blocks = _row_blocks(sizes.images, micro.rows)
        under_pixel = segments * cut.steps * 4
        self._run(
            product.pixels_worker, micro, ntask, segments, flush=cut.flush,
            a=a, lda=lda, a_pixel=a_pixel, a_group=contraction * micro.size,
            a_chunk=cut.steps * 4, b=b, b_panel=segments * cut.steps * micro.columns * 4,
            b_segment=cut.steps * micro.columns * 4, steps=cut.steps, offset_sums=sums,
            row_blocks=blocks.ctypes.data, row_block_count=len(blocks),
            row_block_run=max(1, ROWS_BYTES // (under_pixel * micro.rows[0])),
            out=out.ctypes.data, out_pixel=out.strides[1], out_row=out.strides[2],
            out_group=width * out.itemsize, wide=out.itemsize == 8,
            groups=sizes.groups, panels=panels, width=width, chunks=cut.chunks,
            piece=cut.piece or segments, pixel_first=first, pixel_run=PIXEL_RUN,
            pixel_last=out.shape[0] * out.shape[1] if last is None else last,
            pixel_columns=out.shape[1], **_window(sizes, window, backward))

    def _forward_unfolded(self, micro, limit, out, x, w, sizes, ntask):
        """Forward with the taps of a pixel side by side, some output rows at a time."""
        k = sizes.taps * sizes.group_inputs
        run = sizes.group_inputs * micro.size
        cut = _Cut(micro, k + -(-3 // micro.size), limit)  # room for the last word of a row
        row = cut.bytes
        pixel = sizes.images * sizes.groups * row
        x_widened, x_pixel = self._widened(micro, x, sizes.images, cut, 0, ntask)
        b, sums = self._interleaved(
            micro, "b", w.ctypes.data, w.itemsize, 1, 0, sizes.group_outputs * w.itemsize,
            w.strides[2], k, sizes.group_outputs, sizes.groups, cut, ntask)
        pixels = out.shape[0] * out.shape[1]
        count = min(pixels, max(1, CHUNK_BYTES // pixel))
        a = self._memory.address("unfolded", count * pixel + micro.rows[-1] * pixel + 64)
        for first in range(0, pixels, count):
            last = min(first + count, pixels)
            self._prepare(
                product_unfold.unfold_worker, ntask, src=x_widened,
                src_segment=x_pixel, src_group=run,
                src_k=x.shape[3] * micro.size, k=sizes.images, c=run, groups=sizes.groups,
                dst=a, dst_segment=pixel, dst_row=row, flip=micro.offset, pixel_first=first,
                pixel_last=last, pixel_columns=out.shape[1], **_window(sizes))
            self._pixels(micro, cut, out, sizes, a - first * pixel, pixel, sizes.groups * row,
                         row // micro.size, b, sums, sizes.group_outputs, False, ntask,
                         first, last, window=False)

    # ------------------------------------------------------------ gradient
    def conv2d_gradient(self, out, x, e, stride, padding, dilation, groups, ntask=1):
        """See reference/conv.py. Rows are input channels, columns output channels; the
        contraction over pixels and images is taken some output rows and images at a time."""
        x, e = _operands(out, x, e)
        sizes = geometry(x.shape, out.shape, e.shape, stride, padding, dilation, groups)
        micro, limit = self._micro(out, x, e)
        unfold = sizes.taps > 1 and sizes.group_inputs <= UNFOLD_CHANNELS
        images = min(sizes.images, IMAGES_AT_A_TIME)
        if limit:
            images = min(images, limit)
        turned = _Turned(micro, sizes, images, unfold)
        rows = max(1, CHUNK_BYTES // (turned.pixel * e.shape[1]))
        first = True
        for n in range(0, sizes.images, images):
            for h in range(0, e.shape[0], rows):
                part = _Turned(micro, sizes, min(images, sizes.images - n), unfold)
                self._gradient_part(micro, limit, out, x, e, sizes, part, n,
                                    h, min(h + rows, e.shape[0]), first, ntask)
                first = False

    def _gradient_part(self, micro, limit, out, x, e, sizes, part, n, h, h_end, first, ntask):
        """Add (first: write) the products of output rows h..h_end and part.images images."""
        axis = sizes.rows
        top = min(axis.inputs, max(0, h * axis.stride - axis.padding))
        bottom = (h_end - 1) * axis.stride - axis.padding + (axis.taps - 1) * axis.dilation + 1
        bottom = max(top, min(axis.inputs, bottom))
        width, out_width = x.shape[1], e.shape[1]
        cut = part.cut
        a = self._memory.address("a", (bottom - top) * width * part.x_pixel + part.slack)
        self._prepare(
            product_prepare.turn_worker, ntask, src=x.ctypes.data + top * x.strides[0]
            + n * x.strides[2], src_size=x.itemsize, src_segment=x.strides[1],
            src_k=x.strides[2], segments=(bottom - top) * width, k=part.images, c=sizes.inputs,
            dst=a, dst_size=micro.size, flip=micro.offset, dst_segment=part.x_pixel,
            dst_row=part.row)
        pixels = (h_end - h) * out_width
        start = h * out_width
        b, sums = self._interleaved(
            micro, "e", e.ctypes.data + h * e.strides[0] + n * e.strides[2], e.itemsize, pixels,
            e.strides[1], sizes.group_outputs * e.itemsize, e.strides[2], part.images,
            sizes.group_outputs, sizes.groups, cut, ntask)
        a -= top * width * part.x_pixel
        if part.unfold:
            unfolded = self._memory.address("unfolded", pixels * part.a_pixel + part.slack)
            self._prepare(
                product_unfold.unfold_turned_worker, ntask, src=a, src_segment=part.x_pixel,
                src_group=sizes.group_inputs * part.row, c=sizes.group_inputs * part.row,
                groups=sizes.groups, dst=unfolded, dst_segment=part.a_pixel,
                dst_row=part.rows * part.row, flip=micro.offset, pixel_first=start,
                pixel_last=start + pixels, pixel_columns=out_width, **_window(sizes))
            a = unfolded - start * part.a_pixel
        blocks = _row_blocks(part.rows, micro.rows)
        segment = cut.steps * micro.columns * 4
        piece = max(1, min(pixels, RUN_BYTES // segment))
        if limit:
            piece = max(1, min(piece, limit // part.images))
        self._run(
            product.taps_worker, micro, ntask, piece, flush=cut.flush,
            a=a, lda=part.row, a_pixel=part.a_pixel, a_group=part.rows * part.row,
            b=b - start * segment, b_panel=pixels * segment, b_segment=segment,
            steps=cut.steps, offset_sums=sums and sums - start * micro.columns * 4,
            row_blocks=blocks.ctypes.data, row_block_count=len(blocks), row_block_run=1,
            out=out.ctypes.data, out_pixel=out.strides[1], out_row=out.strides[2],
            out_group=sizes.group_outputs * out.itemsize, wide=out.itemsize == 8, first=first,
            groups=sizes.groups, panels=-(-sizes.group_outputs // micro.columns),
            width=sizes.group_outputs, chunks=1, piece=piece, pixel_first=start,
            pixel_last=start + pixels, pixel_columns=out_width,
            **_window(sizes, window=not part.unfold))


class _Cut:
    """How the contraction of a tap is cut: `chunks` segments of `steps` steps each.

    piece : segments that one s32 sum may add, None for all. flush : of the micro-kernel.
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


class _Turned:
    """Sizes of A of the gradient, channels by images: bytes of rows and pixels."""

    def __init__(self, micro, sizes, images, unfold):
        self.images, self.unfold = images, unfold
        self.cut = _Cut(micro, images, None)
        whole_tiles = round_up(images, 8 * micro.per_step) * micro.size
        self.row = max(self.cut.bytes, whole_tiles)
        self.x_pixel = round_up(sizes.inputs, 8) * self.row
        self.rows = sizes.group_inputs * (sizes.taps if unfold else 1)
        self.a_pixel = sizes.groups * self.rows * self.row if unfold else self.x_pixel
        self.pixel = self.a_pixel + self.cut.bytes * round_up(sizes.outputs, micro.columns)
        self.slack = micro.rows[-1] * self.row + 64


def _operands(out, *operands):
    """The operands as contiguous arrays; their widths and out's checked."""
    if out.dtype not in (np.int32, np.int64) or not out.flags.c_contiguous:
        raise FormatError(f"a product writes a C-contiguous s32 or s64 array, got {out.dtype}")
    for codes in operands:
        if codes.dtype not in (np.int8, np.int16):
            raise FormatError(f"a product takes s8 or s16 operands, got {codes.dtype}")
        if codes.ndim != 4:
            raise ShapeError(f"a product takes 4-D operands, got shape {codes.shape}")
    return [np.ascontiguousarray(codes) for codes in operands]


def _spread(pixel, block):
    """A stride of pixels that are not a multiple of 4 KiB apart, so that the same rows of
    neighbouring pixels (`block` bytes) do not fall into the same sets of L1."""
    if pixel < 4096 or pixel % 4096 >= 512:
        return pixel
    return pixel + round_up(min(block, 2048), 64)


def _magnitude(codes):
    return max(int(codes.max()), -int(codes.min()))


@lru_cache(maxsize=256)
def _row_blocks(count, heights):
    """Rows 0..count as blocks of the kernel's heights: s64 [blocks][first, computed, valid]."""
    blocks, row = [], 0
    while row < count:
        left = count - row
        height = next((h for h in heights if h <= left), heights[-1])
        blocks.append((row, height, min(height, left)))
        row += height
    return np.array(blocks, np.int64)


def _window(sizes, window=True, backward=False):
    """Fields of a plan that say which pixel a tap leads to."""
    rows, columns = sizes.rows, sizes.columns
    height, width = (rows.outputs, columns.outputs) if backward else (rows.inputs, columns.inputs)
    if not window:  # unfolded: every pixel meets itself
        return dict(in_height=rows.outputs, in_width=columns.outputs, taps_high=1, taps_wide=1,
                    stride_h=1, stride_w=1, dilation_h=1, dilation_w=1)
    return dict(
        in_height=height, in_width=width, taps_high=rows.taps, taps_wide=columns.taps,
        stride_h=rows.stride, stride_w=columns.stride, padding_h=rows.padding,
        padding_w=columns.padding, dilation_h=rows.dilation, dilation_w=columns.dilation,
        backward=backward)
