"""One call of a product: operands prepared, a plan filled, a worker run.

The three faces and what they have in common; see product.py for the loops.
"""

from . import product, product_sizes
from .memory import record, round_up
from .microkernels.block import SCRATCH
from .operands import Lines, Operands
from .product_sizes import (
    Cut, Turned, lined_fields, row_blocks, strides, unfolds, window_fields,
)


class Call:
    """One product: its sizes, its micro-kernel and its parts.

    finish : of product_finish.py; Sums but where the caller fuses.
    """

    def __init__(self, memory, finish, sizes, ntask, micro, limit):
        self.memory, self.finish, self.out = memory, finish, finish.out
        self.sizes, self.micro, self.limit = sizes, micro, limit
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

    def forward_lined(self, x, w):
        """Every row of taps of a pixel is a segment."""
        sizes, micro = self.sizes, self.micro
        cut = Cut(micro, sizes.columns.taps * sizes.inputs, self.limit)
        wide = self.operands.widened(micro, x, 4, sizes.inputs)
        a = self.operands.lined(micro, wide, sizes, cut)
        b = self.operands.interleaved(micro, "b", self._weights(w, sizes.rows.taps), cut)
        self._pixels(a, b, cut, sizes.group_outputs, window=lined_fields(sizes, a))

    def forward_unfolded(self, x, w):
        """All taps of a pixel are one segment, some output pixels at a time."""
        sizes, micro = self.sizes, self.micro
        k = sizes.taps * sizes.group_inputs
        cut = Cut(micro, k + round_up(3, micro.size) // micro.size, self.limit)
        wide = self.operands.widened(micro, x, 4, sizes.group_inputs)
        b = self.operands.interleaved(micro, "b", self._weights(w, 1), cut)
        pixel = sizes.images * sizes.groups * cut.bytes
        columns, last_row = sizes.columns.outputs, self.out.shape[0]
        per_row = self.finish.row_step
        rows = max(1, product_sizes.CHUNK_BYTES // (pixel * columns * per_row))
        for row in range(0, last_row, rows):
            last = min(row + rows, last_row)
            first_pixel, last_pixel = (r * per_row * columns for r in (row, last))
            a = self.operands.unfolded(micro, wide, sizes, cut, first_pixel, last_pixel)
            self._pixels(a, b, cut, sizes.group_outputs, row, last,
                         window_fields(sizes, window=False))

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
        self._pixels(a, b, cut, sizes.group_inputs, window=window_fields(sizes, backward=True))

    def gradient(self, x, e):
        """The contraction over pixels and images, some images and output rows at a time."""
        sizes = self.sizes
        unfold = unfolds(self.micro, sizes)
        longest = self.micro.longest_run * self.micro.per_step
        most = min(product_sizes.IMAGES_AT_A_TIME, self.limit or sizes.images,
                   longest or sizes.images)
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

    def _pixels(self, a, b, cut, width, first=0, last=None, window=None):
        """Forward (or as `window`, fields of a plan, says) over rows first..last of out."""
        sizes, micro, out = self.sizes, self.micro, self.out
        window = window or window_fields(sizes)
        _, out_pixel, out_row, _ = strides(out)
        segments = window["taps_high"] * window["taps_wide"] * cut.chunks
        blocks = row_blocks(sizes.images, micro.rows)
        block_bytes = segments * cut.steps * 4 * micro.rows[0]
        run = max(1, product_sizes.ROWS_BYTES // block_bytes)
        first, last = (row * out.shape[1] for row in (first, last or out.shape[0]))
        self._run(
            self.finish.worker, a, b, segments, cut,
            row_blocks=blocks.ctypes.data, row_block_count=len(blocks), row_block_run=run,
            out_pixel=out_pixel, out_row=out_row, out_group=width * out.itemsize,
            width=width, chunks=cut.chunks, piece=cut.piece or segments,
            pixel_first=first, pixel_last=last,
            units=-(-len(blocks) // run) * sizes.groups * (last - first) * b.panels,
            **self.finish.pixels(window["pixel_columns"]), **window)

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
        """Run a worker; segments: the most that a table holds."""
        micro, out, taps = self.micro, self.out, self.finish.taps
        table_size = round_up(product.SUMS + 16 * segments, 64)
        work_size = SCRATCH + product.SUMS + taps * (product.BLOCK + table_size)
        plan = record(
            product.PLAN, block=micro.address, begin=micro.begin, end=micro.end,
            columns=micro.columns, flush=cut.flush, steps=cut.steps,
            a=a.address, lda=a.row, a_pixel=a.pixel, a_group=a.group, a_chunk=cut.steps * 4,
            b=b.address, b_panel=b.panel, b_segment=b.segment, offset_sums=b.sums,
            panels=b.panels, groups=self.sizes.groups, out=out.ctypes.data,
            wide=out.itemsize == 8, wide_block=micro.wide, work_size=work_size,
            table_size=table_size, work=self.memory.address("work", work_size * self.ntask),
            **self.finish.fields(self.sizes, b.panels, micro.columns), **fields)
        product.run_tasks(worker.address, plan.ctypes.data, self.ntask)
