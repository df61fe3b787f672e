"""Convolution forward, error and gradient on micro-kernels: the fast twin of reference/conv.py.

Each method prepares A and B (operands.py), fills a plan and runs it (product.py). The contract
of every argument is stated in the reference; here x, w and e may be any C-contiguous arrays, and
no result depends on the number of tasks.
"""

from threading import Lock

import numpy as np

from ...errors import FormatError, ShapeError
from ..geometry import geometry
from . import product, product_sizes
from .backends import BYTES, Bytes, pairs, pairs_wide
from .memory import Workspaces, record, round_up
from .operands import Lines, Operands
from .product_sizes import Cut, Turned, row_blocks, strides, unfolds, window_fields


class Products:
    """The three products with the micro-kernels of one backend.

    Parameters
    ----------
    backend : a name of backends.BYTES.
    emulated : as in `kernels.load`.
    """

    def __init__(self, backend, emulated=False):
        self._choose = BYTES[backend]
        self._emulated = emulated
        self._memory = Workspaces()
        self._lock = Lock()  # one call at a time uses the workspaces

    def conv2d_forward(self, out, x, w, stride, padding, dilation, groups, w_max=None, ntask=1):
        """See reference/conv.py. Rows are images, columns output channels, segments taps."""
        x, w = _operands(out, x, w)
        sizes = geometry(x.shape, w.shape, out.shape, stride, padding, dilation, groups)
        with self._lock:
            call = _Call(self._memory, out, sizes, ntask, *self._micro(out, x, w, w_max))
            x = _signed(x, call.micro)
            if unfolds(call.micro, sizes):
                call.forward_unfolded(x, w)
            else:
                call.forward(x, w)

    def conv2d_error(self, out, e, w, stride, padding, dilation, groups, w_max=None, ntask=1):
        """See reference/conv.py. Rows are images, columns input channels, segments taps."""
        e, w = _operands(out, e, w)
        sizes = geometry(out.shape, w.shape, e.shape, stride, padding, dilation, groups)
        with self._lock:
            _Call(self._memory, out, sizes, ntask, *self._micro(out, e, w, w_max)).error(e, w)

    def conv2d_gradient(self, out, x, e, stride, padding, dilation, groups, ntask=1):
        """See reference/conv.py. Rows are input channels, columns output channels, segments
        output pixels."""
        x, e = _operands(out, x, e)
        sizes = geometry(x.shape, out.shape, e.shape, stride, padding, dilation, groups)
        with self._lock:
            call = _Call(self._memory, out, sizes, ntask, *self._micro(out, x, e))
            call.gradient(_signed(x, call.micro), e)

    def _micro(self, out, a, b, b_max=None):
        """The micro-kernel for these operands, and how many products one s32 sum may add.

        Bound of s64 results: a piece of `limit` products stays below 2**31 and is then added to
        64 bits; where that would be a handful, the wide kernel widens every pair.
        """
        if a.itemsize == b.itemsize == 1:
            micro = self._choose(_bytes(a, b_max or 127, self._emulated))
        else:
            micro = pairs()
        if out.dtype == np.int32:
            return micro, None
        a_max = np.iinfo(a.dtype).max if a.itemsize == 1 else _magnitude(a)
        b_max = b_max or (127 if b.itemsize == 1 else _magnitude(b))
        limit = (2**31 - 1) // max(1, a_max * b_max)
        return (micro, limit) if limit >= product_sizes.FEWEST_PRODUCTS else (pairs_wide(), None)


class _Call:
    """One product: its sizes, its micro-kernel and its parts."""

    def __init__(self, memory, out, sizes, ntask, micro, limit):
        self.memory = memory
        self.out, self.sizes, self.micro, self.limit = out, sizes, micro, limit
        self.ntask = ntask if sizes.products > product_sizes.SMALL else 1
        self.operands = Operands(self.memory, self.ntask)

    def forward(self, x, w):
        """Every tap of a pixel is a segment."""
        sizes, micro = self.sizes, self.micro
        cut = Cut(micro, sizes.group_inputs, self.limit)
        past = cut.bytes - sizes.group_inputs * micro.size
        a = self.operands.widened(micro, x, past, sizes.group_inputs)
        b = self.operands.interleaved(micro, "b", self._weights(w, sizes.taps), cut)
        self._pixels(a, b, cut, sizes.group_outputs)

    def forward_unfolded(self, x, w):
        """All taps of a pixel are one segment, some output pixels at a time."""
        sizes, micro = self.sizes, self.micro
        k = sizes.taps * sizes.group_inputs
        cut = Cut(micro, k + round_up(3, micro.size) // micro.size, self.limit)
        wide = self.operands.widened(micro, x, 4, sizes.group_inputs)
        b = self.operands.interleaved(micro, "b", self._weights(w, 1), cut)
        pixel = sizes.images * sizes.groups * cut.bytes
        count = max(1, product_sizes.CHUNK_BYTES // pixel)
        pixels = sizes.rows.outputs * sizes.columns.outputs
        for first in range(0, pixels, count):
            last = min(first + count, pixels)
            a = self.operands.unfolded(micro, wide, sizes, cut, first, last)
            self._pixels(a, b, cut, sizes.group_outputs, first, last, window=False)

    def error(self, e, w):
        """The taps that reach an input pixel are its segments."""
        sizes, micro = self.sizes, self.micro
        cut = Cut(micro, sizes.group_outputs, self.limit)
        past = cut.bytes - sizes.group_outputs * micro.size
        a = self.operands.widened(micro, e, past, sizes.group_outputs)
        steps = strides(w)
        lines = Lines(
            w.ctypes.data, w.itemsize, steps[1], sizes.group_outputs * w.itemsize, w.itemsize,
            steps[2], sizes.taps, sizes.groups, sizes.group_outputs, sizes.group_inputs)
        b = self.operands.transposed(micro, "b", lines, cut)
        self._pixels(a, b, cut, sizes.group_inputs, backward=True)

    def gradient(self, x, e):
        """The contraction over pixels and images, some images and output rows at a time."""
        sizes = self.sizes
        unfold = unfolds(self.micro, sizes)
        most = min(product_sizes.IMAGES_AT_A_TIME, self.limit or sizes.images)
        for image in range(0, sizes.images, most):
            images = min(most, sizes.images - image)
            part = Turned(self.micro, sizes, images, unfold)
            rows = part.output_rows(self.micro, sizes)
            for row in range(0, sizes.rows.outputs, rows):
                last = min(row + rows, sizes.rows.outputs)
                self._taps(x, e, part, image, row, last, first=image == row == 0)

    # ------------------------------------------------------------ parts
    def _weights(self, w, segments):
        """w as rows of k: taps as segments, or side by side in one."""
        sizes, row = self.sizes, strides(w)[2]
        k = sizes.taps * sizes.group_inputs // segments
        return Lines(
            w.ctypes.data, w.itemsize, k * row, sizes.group_outputs * w.itemsize, row,
            w.itemsize, segments, sizes.groups, k, sizes.group_outputs)

    def _pixels(self, a, b, cut, width, first=0, last=None, window=True, backward=False):
        """Forward (backward: error) over pixels first..last of out."""
        sizes, micro, out = self.sizes, self.micro, self.out
        _, out_pixel, out_row, _ = strides(out)
        segments = (sizes.taps if window else 1) * cut.chunks
        blocks = row_blocks(sizes.images, micro.rows)
        block_bytes = segments * cut.steps * 4 * micro.rows[0]
        self._run(
            product.pixels_worker, a, b, segments, cut,
            row_blocks=blocks.ctypes.data, row_block_count=len(blocks),
            row_block_run=max(1, product_sizes.ROWS_BYTES // block_bytes),
            out_pixel=out_pixel, out_row=out_row, out_group=width * out.itemsize,
            width=width, chunks=cut.chunks, piece=cut.piece or segments, pixel_first=first,
            pixel_last=out.shape[0] * out.shape[1] if last is None else last,
            **window_fields(sizes, window, backward))

    def _taps(self, x, e, part, image, row, last_row, first):
        """Add (first: write) what output rows row..last_row of `part.images` images give."""
        sizes, micro, out, cut = self.sizes, self.micro, self.out, part.cut
        axis = sizes.rows
        top = min(axis.inputs, max(0, row * axis.stride - axis.padding))
        end = (last_row - 1) * axis.stride - axis.padding + (axis.taps - 1) * axis.dilation + 1
        a = self.operands.turned(micro, x, sizes, part, image, top,
                                 max(top, min(axis.inputs, end)))
        steps = strides(e)
        start, end = row * sizes.columns.outputs, last_row * sizes.columns.outputs
        lines = Lines(
            e.ctypes.data + row * steps[0] + image * steps[2], e.itemsize, steps[1],
            sizes.group_outputs * e.itemsize, steps[2], e.itemsize, end - start, sizes.groups,
            part.images, sizes.group_outputs)
        b = self.operands.interleaved(micro, "e", lines, cut).moved(-start, 4 * micro.columns)
        if part.unfold:
            a = self.operands.unfolded_turned(micro, a, sizes, part, start, end)
        piece = max(1, min(end - start, product_sizes.RUN_BYTES // b.segment))
        if self.limit:
            piece = max(1, min(piece, self.limit // part.images))
        blocks = row_blocks(part.rows, micro.rows)
        _, out_tap, out_row, _ = strides(out)
        self._run(
            product.taps_worker, a, b, piece, cut, first=first,
            row_blocks=blocks.ctypes.data, row_block_count=len(blocks),
            row_block_run=max(1, product_sizes.OUT_BYTES // (out_row * micro.rows[0])),
            out_pixel=out_tap, out_row=out_row, out_group=sizes.group_outputs * out.itemsize,
            width=sizes.group_outputs, chunks=1, piece=piece, pixel_first=start, pixel_last=end,
            **window_fields(sizes, window=not part.unfold))

    def _run(self, worker, a, b, segments, cut, **fields):
        """Run a worker of product.py; segments: the most that its table holds."""
        micro, out = self.micro, self.out
        work_size = round_up(product.TABLE_AT + 16 * segments, 64)
        plan = record(
            product.PLAN, block=micro.address, begin=micro.begin, end=micro.end,
            columns=micro.columns, flush=cut.flush, steps=cut.steps,
            a=a.address, lda=a.row, a_pixel=a.pixel, a_group=a.group, a_chunk=cut.steps * 4,
            b=b.address, b_panel=b.panel, b_segment=b.segment, offset_sums=b.sums,
            panels=b.panels, groups=self.sizes.groups, out=out.ctypes.data,
            wide=out.itemsize == 8, wide_block=micro.wide, work_size=work_size,
            work=self.memory.address("work", work_size * self.ntask), **fields)
        product.run_tasks(worker.address, plan.ctypes.data, self.ntask)


def _bytes(a, w_max, emulated):
    """What a backend may know about byte operands a and b."""
    if a.dtype == np.uint8:
        return Bytes(w_max, lambda: a.size == 0 or a.max() <= 127, True, emulated)
    return Bytes(w_max, lambda: a.size == 0 or a.min() >= 0, False, emulated)


def _signed(codes, micro):
    """u8 codes as s16 for the kernels of s16 pairs, all others as they are."""
    return codes.astype(np.int16) if codes.dtype == np.uint8 and micro.size == 2 else codes


def _operands(out, *operands):
    """The operands as contiguous arrays; their widths and out's checked. The first may be u8."""
    if out.dtype not in (np.int32, np.int64) or not out.flags.c_contiguous or out.ndim != 4:
        raise FormatError(
            "a product writes a C-contiguous 4-D s32 or s64 array, got "
            f"{out.dtype} of shape {out.shape}"
        )
    for i, codes in enumerate(operands):
        if codes.dtype not in (np.int8, np.int16) and (i or codes.dtype != np.uint8):
            raise FormatError(
                f"a product takes s8 or s16 operands, the first also u8; got {codes.dtype}"
            )
        if codes.ndim != 4:
            raise ShapeError(f"a product takes 4-D operands, got shape {codes.shape}")
    return [np.ascontiguousarray(codes) for codes in operands]


def _magnitude(codes):
    return max(int(codes.max()), -int(codes.min()))
